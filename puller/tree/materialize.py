"""Put the model directory together from files that are on the volume, in the last step before it is published.

1. Each file gets its name by a hard link; where the file system has none, by a rename, or a copy for a second name.
2. Symbolic links are made after all files, so that no file is written through one.
3. Files get their modes and times. A file of a published model is not changed: where its mode or time is another than
   is wanted, or another user may write to it, it is copied.

Tests: tests/puller/test_pull.py
"""

import os
import stat
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from puller.artifact.image import ROOTS
from puller.artifact.part import IN_PLACE, LayerKind, ParsedArtifact, Part
from puller.errors import BadArtifact, NothingSelected, UnsafePath, disk_errors
from puller.proof import proof_of
from puller.settings import Settings
from puller.store.filesystem import (
    NOT_HERE,
    copy,
    discard,
    has_stable_inodes,
    link_or_copy,
    make_folders,
    optional,
    raise_replaced,
)
from puller.store.receipt import FileRecord
from puller.store.trust import Trust, status_of
from puller.unpack.member import MemberType
from registry.digest import Digest
from registry.globs import is_selected
from registry.paths import plain

from .selection import selected
from .tree import WHOLE_IMAGE, Content, Tree

if TYPE_CHECKING:
    from puller.unpack.staging import Staged

Members = Mapping[str, "Sequence[Staged]"]
"""The staged members of packed layers, by the layer's digest."""


def tree_of(
    form: ParsedArtifact, parts: Iterable[Part], places: Mapping[Digest, Path], members: Members, settings: Settings
) -> Tree:
    """Return the selected files and links of an artifact's parts. `places` is the path of each blob's file.

    What is wrong with names and links is told of those that are selected. Raises BadArtifact, UnsafePath,
    NothingSelected.
    """
    tree = Tree(is_image=form.is_image)
    parts = tuple(parts)
    left_out = {part.path for part in form.parts if part.path} - {part.path for part in parts}
    for part in parts:
        if part.shape in IN_PLACE:
            size = part.layer.size if part.shape is LayerKind.FILE else part.size or 0
            tree.put_file(part, size, str(places[part.layer.digest]))
        else:
            tree.put_members(part, members[str(part.layer.digest)])
    include, exclude = settings.include, settings.exclude
    if form.is_image:
        tree = tree.subtree(_root(tree, settings.image_path), lambda path: is_selected(path, include, exclude))
    if include or exclude:
        tree.nodes = selected(tree, include, exclude)
    _check_links(tree, left_out, hint=WHOLE_IMAGE if form.is_image else BadArtifact.hint)
    has_files = any(node.content for node in tree.nodes.values())
    if not has_files and (include or exclude or all(one.kind is MemberType.FOLDER for one in tree.nodes.values())):
        raise NothingSelected(f"no file matches include={list(include)} exclude={list(exclude)}")
    return tree


def _check_links(tree: Tree, left_out: Container[str], hint: str) -> None:
    """Raise UnsafePath for a symbolic link that leads out, and BadArtifact for any link whose file was left out."""
    for path, node in tree.nodes.items():
        if node.kind is MemberType.SYMLINK:
            end = tree.follow(path)
            if end in left_out:
                raise BadArtifact(f"{path!r} is a link to {end!r}, a layer of its own", hint=f"add --include {end}")
        elif node.kind is MemberType.HARDLINK:
            raise BadArtifact(
                f"{path!r} is a hard link to {node.target[:200]!r}, and no such file was unpacked", hint=hint
            )


def image_roots(image_path: str) -> tuple[str, ...]:
    """Return the folders of an image that may hold the model."""
    return (plain(image_path).removeprefix("/"),) if image_path else ROOTS


def materialize(tree: Tree, model: Path, workshop: Path, trust: Trust, inodes: Mapping[str, int]) -> None:
    """Make the files and links of a tree in a new folder `model`. Files below `workshop` are this pull's own.

    `inodes` are those of files that were judged, by their paths. Raises DiskFailed, NoRoom, UnsafePath.
    """
    builder = _Builder(model, workshop, trust, inodes)
    with disk_errors():
        discard(model)
        make_folders(model, model)
        for path, node in tree.nodes.items():
            if node.kind is MemberType.FOLDER:
                make_folders(model, model / path)
            elif node.content is not None:
                builder.file(model / path, node.content)
        for path, node in tree.nodes.items():
            if node.kind is MemberType.SYMLINK:
                make_folders(model, (model / path).parent)
                (model / path).symlink_to(node.target)


class _Builder:
    """Puts a model directory together. All methods raise OSError."""

    def __init__(self, model: Path, workshop: Path, trust: Trust, inodes: Mapping[str, int]) -> None:
        self._model, self._workshop, self._trust = model, workshop, trust
        self._inodes = inodes if has_stable_inodes(workshop) else {}
        self._placed: dict[tuple[str, int, float | None], Path] = {}
        """The path in the model of a file's content, by its source, mode and time."""

        self._taken: set[str] = set()
        """The sources whose own file, not a copy, is in the model already."""

    def file(self, place: Path, content: Content) -> None:
        """Place content under its name; raise UnsafePath where the file system takes the name for another file's."""
        make_folders(self._model, place.parent)
        if status_of(place) is not None:
            raise UnsafePath(f"{str(place.relative_to(self._model))!r}: this volume takes the name for another file's")
        key = (content.place, content.mode, content.mtime)
        if key in self._placed:
            if not link_or_copy(self._placed[key], place):
                self._placed[key] = place  # the first file has as many links as it may have
            return
        self._placed[key] = place
        source = Path(content.place)
        if source.is_relative_to(self._workshop):
            self._take(source, place)
        elif self._may_share(source, content):
            link_or_copy(source, place)
            return
        else:
            copy(source, place)
        _apply_metadata(place, content)

    def _take(self, source: Path, place: Path) -> None:
        """Link or move a file of this pull's own into the model; copy it when it is there with another mode or time."""
        if str(source) in self._taken:
            copy(self._where(source), place)
            return
        self._taken.add(str(source))
        try:
            os.link(source, place, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NOT_HERE:
                raise
            source.rename(place)
        inode = place.lstat().st_ino
        if self._inodes.get(str(source), inode) != inode:
            raise_replaced(source)

    def _where(self, source: Path) -> Path:
        """Return the present path of a file that was linked or moved."""
        if status_of(source) is not None:
            return source
        return next(place for (taken, *_), place in self._placed.items() if taken == str(source))

    def _may_share(self, source: Path, content: Content) -> bool:
        """Return whether a published file may be linked: its mode and time are right, and no other user can write."""
        status = source.lstat()
        wanted = None if content.mtime is None else int(content.mtime * 1e9)
        has_metadata = stat.S_IMODE(status.st_mode) == content.mode and wanted in (None, status.st_mtime_ns)
        return has_metadata and self._trust.is_exclusive(status)


def records(
    model: Path, tree: Tree, form: ParsedArtifact
) -> tuple[tuple[FileRecord, ...], tuple[tuple[str, str], ...]]:
    """Return the receipt's records of every file, and the path and target of every symbolic link."""
    layers = {part.number: part for part in form.parts}
    with disk_errors():
        files = tuple(
            FileRecord(
                path=path,
                layer=str(layers[node.layer].layer.digest),
                size=node.content.size,
                mtime_ns=(model / path).lstat().st_mtime_ns,
                proof=proof_of(layers[node.layer]),
            )
            for path, node in tree.nodes.items()
            if node.content is not None
        )
    return files, tuple((path, node.target) for path, node in tree.nodes.items() if node.kind is MemberType.SYMLINK)


def _apply_metadata(place: Path, content: Content) -> None:
    """Set a file's mode and, where the artifact tells one, its time, as far as the file system supports them."""
    with optional():
        place.chmod(content.mode)
    if content.mtime is not None:
        nanoseconds = int(content.mtime * 1e9)
        with optional():
            os.utime(place, ns=(nanoseconds, nanoseconds))


def _root(tree: Tree, image_path: str) -> str:
    roots = image_roots(image_path)
    found = next((root for root in roots if not root or tree.has_files(root)), None)
    if found is None:
        for root in roots:
            if tree.is_link(root):
                place = f"/{tree.follow(root)}"
                raise BadArtifact(
                    f"the image's /{root} is a link to {place}", hint=f"pull it with --image-path {place}"
                )
        places = ", ".join(f"/{root}" for root in roots)
        raise BadArtifact(
            f"the image holds no file under {places}",
            hint="name the folder of the image that holds the model with --image-path",
        )
    return found
