"""A model folder, looked through: which files will be layers, under which names."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from registry.paths import fault_of

from .errors import BadFolder, BadName, EmptyFolder, Suspicious

_PARTIAL = ("*.incomplete", "*.part", "*.partial", "*.crdownload", "*.aria2", "*.tmp")
_PRIVATE = (
    *(".env", ".env.*", ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".dockerconfigjson", ".dockercfg"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.kubeconfig", "kubeconfig", "id_rsa", "id_dsa", "id_ecdsa"),
    *("id_ed25519", "credentials", "credentials.json", "client_secret*.json", "token", "token.txt", "*.tfstate"),
)
_FOLDERS = (".git", ".cache", ".ssh", ".aws", ".kube", ".docker", ".gnupg", ".huggingface", ".ipynb_checkpoints")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to pack: its name in the artifact, where it is, and its status as it was found."""

    path: str
    location: Path
    status: os.stat_result

    @property
    def size(self) -> int:
        """Bytes."""
        return self.status.st_size

    @property
    def is_executable(self) -> bool:
        """Whether anybody may run it."""
        return bool(self.status.st_mode & 0o111)


def scan(folder: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[Found, ...]:
    """Give the files below `folder`, less those that a glob of `exclude` matches, sorted by the bytes of their names.

    Files that look secret or unfinished are refused, unless a glob of `include` says that they are meant. Links to
    files are followed, as a Hugging Face cache needs; links to folders are not, for they may make a ring.
    Raises BadFolder, EmptyFolder, BadName, Suspicious.
    """
    if not folder.is_dir():
        raise BadFolder(f"{folder}: is no folder")
    found = [file for file in _walk(folder, folder) if not _matches(file.path, exclude)]
    suspects = [file.path for file in found if is_suspicious(file.path) and not _matches(file.path, include)]
    if suspects:
        more = f" and {len(suspects) - 3} more" if len(suspects) > 3 else ""
        raise Suspicious(f"{folder}: looks secret or unfinished: {', '.join(sorted(suspects)[:3])}{more}")
    if not found:
        raise EmptyFolder(f"{folder}: holds no file")
    return tuple(sorted(found, key=lambda file: os.fsencode(file.path)))


def is_suspicious(path: str) -> bool:
    """Tell whether a file's name says that it should not be published: a secret, or the start of a download."""
    *folders, name = path.split("/")
    return _matches(name, _PARTIAL) or _matches(name, _PRIVATE) or any(folder in _FOLDERS for folder in folders)


def _matches(path: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(path, glob) for glob in globs)


def _walk(root: Path, folder: Path) -> list[Found]:
    found: list[Found] = []
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise BadFolder(f"{folder}: {error.strerror}", remedy="make it readable") from None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            found += _walk(root, Path(entry.path))
        else:
            found.append(_file(root, entry))
    return found


def _file(root: Path, entry: "os.DirEntry[str]") -> Found:
    location = Path(entry.path)
    path = location.relative_to(root).as_posix()
    reason = fault_of(path)
    if reason:
        raise BadName(f"{os.fsencode(location)!r}: the name {reason}")
    if not entry.is_file():
        what = "a broken link, or a link to a folder" if entry.is_symlink() else "no regular file"
        raise BadFolder(f"{location}: is {what}", remedy="remove it, or put the files that it stands for in its place")
    return Found(path, location, entry.stat())
