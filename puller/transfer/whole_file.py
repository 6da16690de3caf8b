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
from registry.progress.reporter import Voice
from registry.repository import Repository

from .file_blob import Assembly


@runtime_checkable
class Courier(Protocol):
    """A repository with a program of its own to fetch files."""

    def deliver(self, descriptor: Descriptor, folder: Path) -> Path:
        """Have a file brought to a folder; give where it lies there, unverified. Raises Fault."""
        ...


def deliver(repository: Repository, missing: Iterable[Assembly], place: Destination, voice: Voice) -> bool:
    """Have files of several pieces brought of which nothing has come yet; return whether any was."""
    if not isinstance(repository, Courier):
        return False
    folder = place.workshop.folder / "courier"
    with disk_errors():
        discard(folder)
    try:
        wanted = [one for one in missing if len(one.missing) == len(one.blob.pieces) > 1]
        return sum(_bring(repository, assembly, folder, voice) for assembly in wanted) > 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bring(courier: Courier, assembly: Assembly, folder: Path, voice: Voice) -> bool:
    try:
        brought = courier.deliver(assembly.layer, folder)
    except Fault as error:
        voice.say(f"{error}: it comes in ranges")
        return False
    with disk_errors():
        brought.resolve(strict=True).rename(assembly.path)
    return True
