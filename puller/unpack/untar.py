"""A tar, read as it arrives: headers are collected until tarfile can parse them, contents go to a sink.

tarfile knows every dialect (ustar, pax, GNU, sparse files in four ways) but reads its bytes from a file. So it only
parses the collected blocks of one header and its extensions; contents never pass through it.
"""

import io
import tarfile
from typing import Any, Protocol

from puller.errors import BadArtifact

from .member import Member, MemberType
from .sparse import SparseMap

BLOCK = 512
_HEADER_LIMIT = 1 << 20
_BEHIND_LIMIT = 16 << 20  # tapes were written in whole records
_TYPE, _GNU_IS_EXTENDED, _EXTENSION_IS_EXTENDED = 156, 482, 504
_EXTENSIONS = b"xgXLK"
_ZEROS = bytes(BLOCK)
_SPARSE_MAP = b"GNU.sparse.major=1"
_LATEST = 253_402_300_800  # the year 10000: no file system stores a later time
_SIZE_BITS = 63


class MemberSink(Protocol):
    """Takes an archive's members: for each one `begin`, then its bytes in order, then `end`."""

    def begin(self, member: Member) -> None:
        """Start the next member."""
        ...

    def take(self, content: memoryview) -> None:
        """Write the member's next bytes."""
        ...

    def end(self) -> None:
        """Close the member, which is whole."""
        ...


def is_tar(start: bytes) -> bool:
    """Return whether a stream that begins with these bytes is a tar, by the checksum of its first header."""
    if len(start) < BLOCK:
        return False
    if start[:BLOCK] == _ZEROS:
        return True
    try:
        tarfile.TarInfo.frombuf(start[:BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


class Untar:
    """Takes a tar's bytes in order, and writes its members to a sink."""

    def __init__(self, sink: MemberSink) -> None:
        self._sink = sink
        self._head = bytearray()
        self._wanted = BLOCK  # how long the head must be before it is looked at again
        self._stored = self._padding = 0
        self._zeros = self._behind = 0
        self._globals: dict[str, str] = {}
        self._map: SparseMap | None = None

    def feed(self, content: memoryview) -> None:
        """Read the next bytes; up to _BEHIND_LIMIT may follow the archive's end. Raises BadArtifact."""
        while content and self._zeros < 2:
            if self._stored:
                content = self._pass_stored(content)
            elif self._padding:
                skipped = min(self._padding, len(content))
                self._padding -= skipped
                content = content[skipped:]
            else:
                content = self._gather(content)
        self._behind += len(content)
        if self._behind > _BEHIND_LIMIT:
            raise BadArtifact(f"more than {_BEHIND_LIMIT} bytes behind the archive's end")

    def finish(self) -> None:
        """Raise BadArtifact when the archive ends in the middle of a member; a missing end marker is no error."""
        if self._stored or self._head:
            raise BadArtifact("the archive ends in the middle of a member")

    def _pass_stored(self, content: memoryview) -> memoryview:
        part = content[: self._stored]
        self._sink.take(part)
        self._stored -= len(part)
        if not self._stored:
            self._sink.end()
        return content[len(part) :]

    def _gather(self, content: memoryview) -> memoryview:
        missing = self._wanted - len(self._head)
        self._head += content[:missing]
        if len(self._head) == self._wanted:
            self._look()
        return content[missing:]

    def _look(self) -> None:
        """Parse the collected header if it is whole; else set how many bytes of it are needed."""
        if len(self._head) == BLOCK and self._head == _ZEROS:
            self._zeros += 1
            self._head.clear()
            return
        self._zeros = 0
        more = missing_blocks(self._head) if self._map is None else not self._map.is_whole(self._head)
        member, stored = (None, 0) if more else self._parse()
        if member is None:
            self._wanted += BLOCK * (more or 1)
            if self._wanted > _HEADER_LIMIT:
                raise BadArtifact(f"a header of more than {_HEADER_LIMIT} bytes")
            return
        self._head.clear()
        self._wanted, self._map = BLOCK, None
        self._open(member, stored)

    def _open(self, member: Member, stored: int) -> None:
        """Start a member whose contents take `stored` bytes up to the next header."""
        if member.kind is not MemberType.FILE and stored > _HEADER_LIMIT:
            raise BadArtifact(f"{member.name!r}: {stored} bytes in a member that is no file")
        bytes_in_it = sum(size for _, size in member.extents)
        if bytes_in_it > stored:
            raise BadArtifact(f"{member.name!r}: promises {bytes_in_it} bytes where {stored} are stored")
        self._sink.begin(member)
        self._stored, self._padding = bytes_in_it, stored - bytes_in_it
        if not self._stored:
            self._sink.end()

    def _parse(self) -> tuple[Member | None, int]:
        """Return the member that the header describes and the length of its contents; None when blocks are missing."""
        try:
            head = io.BytesIO(self._head)
            with tarfile.TarFile(fileobj=head, pax_headers=self._globals, errors="surrogateescape") as tar:
                found = next(iter(tar), None)
                self._globals = dict(tar.pax_headers)
                after = tar.offset
        except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError) as error:
            if self._map is None and _SPARSE_MAP in self._head:
                self._map = SparseMap(len(self._head))
                return None, 0
            raise BadArtifact(f"broken tar: {error}") from None
        if found is None:
            raise BadArtifact("broken tar: a header that describes nothing")
        if max(found.size, after) >> _SIZE_BITS:
            raise BadArtifact("broken tar: a member of more bytes than any file can have")
        if sum(len(key) + len(value) for key, value in self._globals.items()) > _HEADER_LIMIT:
            raise BadArtifact(f"global headers of more than {_HEADER_LIMIT} bytes")
        return _member(found), max(after - found.offset_data, 0)


def missing_blocks(head: bytes | bytearray) -> int:
    """Return how many more blocks a header needs, as far as is known from its bytes; 0 when it is whole."""
    position = 0
    while position < len(head):
        block = head[position : position + BLOCK]
        position += BLOCK
        if block[_TYPE] in _EXTENSIONS:
            position += _padded(_size(block)) + BLOCK  # the extension's contents, and the header that it extends
            if position > len(head):
                return -(-(position - len(head)) // BLOCK)
            position -= BLOCK
        elif block[_TYPE : _TYPE + 1] == tarfile.GNUTYPE_SPARSE and block[_GNU_IS_EXTENDED]:
            return _missing_extensions(head, position)
        else:
            return 0
    return 1


def _missing_extensions(head: bytes | bytearray, position: int) -> int:
    while position < len(head):
        if not head[position + _EXTENSION_IS_EXTENDED]:
            return 0
        position += BLOCK
    return 1


def _size(block: bytes | bytearray) -> int:
    try:
        size = tarfile.nti(block[124:136])  # type: ignore[attr-defined] # public by its name, not in typeshed
    except tarfile.HeaderError as error:
        raise BadArtifact(f"broken tar: {error}") from None
    if not 0 <= size <= _HEADER_LIMIT:
        raise BadArtifact(f"a header of {size} bytes, where {_HEADER_LIMIT} are the most")
    return int(size)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _member(found: tarfile.TarInfo) -> Member:
    kind = _kind(found)
    sparse: Any = found.sparse  # a list of (offset, size), or None; typeshed has it wrong
    size = found.size if kind is MemberType.FILE else 0
    extents = tuple(sparse) if sparse is not None else ((0, size),)
    extents = tuple(extent for extent in extents if extent[1])  # GNU tar leaves slots of its header empty
    reach = 0
    for offset, length in extents:
        if offset < reach or length < 0 or offset + length > size:
            raise BadArtifact(f"{found.name!r}: a sparse map that lies beyond its file")
        reach = offset + length
    mtime = float(found.mtime) if 0 < found.mtime < _LATEST else 0.0
    return Member(found.name or ".", kind, size, found.mode, mtime, found.linkname, extents)


def _kind(found: tarfile.TarInfo) -> MemberType:
    if found.isreg():
        return MemberType.FILE
    if found.isdir():
        return MemberType.FOLDER
    if found.issym():
        return MemberType.SYMLINK
    return MemberType.HARDLINK if found.islnk() else MemberType.OTHER
