"""Files that should not be published, by name or first bytes: secrets, unfinished downloads, place-holders.

Files that programs keep beside a model for themselves are skipped with a message; files that may be a mistake are
refused, unless the user includes them explicitly.

Tests: tests/packer/source/test_scan.py
"""

import json
import re
import struct
from collections.abc import Callable
from fnmatch import fnmatchcase

from packer.category import category_of

_PARTIAL = ("*.incomplete", "*.part", "*.partial", "*.crdownload", "*.aria2", "*.tmp")
_PRIVATE = (
    *(".env", ".env.*", ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".dockerconfigjson", ".dockercfg"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.kubeconfig", "kubeconfig", "id_rsa", "id_dsa", "id_ecdsa"),
    *("id_ed25519", "credentials", "credentials.json", "client_secret*.json", "token", "token.txt", "*.tfstate"),
)
_FOLDERS = (".git", ".cache", ".ssh", ".aws", ".kube", ".docker", ".gnupg", ".huggingface", ".ipynb_checkpoints")
_KEPT_ASIDE = (".cache", ".huggingface")
"""Folders that links may point into: they hold stores of models."""

_OTHERS_OWN = (".git", "__MACOSX", ".DS_Store")
_APPLE_DOUBLE = "._*"
_HUB_BOOKS = (".cache", "huggingface")

HEAD_BYTES = 1024
_HEADER_LIMIT = 100 << 20  # the limit of safetensors itself
_POINTERS = (
    (
        re.compile(
            rb"version https://(?:git-lfs|hawser)\.github\.com/spec/[^\n]*\n(?:[^\n]*\n)*?oid sha256:[0-9a-f]{64}"
        ),
        "a pointer of git-lfs (`git lfs pull` fetches what it stands for)",
    ),
    (
        re.compile(rb"# xet version [0-9.]+\n(?:[^\n]*\n)*?filesize = "),
        "a pointer of git-xet (`git xet checkout` fetches what it stands for)",
    ),
    (
        re.compile(rb"/annex/objects/[A-Z0-9_]+-(?:[sm][0-9]+-)*-"),
        "a pointer of git-annex (`git annex get` fetches what it stands for)",
    ),
)
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<error>", b"<head")
_PAGED = ("*.json", "*.model", "*.tiktoken")

Read = Callable[[int, int], bytes]
"""Reads at most so many bytes of a file from an offset."""


def is_others_own(path: str) -> bool:
    """Return whether a file or a folder belongs to another program, and is no part of the model."""
    parts = path.split("/")
    return parts[-1] in _OTHERS_OWN or fnmatchcase(parts[-1], _APPLE_DOUBLE) or tuple(parts[-2:]) == _HUB_BOOKS


def suspect(path: str) -> str:
    """Return the file, or the folder above it, whose name should not be published; empty if there is none."""
    *folders, name = path.split("/")
    for number, folder in enumerate(folders):
        if folder in _FOLDERS:
            return "/".join(folders[: number + 1])
    return path if _matches(name, _PARTIAL) or _matches(name, _PRIVATE) else ""


def is_suspicious(path: str) -> bool:
    """Return whether a file's name suggests that it should not be published."""
    return bool(suspect(path))


def is_suspicious_target(path: str) -> bool:
    """Return whether a link's target has such a name; hidden cache folders of models are allowed on its path."""
    return is_suspicious("/".join(part for part in path.split("/") if part not in _KEPT_ASIDE))


def stands_for(path: str, size: int, read: Read) -> str:
    """Return what a file is instead of what its name says; an empty text if it may be genuine."""
    head = read(0, HEAD_BYTES)
    if size <= HEAD_BYTES:
        for form, what in _POINTERS:
            if form.match(head):
                return what
    name = path.rpartition("/")[2]
    may_be_page = category_of(path, 0) != "weight" and not _matches(name, _PAGED)
    if not may_be_page and head.lstrip().lower().startswith(_PAGES):
        return "a web page, as logins and errors are sent in place of files"
    return _truncated(size, head, read) if name.endswith(".safetensors") else ""


def _truncated(size: int, head: bytes, read: Read) -> str:
    """Return how a safetensors file's size differs from its header (safetensors, "Format")."""
    if head[8:9] != b"{":
        return ""
    (length,) = struct.unpack("<Q", head[:8])
    if length > _HEADER_LIMIT:
        return ""
    if size < 8 + length:
        return f"cut off: its header alone has {8 + length} bytes, and it has {size}"
    try:
        tensors = json.loads(read(8, length))
        ends = [int(one["data_offsets"][1]) for name, one in tensors.items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        return ""
    promised = 8 + length + max(ends, default=0)
    return f"cut off: its header promises {promised} bytes, and it has {size}" if size < promised else ""


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
