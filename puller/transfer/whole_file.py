"""Large files that a program of the source downloads whole: hf_xet, for the Hugging Face hub.

Its files are moved into the incoming folder unverified, and hashed there like those that an earlier pull left. Files
that it does not download are fetched in ranges.

Tests: tests/puller/test_hub.py
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from puller.errors import disk_errors
from puller.store.destination import Destination
from puller.store.filesystem import discard
from registry.errors import Fault
from registry.manifest import Descriptor
from registry.progress.reporter import Reporter
from registry.repository import Repository

from .file_blob import FileBlobWriter


@runtime_checkable
class WholeFileSource(Protocol):
    """A repository with a program of its own to download files."""

    def download_file(self, descriptor: Descriptor, folder: Path) -> Path:
        """Download a file to a folder, and return its path there; it is not verified. Raises Fault."""
        ...


def download_file(
    repository: Repository, missing: Iterable[FileBlobWriter], place: Destination, reporter: Reporter
) -> bool:
    """Download the files that have several pieces, all of them missing; return whether any was downloaded."""
    if not isinstance(repository, WholeFileSource):
        return False
    folder = place.workshop.folder / "courier"
    with disk_errors():
        discard(folder)
    try:
        wanted = [one for one in missing if len(one.missing) == len(one.blob.pieces) > 1]
        return sum(_download(repository, file_writer, folder, reporter) for file_writer in wanted) > 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(source: WholeFileSource, file_writer: FileBlobWriter, folder: Path, reporter: Reporter) -> bool:
    try:
        downloaded = source.download_file(file_writer.layer, folder)
    except Fault as error:
        reporter.message(f"{error}: it comes in ranges")
        return False
    with disk_errors():
        downloaded.resolve(strict=True).rename(file_writer.path)
    return True
