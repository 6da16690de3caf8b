"""How much work links make: what an image of a few kilobytes says of them must not cost minutes."""

from collections.abc import Iterable

import pytest

from puller.artifact.part import LayerKind, Part
from puller.errors import BadArtifact
from puller.tree.links import Steps
from puller.tree.tree import Tree
from puller.unpack.member import MemberType
from puller.unpack.staging import Staged
from registry.digest import Digest
from registry.manifest import Descriptor

DEEP = "models/l38"
LINKS = [
    ("models/l0", "."),
    *((f"models/l{number}", "x/../" * 810 + f"l{number - 1}") for number in range(1, 39)),
]
"""Each leads through the one before, by a long way: together as far as a kernel would follow them."""


def staged(name: str, target: str = "") -> Staged:
    """Return a link, or a file without bytes."""
    kind = MemberType.SYMLINK if target else MemberType.FILE
    return Staged(name, kind, 0, 0o644, 0.0, target, "" if target else f"/stage/{name}")


def steps_of(members: Iterable[Staged], most: int = 10_000_000) -> int:
    """Return how many steps it takes to put an image's members into a tree, and to read its links."""
    layer = Descriptor(media_type="application/x-tar", digest=Digest.of(b""), size=0)
    steps = Steps(most)
    tree = Tree(is_image=True, steps=steps)
    tree.put_members(Part(layer=layer, number=0, shape=LayerKind.ARCHIVE), members)
    tree.subtree("models", lambda _: True)
    return steps.taken


def test_a_folder_is_resolved_once_however_many_files_are_put_into_it() -> None:
    """As long as no link comes or goes in between."""
    links = [staged(name, target) for name, target in LINKS]
    few, many = ([*links, *(staged(f"{DEEP}/f{number}") for number in range(count))] for count in (1, 1000))
    assert steps_of(few) == steps_of(many)


def test_links_that_come_and_go_have_a_bound() -> None:
    """What must be resolved anew each time is counted, for the whole artifact, and told."""
    links = [staged(name, target) for name, target in LINKS]
    pairs = [(staged(f"models/new{number}", "l0"), staged(f"{DEEP}/f{number}")) for number in range(1000)]
    with pytest.raises(BadArtifact, match="more than 3000000 parts of paths"):
        steps_of([*links, *(one for pair in pairs for one in pair)], most=3_000_000)


def test_what_people_pack_is_far_from_the_bound() -> None:
    """A cache of the hub with a link for each of many files."""
    links = [staged(f"models/snapshots/{'r' * 40}/{number:05}", f"../../blobs/{number}") for number in range(10_000)]
    blobs = [staged(f"models/blobs/{number}") for number in range(10_000)]
    assert steps_of([*links, *blobs]) < 10 * 10_000
