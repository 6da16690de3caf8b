"""What a model directory will hold, decided from what its layers claim: names, links and whiteouts. Pure.

1. Each layer's members are added in order. In an image a later layer replaces files of an earlier one, and may remove
   them by whiteouts; elsewhere two layers may not claim one file.
2. A name must be a safe relative path, and may not lead through a link.
3. A hard link is a second name of a file that was added before it; one without such a file is kept, for it may not be
   wanted. A symbolic link must lead inside the model, other links on its path included.

Tests: tests/puller/artifact/test_writers.py
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from posixpath import relpath
from typing import TYPE_CHECKING, NamedTuple

from puller.artifact.image import ESTARGZ_FILES, is_opaque, is_whiteout, removed_by
from puller.artifact.part import Part, readable
from puller.errors import BadArtifact, UnsafePath
from puller.unpack.member import MemberType
from registry.paths import parents, plain, unsafe_reason

from .folders import Folders
from .links import Steps, follow

if TYPE_CHECKING:
    from puller.unpack.staging import Staged

WHOLE_IMAGE = "pull the whole image with --image-path /, or leave the link out with --exclude"


@dataclass(eq=False, slots=True)
class Content:
    """A file's bytes: `place` is the path of the file that has them now."""

    place: str
    size: int
    mode: int
    mtime: float | None


class Node(NamedTuple):
    """The file, folder or link under one name. `layer` is the number of the layer that it comes from.

    A hard link is a file; the kind HARDLINK is of those whose target is none.
    """

    layer: int
    kind: MemberType
    content: Content | None = None
    target: str = ""


class Tree:
    """Names with their nodes; the folders above a name need not have nodes."""

    def __init__(self, *, is_image: bool, steps: Steps | None = None) -> None:
        self._is_image = is_image
        self.nodes: dict[str, Node] = {}
        self._contents: dict[tuple[str, str], Content] = {}  # by place; of whole layers by place and name
        self._folders = Folders()
        self._steps = steps or Steps()
        self._resolved: dict[str, str] = {}
        """Where folders lead to, as long as no link comes or goes."""

    def put_file(self, part: Part, size: int, place: str) -> None:
        """Add a file whose bytes are at a place."""
        content = self._content((place, part.path), Content(place, size, part.mode, part.mtime))
        self._put(part.path, Node(part.number, MemberType.FILE, content))

    def put_members(self, part: Part, members: "Iterable[Staged]") -> None:
        """Add a packed layer's members; one without a name is the layer's own file. Raises BadArtifact, UnsafePath."""
        members = tuple(members)
        if len(members) == 1 and not members[0].name:
            content = self._staged(members[0], part.mode, part.mtime)
            self._put(part.path, Node(part.number, MemberType.FILE, content))
            return
        named = [(self._name(part, member.name), member) for member in members]
        names = _renamed(part, named)
        for name, member in named:
            path = self._real(names.get(name, name))
            if self._is_image and is_whiteout(path):
                self._apply_whiteout(path, part.number)
            elif self._is_image and path in ESTARGZ_FILES:
                continue
            elif path and member.kind is MemberType.HARDLINK:
                target = self._name(part, member.target)
                self._put_link(path, self._real(names.get(target, target)), part)
            elif path:
                self._put_member(path, member, part)

    def subtree(self, root: str, is_wanted: Callable[[str], bool]) -> "Tree":
        """Return the tree below a folder, its links rewritten relative to it.

        A link out of it is left out unless it is wanted; then it raises UnsafePath.
        """
        tree = Tree(is_image=self._is_image, steps=self._steps)
        above = f"{root}/" if root else ""
        for path, node in self.nodes.items():
            if not path.startswith(above):
                continue
            target = node.target
            if node.kind is MemberType.SYMLINK:
                end = self.follow(path)
                if not f"{end}/".startswith(above):
                    if not is_wanted(path.removeprefix(above)):
                        continue
                    raise UnsafePath(f"{path!r}: a link to {target[:200]!r}, outside of the model", hint=WHOLE_IMAGE)
                target = relpath(f"/{end}", f"/{path.rpartition('/')[0]}")
            tree._put(path.removeprefix(above), Node(node.layer, node.kind, node.content, target))
        return tree

    def below(self, folder: str) -> list[str]:
        """Return the path of every node below a folder."""
        return [one for one in self._folders.below(folder) if one in self.nodes]

    def has_files(self, root: str) -> bool:
        """Return whether a file is below a folder."""
        return any(node.content and path.startswith(f"{root}/") for path, node in self.nodes.items())

    def is_link(self, path: str) -> bool:
        """Return whether a path is a symbolic link."""
        return self._kind(path) is MemberType.SYMLINK

    def follow(self, path: str) -> str:
        """Return where a symbolic link leads to; raise UnsafePath when it leads outside."""
        return follow(path, self._target, self._steps, is_rooted=self._is_image)

    def _name(self, part: Part, name: str) -> str:
        """Return the path in the model of a member's name; raise UnsafePath."""
        path = plain(name)
        if self._is_image:
            path = path.removeprefix("/")
        reason = unsafe_reason(path) if path else ""
        if reason:
            raise UnsafePath(f"{part.name}: the member {name[:200]!r} {reason}")
        return "/".join(filter(None, (part.root, path)))

    def _real(self, path: str) -> str:
        """Return a member's path; in an image, links among its folders are followed, as container runtimes do."""
        folder, _, name = path.rpartition("/")
        if not self._is_image or all(self._target(parent) is None for parent in parents(path)):
            return path
        if folder not in self._resolved:
            self._resolved[folder] = follow(folder, self._target, self._steps, is_rooted=True)
        return "/".join(filter(None, (self._resolved[folder], name)))

    def _put_member(self, path: str, member: "Staged", part: Part) -> None:
        if member.kind is MemberType.FOLDER:
            if self._kind(path) is not MemberType.FOLDER:
                self._put(path, Node(part.number, MemberType.FOLDER))
        elif member.kind is MemberType.FILE:
            mtime = member.mtime if member.mtime > 0 else None
            content = self._staged(member, readable(member.mode), mtime)
            self._put(path, Node(part.number, MemberType.FILE, content))
        elif member.kind is MemberType.SYMLINK:
            self._put(path, Node(part.number, MemberType.SYMLINK, target=member.target))

    def _staged(self, member: "Staged", mode: int, mtime: float | None) -> Content:
        return self._content((member.place, ""), Content(member.place, member.size, mode, mtime))

    def _content(self, key: tuple[str, str], content: Content) -> Content:
        """Return the first Content of the same bytes: a layer may be listed twice, under one name or two."""
        return self._contents.setdefault(key, content)

    def _put_link(self, path: str, target: str, part: Part) -> None:
        existing = self.nodes.get(target)
        if existing is None or existing.kind is MemberType.FOLDER:
            existing = Node(part.number, MemberType.HARDLINK, target=target)
        self._put(path, Node(part.number, existing.kind, existing.content, existing.target))

    def _put(self, path: str, node: Node) -> None:
        for parent in parents(path):
            above = self._kind(parent)
            if above is MemberType.SYMLINK:
                raise UnsafePath(f"{path!r} leads through the link {parent!r}")
            if above in {MemberType.FILE, MemberType.HARDLINK}:
                self._replace_existing(parent, node.layer)
        if self._holds(path, node):  # a link to the same place, so that what is resolved stays right
            self.nodes[path] = node
            return
        if path in self.nodes or (self._folders.has_any(path) and node.kind is not MemberType.FOLDER):
            self._replace_existing(path, node.layer)
        if node.kind is MemberType.SYMLINK:
            self._resolved.clear()
        self.nodes[path] = node
        self._folders.add(path)

    def _holds(self, path: str, node: Node) -> bool:
        """Return whether the same node is at the path already, from this layer or from one with the same digest."""
        old = self.nodes.get(path)
        return old is not None and (old.kind, old.target) == (node.kind, node.target) and old.content is node.content

    def _replace_existing(self, path: str, layer: int) -> None:
        """Remove what is at a path, for a new node there; raise BadArtifact for another layer's, outside of images."""
        claimed = [one for one in (path, *self.below(path)) if one in self.nodes and self.nodes[one].layer != layer]
        if claimed and not self._is_image:
            raise BadArtifact(f"two layers claim {claimed[0]!r}")
        self._remove(path)

    def _apply_whiteout(self, path: str, layer: int) -> None:
        """Remove what a whiteout names, as far as earlier layers put it there."""
        hidden = removed_by(path)
        gone = self.below(hidden) if is_opaque(path) else [hidden, *self.below(hidden)]
        for one in gone:
            if one in self.nodes and self.nodes[one].layer < layer:
                self._delete(one)

    def _remove(self, path: str) -> None:
        for one in [path, *self.below(path)]:
            if one in self.nodes:
                self._delete(one)

    def _delete(self, path: str) -> None:
        if self.nodes.pop(path).kind is MemberType.SYMLINK:
            self._resolved.clear()
        self._folders.drop(path, self.nodes)

    def _target(self, path: str) -> str | None:
        node = self.nodes.get(path)
        return node.target if node and node.kind is MemberType.SYMLINK else None

    def _kind(self, path: str) -> MemberType | None:
        node = self.nodes.get(path)
        return node.kind if node else None


def _renamed(part: Part, named: "list[tuple[str, Staged]]") -> dict[str, str]:
    """Return {name: path} of an archive's only file where its name is only the last part of the path in the layer.

    A file below a folder of the layer's name keeps its name: then the layer names the folder.
    """
    files = [name for name, member in named if member.kind is MemberType.FILE]
    if len(files) != 1 or not part.path or files[0].startswith(f"{part.path}/"):
        return {}
    return {files[0]: part.path} if files[0].rpartition("/")[2] == part.path.rpartition("/")[2] else {}
