"""The packed layers of a model: which of them an earlier pull left whole on the stage, and what their members are.

Few models have any, so this is imported where one has: tarfile and what goes with it would delay every pull's start.
"""

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from puller.artifact.image import affects
from puller.artifact.part import ParsedArtifact, Part
from puller.errors import BadArtifact, disk_errors
from puller.settings import Settings
from puller.store.filesystem import discard
from puller.store.journal import JournaledPieces
from puller.store.trust import status_of
from puller.store.writeback import Writeback
from puller.transfer.archive_blob import ArchiveBlobWriter
from puller.tree.materialize import Members, image_roots
from puller.unpack.layer import LayerUnpacker
from puller.unpack.staging import Stage, Staged, folder_of, read_index
from registry.globs import is_selected
from registry.paths import plain

_MOST_MEMBERS = 200_000  # all of them are in memory at once


def unfinished_archives(  # noqa: PLR0913, PLR0917 - called once, and no argument follows from another
    stage: Path,
    parts: Sequence[Part],
    form: ParsedArtifact,
    settings: Settings,
    landed: JournaledPieces,
    flush: Writeback,
) -> list[ArchiveBlobWriter]:
    """Return writers for the packed layers that no earlier pull unpacked whole; remove all else from the stage."""
    with disk_errors():
        status = status_of(stage)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            discard(stage)
        stage.mkdir(exist_ok=True)
        for unknown in set(stage.iterdir()) - {folder_of(stage, part, settings) for part in parts}:
            discard(unknown)
    writers = []
    for part in parts:
        folder = folder_of(stage, part, settings)
        if (part.layer.digest.hex, 0, part.layer.size) in landed and read_index(folder) is not None:
            continue
        payload = LayerUnpacker(part, Stage(folder, wants(part, form, settings), flush))
        writers.append(ArchiveBlobWriter(part, payload))
    return writers


def staged_members(stage: Path, parts: Sequence[Part], settings: Settings, most: int = _MOST_MEMBERS) -> Members:
    """Return the staged members of all packed parts; raise BadArtifact when some are gone, or more than `most`."""
    members, count = dict[str, Sequence[Staged]](), 0
    for part in parts:
        found = read_index(folder_of(stage, part, settings))
        if found is None:
            raise BadArtifact(f"{part.name}: what was unpacked of it is gone", hint="pull again")
        members[str(part.layer.digest)] = found
        count += len(found)
        if count > most:
            raise BadArtifact(f"more than {most} members in all archives")
    return members


def wants(part: Part, form: ParsedArtifact, settings: Settings) -> Callable[[str], bool]:
    """Return the filter of members by name; all pass where a member's final name depends on the whole archive."""
    if form.is_image:
        roots = image_roots(settings.image_path)
        return lambda name: affects(plain(name).removeprefix("/"), roots)
    if part.path or part.root:
        return lambda _: True
    return lambda name: is_selected(plain(name), settings.include, settings.exclude)
