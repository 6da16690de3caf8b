"""Tars in every dialect and in any slices come out as tarfile reads them; what is broken ends in a named error."""

import io
import subprocess
import tarfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puller.errors import BadArtifact
from puller.unpack.member import Member, MemberType
from puller.unpack.untar import Untar, is_tar
from tests.parts.installed import installed
from tests.puller.packs import member, tar_of

DIALECTS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)


class Gathered:
    """Keeps members and their bytes, holes filled with zeros."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.contents: list[bytes] = []
        self._left = b""

    def begin(self, found: Member) -> None:
        """Keep a member."""
        self.members.append(found)
        self._left = b""

    def take(self, content: memoryview) -> None:
        """Keep bytes."""
        self._left += bytes(content)

    def end(self) -> None:
        """Lay the bytes where the extents say."""
        file = bytearray(self.members[-1].size)
        position = 0
        for offset, size in self.members[-1].extents:
            file[offset : offset + size] = self._left[position : position + size]
            position += size
        assert position == len(self._left)
        self.contents.append(bytes(file))


def untar(content: bytes, step: int) -> Gathered:
    """Read a tar in slices of `step` bytes."""
    gathered = Gathered()
    reader = Untar(gathered)
    for at in range(0, len(content), step):
        reader.feed(memoryview(content)[at : at + step])
    reader.finish()
    return gathered


@given(
    files=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=6),
    dialect=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    step=st.integers(1, 3000),
    padded=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_what_tarfile_writes_is_read_in_any_slices(
    files: dict[str, bytes], dialect: int, step: int, *, padded: bool
) -> None:
    """Law: names of any length and letters, contents and order survive, however the bytes are cut."""
    found = untar(tar_of(files, form=dialect, padded=padded), step)
    assert {one.name: content for one, content in zip(found.members, found.contents, strict=True)} == files


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_kind_of_member_is_told(dialect: int) -> None:
    """Folders, both kinds of links, and what no model needs."""
    tar = tar_of(
        {},
        member("folder", tarfile.DIRTYPE),
        member("soft", tarfile.SYMTYPE, linkname="folder"),
        member("hard", tarfile.LNKTYPE, linkname="soft"),
        member("pipe", tarfile.FIFOTYPE),
        member("device", tarfile.BLKTYPE),
        form=dialect,
    )
    kinds = [one.kind for one in untar(tar, 512).members]
    assert kinds == [MemberType.FOLDER, MemberType.SYMLINK, MemberType.HARDLINK, MemberType.OTHER, MemberType.OTHER]


def test_long_links_come_whole() -> None:
    """GNU's and pax's ways to write what a header has no room for."""
    long = "/".join(["x" * 90] * 9)
    for dialect in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        tar = tar_of({long: b"1"}, member(f"{long}-link", tarfile.SYMTYPE, linkname=long), form=dialect)
        found = untar(tar, 700)
        assert [(one.name, one.target) for one in found.members] == [(long, ""), (f"{long}-link", long)]


def sparse_pax(form: str) -> bytes:
    """Write a sparse file of 5000 bytes with two stretches of data, as GNU tar does in its pax forms."""
    data, pairs = b"A" * 512 + b"B" * 512, [(0, 512), (4096, 512)]
    numbers = [len(pairs), *(number for pair in pairs for number in pair)]
    headers = {"GNU.sparse.size": "5000", "GNU.sparse.numblocks": "2"}
    body = data
    if form == "0.1":
        headers["GNU.sparse.map"] = ",".join(str(number) for pair in pairs for number in pair)
    if form == "1.0":
        headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "5000"}
        headers["GNU.sparse.name"] = "sparse"
        text = "".join(f"{number}\n" for number in numbers).encode()
        body = text.ljust(512, b"\0") + data
    info = member("sparse", size=len(body), pax_headers=headers)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(body))
        tar.addfile(member("after", size=1), io.BytesIO(b"!"))
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["0.1", "1.0"])
def test_sparse_files_get_their_holes(form: str) -> None:
    """The map may stand in the header or before the data; what follows the member is not lost."""
    found = untar(sparse_pax(form), 100)
    expected = b"A" * 512 + bytes(4096 - 512) + b"B" * 512 + bytes(5000 - 4096 - 512)
    assert [(one.name, content) for one, content in zip(found.members, found.contents, strict=True)] == [
        ("sparse", expected),
        ("after", b"!"),
    ]


HOLE = 1 << 16


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "pax", "pax 0.0", "pax 0.1"])
@pytest.mark.parametrize("stretches", [0, 1, 2, 3, 4, 5, 30])
@pytest.mark.parametrize("ends_in_hole", [True, False])
def test_what_tar_itself_writes_of_sparse_files_is_read(
    tmp_path: Path, form: str, stretches: int, *, ends_in_hole: bool
) -> None:
    """Law: a file with holes survives `tar -S` in each of its forms, however many slots its headers leave empty."""
    name, *version = form.split()
    with (tmp_path / "sparse").open("wb") as file:
        for number in range(stretches):
            file.seek((2 * number + 1) * HOLE)
            file.write(bytes([number + 1]) * 4096)
        file.truncate(file.tell() + HOLE * ends_in_hole)
    (tmp_path / "after").write_bytes(b"!")
    options = ["-S", "--hole-detection=raw", f"--format={name}", *(f"--sparse-version={one}" for one in version)]
    subprocess.run([installed("tar"), *options, "-cf", "it.tar", "sparse", "after"], cwd=tmp_path, check=True)
    found = untar((tmp_path / "it.tar").read_bytes(), 10_000)
    assert [one.name for one in found.members] == ["sparse", "after"]
    assert found.contents == [(tmp_path / "sparse").read_bytes(), b"!"]


def test_a_sparse_map_of_many_stretches_is_read_at_once() -> None:
    """Its blocks are counted, not read again with each that comes: that took minutes for a megabyte."""
    count = 60_000
    lines = [count, *(number for at in range(count) for number in (2 * at, 1))]
    text = "".join(f"{number}\n" for number in lines).encode()
    body = text.ljust(-(-len(text) // 512) * 512, b"\0") + b"x" * count
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2 * count)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member("sparse", size=len(body), pax_headers=headers), io.BytesIO(body))
    began = time.process_time()
    found = untar(buffer.getvalue(), 1 << 16)
    assert time.process_time() - began < 5
    assert found.contents == [b"x\0" * count]


@pytest.mark.parametrize("text", [b"none\n", b"\n", b"-1\n", b"9" * 5000 + b"\n", b"2\n0\n1\nx\n1\n", b""])
def test_a_sparse_map_that_is_none_is_refused(text: bytes) -> None:
    """Or never ends."""
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    tar = tar_of({}, member("sparse", pax_headers=headers))[:-1024].rstrip(b"\0")
    head = tar.ljust(-(-len(tar) // 512) * 512, b"\0")
    with pytest.raises(BadArtifact):
        untar(head + text + bytes(2 << 20), 1 << 16)


@pytest.mark.parametrize(
    "lie",
    [
        {"GNU.sparse.map": "0,512,400,512", "GNU.sparse.size": "5000", "GNU.sparse.numblocks": "2"},
        {"GNU.sparse.map": "0,512,9000,512", "GNU.sparse.size": "5000", "GNU.sparse.numblocks": "2"},
        {"GNU.sparse.map": "0,999999", "GNU.sparse.size": "9999999", "GNU.sparse.numblocks": "1"},
    ],
)
def test_a_sparse_map_that_lies_is_refused(lie: dict[str, str]) -> None:
    """Overlapping, beyond the file, or of more bytes than are stored."""
    tar = tar_of({}, member("x", size=0, pax_headers=lie))
    with pytest.raises(BadArtifact):
        untar(tar, 512)


@given(at=st.integers(0, 1023), value=st.integers(0, 255), step=st.integers(1, 2000))
@settings(deadline=None, max_examples=150)
def test_a_broken_header_is_named_or_harmless(at: int, value: int, step: int) -> None:
    """Law: whatever one byte becomes, the answer is members or BadArtifact, and nothing else."""
    content = bytearray(tar_of({"name": b"x" * 600}, form=tarfile.USTAR_FORMAT))
    content[at] = value
    with suppress(BadArtifact):
        untar(bytes(content), step)


EMPTY = member("x").tobuf(tarfile.USTAR_FORMAT)


def extension(kind: bytes, headers: dict[str, str]) -> bytes:
    """Write a pax header by itself."""
    return tarfile.TarInfo._create_pax_generic_header(headers, kind, "utf-8")  # type: ignore[attr-defined,no-any-return] # noqa: SLF001 - tarfile writes one only before its member


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (member("x", tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT) * 900, "recursion"),
        (extension(tarfile.XHDTYPE, {"size": "9" * 4300}), "more bytes than any file"),
        (b"".join(extension(tarfile.XGLTYPE, {f"k{n}": "v" * 99_000}) + EMPTY for n in range(11)), "global"),
    ],
    ids=["a-chain-of-headers", "a-size-of-thousands-of-digits", "headers-for-all-that-follow"],
)
def test_headers_that_mean_harm_are_refused(head: bytes, message: str) -> None:
    """They would take the stack, numbers that cannot be printed, or ever more memory."""
    with pytest.raises(BadArtifact, match=message):
        untar(head + tar_of({}, member("odd", b"Z")), 4096)


@pytest.mark.parametrize("mtime", ["inf", "nan", "1e300", "-1e300", "253402300800"])
def test_times_that_no_file_can_have_are_none(mtime: str) -> None:
    """A file system could not keep them, and Python could not even hand them over."""
    assert [one.mtime for one in untar(tar_of({}, member("x", pax_headers={"mtime": mtime})), 512).members] == [0]


def test_a_header_without_end_is_refused() -> None:
    """An extension of a gigabyte is not gathered in memory."""
    head = member("x", tarfile.XHDTYPE, size=1 << 30).tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(BadArtifact, match="header of"):
        untar(head, 512)


def test_an_archive_that_ends_early_is_refused() -> None:
    """In the middle of a file; the end marker itself may be missing."""
    whole = tar_of({"a": b"x" * 600}, padded=False)
    with pytest.raises(BadArtifact, match="ends in the middle"):
        untar(whole[:900], 512)
    assert untar(whole[:-1024], 512).contents == [b"x" * 600]


def test_what_is_a_tar_is_told_by_its_first_block() -> None:
    """By the header's checksum; safetensors and GGUF are none."""
    assert is_tar(tar_of({"a": b""})[:512])
    assert is_tar(bytes(512))
    assert not is_tar(b"GGUF" + bytes(508))
    assert not is_tar((100).to_bytes(8, "little") + b'{"__metadata__":{}}'.ljust(504))


@pytest.mark.parametrize("extra", [member("dev", tarfile.BLKTYPE, size=1 << 40), member("odd", b"Z", size=1 << 40)])
def test_what_is_no_file_holds_nothing(extra: tarfile.TarInfo) -> None:
    """A device of a terabyte would be unpacked for nothing, and for hours."""
    head = extra.tobuf(tarfile.GNU_FORMAT)
    if extra.type == b"Z":
        with pytest.raises(BadArtifact, match="no file"):
            untar(head, 512)
    else:
        assert [one.kind for one in untar(head, 512).members] == [MemberType.OTHER]


def test_little_may_follow_an_archive() -> None:
    """Padding to a record may, gigabytes of it may not: whoever unpacks them is a victim."""
    whole = tar_of({"a": b"1"})
    assert untar(whole + bytes(1 << 20), 1 << 16).contents == [b"1"]
    with pytest.raises(BadArtifact, match="behind"):
        untar(whole + bytes(17 << 20), 1 << 20)
