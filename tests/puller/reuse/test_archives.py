"""Members of several archives on their way into one tree."""

from pathlib import Path

import pytest

from puller.artifact.part import LayerKind, Part
from puller.errors import BadArtifact
from puller.reuse.archives import staged_members
from puller.settings import Settings
from puller.store.writeback import Writeback
from puller.unpack.member import Member, MemberType
from puller.unpack.staging import Stage, folder_of
from registry.digest import Digest
from registry.manifest import Descriptor

SETTINGS = Settings(source="registry.example/model:v1", destination="model")


def staged(stage: Path, number: int, names: list[str]) -> Part:
    """Stage an archive of empty folders."""
    layer = Descriptor(media_type="application/x-tar", digest=Digest.of(bytes([number])), size=1)
    part = Part(layer=layer, number=number, shape=LayerKind.ARCHIVE)
    members = Stage(folder_of(stage, part, SETTINGS), lambda _: True, Writeback())
    members.clear()
    for name in names:
        members.begin(Member(name=name, kind=MemberType.FOLDER, size=0, mode=0o755, mtime=0.0, target="", extents=()))
    members.seal()
    return part


def test_members_of_all_archives_are_counted(tmp_path: Path) -> None:
    """Each archive may have many, and an artifact many archives: all their names are in memory in the end."""
    parts = [staged(tmp_path, number, ["a", "b"]) for number in range(2)]
    assert sum(map(len, staged_members(tmp_path, parts, SETTINGS, most=4).values())) == 4
    with pytest.raises(BadArtifact, match="more than 3 members in all"):
        staged_members(tmp_path, parts, SETTINGS, most=3)
