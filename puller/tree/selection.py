"""Which names of a tree include and exclude select. Pure.

1. Files and links are selected by their names; folders are made for what is in them.
2. A selected link keeps what it leads to. A file that is not selected takes the link's place; of a folder all comes
   along that exclude does not name, once, under its own name.
3. What leads through links that are not selected leads there directly.

Tests: tests/puller/reuse/test_linked.py
"""

from collections.abc import Sequence
from posixpath import relpath

from puller.unpack.member import MemberType
from registry.globs import covers, is_selected

from .tree import Node, Tree


def selected(tree: Tree, include: Sequence[str], exclude: Sequence[str]) -> dict[str, Node]:
    """Return the nodes that are selected, by their paths; raise UnsafePath for a link among them that leads out."""
    # 1
    chosen = {
        path: node
        for path, node in tree.nodes.items()
        if node.kind is not MemberType.FOLDER and is_selected(path, include, exclude)
    }
    links = [path for path, node in chosen.items() if node.kind is MemberType.SYMLINK]
    folders = set[str]()
    while links:
        path = links.pop()
        end = tree.follow(path)
        found = tree.nodes.get(end)
        # 2
        if found is not None and found.kind is not MemberType.FOLDER and end not in chosen:
            chosen[path] = found
            continue
        if end not in folders and not _is_above(end, path):
            folders.add(end)
            added = [one for one in tree.below(end) if one not in chosen and not covers(exclude, one)]
            chosen |= {one: tree.nodes[one] for one in added if tree.nodes[one].kind is not MemberType.FOLDER}
            links += [one for one in added if tree.nodes[one].kind is MemberType.SYMLINK]
        # 3
        chosen[path] = chosen[path]._replace(target=relpath(f"/{end}", f"/{path.rpartition('/')[0]}"))
    return chosen


def _is_above(folder: str, path: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
