"""A bundle as files in a folder.

Tests: tests/certs/test_command.py
"""

import os
from pathlib import Path

from .bundle import Bundle
from .errors import FileExistsAlreadyError, UnreadableError, UnwritableError

_PUBLIC, _PRIVATE = 0o644, 0o600


def check_absent(bundle: Bundle, directory: Path) -> None:
    """Raise FileExistsAlreadyError when one of the bundle's files exists."""
    present = [name for name in _contents(bundle) if (directory / name).exists()]
    if present:
        raise FileExistsAlreadyError(f"{directory} has {', '.join(present)} already")


def write_bundle(bundle: Bundle, directory: Path) -> list[Path]:
    """Write ca.crt, tls.crt, tls.key, and ca.key when the bundle still has it; raise UnwritableError.

    Keys are readable only by their owner, from their creation on.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [_replace(directory / name, *content) for name, content in _contents(bundle).items()]
    except OSError as error:
        raise UnwritableError(f"cannot write {error.filename or directory}: {error.strerror}") from error


def read_bundle(directory: Path) -> Bundle:
    """Return the bundle in a folder; its CA may be missing. Raises UnreadableError."""
    try:
        ca, ca_key = (path.read_bytes() if path.exists() else b"" for path in _optional(directory))
        certificate, key = (directory / "tls.crt").read_bytes(), (directory / "tls.key").read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot read {error.filename or directory}: {error.strerror}") from error
    return Bundle(ca_certificate=ca, ca_key=ca_key or None, certificate=certificate, key=key)


def _optional(directory: Path) -> tuple[Path, Path]:
    return directory / "ca.crt", directory / "ca.key"


def _contents(bundle: Bundle) -> dict[str, tuple[bytes, int]]:
    contents = {
        "ca.crt": (bundle.ca_certificate, _PUBLIC),
        "tls.crt": (bundle.certificate, _PUBLIC),
        "tls.key": (bundle.key, _PRIVATE),
    }
    return contents | ({"ca.key": (bundle.ca_key, _PRIVATE)} if bundle.ca_key else {})


def _replace(path: Path, content: bytes, mode: int) -> Path:
    """Replace a file atomically: a server that reads it sees the old one or the new one."""
    staging = path.with_name(f".{path.name}.new")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return staging.replace(path)
