"""What links of an archive lead to, where the selection left it out.

An archive is unpacked as it comes, and what a link leads to may have gone by before the link comes: a hard link's file
always has. So once the archive is whole, it is fetched again, with these members wanted, too.

1. In an archive of files, the links that are selected count, and those that they lead through.
2. In an image all that is below the model's folder was unpacked: only hard links that lead out of it count.

Tests: tests/puller/reuse/test_linked.py
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from puller.artifact.image import affects
from puller.artifact.part import ParsedArtifact, Part
from puller.errors import BadArtifact, UnsafePath
from puller.settings import Settings
from puller.store.writeback import Writeback
from puller.transfer.archive_blob import ArchiveBlobWriter
from puller.tree.links import Steps, follow
from puller.tree.materialize import image_roots
from puller.unpack.layer import LayerUnpacker
from puller.unpack.member import MemberType
from puller.unpack.staging import Stage, Staged, folder_of, read_index
from registry.globs import is_selected
from registry.paths import parents, plain, unsafe_reason

from .archives import wants

_MOST_TIMES = 4
"""How often an archive is fetched again: each time may bring another link on the way."""


@dataclass
class LinkedArchives:
    """The archives of a model on the stage, and what their links lack."""

    stage: Path
    parts: Sequence[Part]
    form: ParsedArtifact
    settings: Settings
    flush: Writeback
    _wanted: dict[str, set[str]] = field(default_factory=dict)
    _times: int = 0

    def lacking(self) -> list[ArchiveBlobWriter]:
        """Return writers for the archives that must be fetched again; raise BadArtifact when it has no end."""
        steps, writers = Steps(), []
        for part in self.parts:
            wanted = self._wanted.setdefault(part.layer.digest.hex, set())
            lost = set(self._lost(part, steps)) - wanted
            if lost and self._times == _MOST_TIMES:
                one = min(lost)
                raise BadArtifact(
                    f"{part.name}: a link leads to {one[:200]!r} through more than {_MOST_TIMES} others",
                    hint=f"add --include {one}" if self.settings.include else "exclude less",
                )
            if lost:
                wanted |= lost
                writers.append(self._writer(part, frozenset(wanted)))
        self._times += 1
        return writers

    def _writer(self, part: Part, wanted: frozenset[str]) -> ArchiveBlobWriter:
        selects = wants(part, self.form, self.settings)
        above = {folder for path in wanted for folder in parents(path)}  # any of them may be a link

        def is_wanted(name: str) -> bool:
            path = plain(name).removeprefix("/") if self.form.is_image else plain(name)
            is_linked = path in wanted or path in above or any(folder in wanted for folder in parents(path))
            return is_linked or selects(name)

        stage = Stage(folder_of(self.stage, part, self.settings), is_wanted, self.flush)
        return ArchiveBlobWriter(part, LayerUnpacker(part, stage))

    def _lost(self, part: Part, steps: Steps) -> Iterator[str]:
        """Yield the names of what links lead to and is not on the stage."""
        members = read_index(folder_of(self.stage, part, self.settings)) or ()
        ends = self._out_of_the_model(members) if self.form.is_image else _ends(members, steps)
        if not self.form.is_image and (part.path or part.root):
            return
        names, selects = {plain(member.name) for member in members}, wants(part, self.form, self.settings)
        yield from (end for end in ends if end not in names and not selects(end) and not unsafe_reason(end))

    def _out_of_the_model(self, members: Iterable[Staged]) -> Iterator[str]:
        roots = image_roots(self.settings.image_path)
        for member in members:
            name, target = (plain(text).removeprefix("/") for text in (member.name, member.target))
            root = next((root for root in roots if root and name.startswith(f"{root}/")), "")
            path = name.removeprefix(f"{root}/")
            if member.kind is MemberType.HARDLINK and not affects(target, roots):
                yield from [target] * is_selected(path, self.settings.include, self.settings.exclude)


def _ends(members: Iterable[Staged], steps: Steps) -> Iterator[str]:
    links = {plain(member.name): member for member in members if member.kind is MemberType.SYMLINK}
    target_of: Callable[[str], str | None] = lambda path: links[path].target if path in links else None  # noqa: E731
    for member in members:
        if member.kind is MemberType.HARDLINK:
            yield plain(member.target)
    for path in links:
        with suppress(UnsafePath):  # told where the tree is made, if it is selected
            end = follow(path, target_of, steps, is_rooted=False)
            if end and not path.startswith(f"{end}/"):
                yield end
