"""Large files brought whole by a program that knows their place better: hf_xet, for the Hugging Face hub.

What it brings is laid into the incoming folder unverified, and believed by its digest alone, like all that an earlier
pull left there. What it does not bring comes in ranges.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from registry.errors import Fault
from registry.manifest import Descriptor
from registry.repository import Repository
from registry.voice import Voice

from .assembly import Assembly
from .destination import Destination
from .errors import disk_errors


@runtime_checkable
class Courier(Protocol):
    """A repository with a program of its own to fetch files."""

    def deliver(self, descriptor: Descriptor, folder: Path) -> Path:
        """Have a file brought to a folder; give where it lies there, unverified. Raises Fault."""
        ...


def deliver(repository: Repository, missing: Iterable[Assembly], place: Destination, voice: Voice) -> None:
    """Have files of several pieces brought of which nothing has come yet, one after the other."""
    if not isinstance(repository, Courier):
        return
    folder = place.stage.parent / "courier"
    try:
        for assembly in missing:
            if len(assembly.missing) == len(assembly.blob.pieces) > 1:
                _bring(repository, assembly, folder, voice)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bring(courier: Courier, assembly: Assembly, folder: Path, voice: Voice) -> None:
    try:
        brought = courier.deliver(assembly.layer, folder)
    except Fault as error:
        voice.say(f"{error}: it comes in ranges")
        return
    with disk_errors():
        brought.rename(assembly.path)
