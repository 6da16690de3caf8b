"""From staged members to the model directory: every file renamed to its place, then links, then modes and times."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from registry.paths import plain

from .errors import BadArtifact, NothingSelected, disk_errors
from .formats.image import ROOTS
from .formats.part import Form, Part, Shape
from .plan import is_selected
from .receipt import FileRecord
from .settings import Settings
from .tree import Content, Node, Tree
from .unpack.staging import Staged, folder_of, sealed
from .unpack.untar import Kind

_MOST_MEMBERS = 200_000  # all of them are in memory when their places are decided

Members = Mapping[str, Sequence[Staged]]
"""What came out of packed layers, by the layer's digest."""


def staged_members(stage: Path, parts: Iterable[Part], settings: Settings) -> Members:
    """Give what lies on the stage, whole; raise BadArtifact when somebody took it away, or when it is too much."""
    members, count = dict[str, Sequence[Staged]](), 0
    for part in parts:
        found = sealed(folder_of(stage, part, settings))
        if found is None:
            raise BadArtifact(f"{part.name}: what was unpacked of it is gone", remedy="pull again")
        members[str(part.layer.digest)] = found
        count += len(found)
        if count > _MOST_MEMBERS:
            raise BadArtifact(f"more than {_MOST_MEMBERS} members in all archives")
    return members


def tree_of(form: Form, parts: Iterable[Part], members: Members, settings: Settings) -> Tree:
    """Give what an artifact's parts make together, as far as it is wanted.

    Raises BadArtifact, UnsafePath, NothingSelected.
    """
    tree = Tree(is_image=form.is_image)
    for part in parts:
        if part.shape is Shape.FILE:
            tree.put_file(part, part.layer.size)
        elif part.shape is Shape.CHUNKED_FILE:
            tree.put_file(part, part.size or 0)
        else:
            tree.put_members(part, members[str(part.layer.digest)])
    if form.is_image:
        tree = tree.rooted(_root(tree, settings.image_path))
    for path, node in tree.nodes.items():
        if node.kind is Kind.SYMLINK:
            tree.follow(path)
    if settings.include or settings.exclude:
        tree.keep(lambda path: is_selected(path, settings.include, settings.exclude))
    if all(node.kind is Kind.FOLDER for node in tree.nodes.values()):
        raise NothingSelected(f"no file matches include={list(settings.include)} exclude={list(settings.exclude)}")
    return tree


def image_roots(image_path: str) -> tuple[str, ...]:
    """Give the folders of an image that may hold the model."""
    return (plain(image_path).removeprefix("/"),) if image_path else ROOTS


def settle(tree: Tree, incoming: Path) -> None:
    """Give everything in a tree its place below `incoming`.

    Symbolic links come when all files stand, so that nothing is ever written through one.
    """
    first: dict[int, Path] = {}
    with disk_errors():
        for path, node in tree.nodes.items():
            _place(incoming / path, node, first)
        for path, node in tree.nodes.items():
            if node.kind is Kind.SYMLINK:
                (incoming / path).parent.mkdir(parents=True, exist_ok=True)
                (incoming / path).symlink_to(node.target)
        for path, node in tree.nodes.items():
            if node.content is not None:
                _dress(incoming / path, node.content)


def records(incoming: Path, tree: Tree, form: Form) -> tuple[FileRecord, ...]:
    """Give what the receipt says of every file."""
    layers = {part.number: str(part.layer.digest) for part in form.parts}
    with disk_errors():
        return tuple(
            FileRecord(path, layers[node.layer], node.content.size, (incoming / path).stat().st_mtime_ns)
            for path, node in tree.nodes.items()
            if node.content is not None
        )


def _place(place: Path, node: Node, first: dict[int, Path]) -> None:
    if node.kind is Kind.FOLDER:
        place.mkdir(parents=True, exist_ok=True)
    elif node.content is not None:
        known = first.setdefault(id(node.content), place)
        place.parent.mkdir(parents=True, exist_ok=True)
        if known is not place:
            place.hardlink_to(known)
        elif node.content.place:
            Path(node.content.place).rename(place)


def _dress(place: Path, content: Content) -> None:
    """Give a file its mode and, where somebody told one, its time."""
    place.chmod(content.mode)
    if content.mtime is not None:
        nanoseconds = int(content.mtime * 1e9)
        os.utime(place, ns=(nanoseconds, nanoseconds))


def _root(tree: Tree, image_path: str) -> str:
    roots = image_roots(image_path)
    found = next((root for root in roots if not root or tree.has_files(root)), None)
    if found is None:
        for root in roots:
            if tree.is_link(root):
                place = f"/{tree.follow(root)}"
                raise BadArtifact(
                    f"the image's /{root} is a link to {place}", remedy=f"pull it with --image-path {place}"
                )
        places = ", ".join(f"/{root}" for root in roots)
        raise BadArtifact(
            f"the image holds no file under {places}",
            remedy="name the folder of the image that holds the model with --image-path",
        )
    return found
