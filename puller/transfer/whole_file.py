"""Large files brought whole by a program that knows their place better: hf_xet, for the Hugging Face hub.

What it brings is laid into the incoming folder unverified, and believed by its digest alone, like all that an earlier
pull left there. What it does not bring comes in ranges.
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
    """A repository with a program of its own to fetch files."""

    def download_file(self, descriptor: Descriptor, folder: Path) -> Path:
        """Have a file brought to a folder; give where it lies there, unverified. Raises Fault."""
        ...


def download_file(
    repository: Repository, missing: Iterable[FileBlobWriter], place: Destination, reporter: Reporter
) -> bool:
    """Have files of several pieces brought of which nothing has come yet; return whether any was."""
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


def _download(courier: WholeFileSource, file_writer: FileBlobWriter, folder: Path, reporter: Reporter) -> bool:
    try:
        brought = courier.download_file(file_writer.layer, folder)
    except Fault as error:
        reporter.say(f"{error}: it comes in ranges")
        return False
    with disk_errors():
        brought.resolve(strict=True).rename(file_writer.path)
    return True
