"""Write large blobs to a registry (distribution-spec, "Pushing blobs").

Tests: tests/packer/test_outcomes.py
"""

import re
from typing import Self

from registry.digest import Digest
from registry.errors import Fault, Mismatch, NotFound, Refused, Unavailable, UploadLost, UploadModeRejected
from registry.http.redirects import MAX_HOPS
from registry.http.response import Response, StreamingRequest

from .commit import Committer
from .upload_mode import BETTER, Learned, UploadMode
from .upload_session import BYTES, ERROR_LIMIT, UploadSession, close_session, least_bytes, with_digest

_ARRIVED = re.compile(r"(?:bytes=)?0-(\d+)")
_PART_BYTES = 5 << 20
"""Amazon's registry takes no smaller part of a blob, but the last one."""


_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
"""A registry's word for an upload that it lost (distribution-spec, "Error Codes")."""


class RemoteUpload:
    """An upload of one blob in the mode that was learned; one PUT needs its size and digest.

    Raises UploadModeRejected when another mode was learned that may work, and UploadLost when the upload must begin
    again.
    """

    def __init__(  # noqa: PLR0913 - what a blob is, and how it goes
        self,
        committer: Committer,
        session: UploadSession,
        size: int | None,
        learned: Learned,
        *,
        chunk_bytes: int,
        digest: Digest | None = None,
    ) -> None:
        self._committer, self._client, self._size, self._digest = committer, committer.client, size, digest
        self._learned, self._losses = learned, learned.losses
        self._manner, self._chunk_bytes = learned.mode, chunk_bytes
        if size is None and self._manner is UploadMode.STREAMED:
            self._manner = UploadMode.CHUNKED  # a single request must state its length
        self._location, self._least_bytes = session
        if self._manner is UploadMode.WHOLE:
            if digest is None:
                raise UploadModeRejected("another upload learned meanwhile that the registry wants a digest first")
            self._location = with_digest(self._location, digest)
        self._outgoing: StreamingRequest | None = None
        self._sent = self._until = self._parts = 0
        self._resumed = self._misread = -1
        self._renewed_at = -1
        self._hops, self._moved = 0, ""

    @property
    def least_bytes(self) -> int:
        """How many bytes each write but the last should have: of a blob whose size is unknown, each is a part."""
        return max(self._least_bytes, _PART_BYTES) if self._size is None else 0

    def write(self, content: memoryview) -> None:
        """Send the next bytes."""
        while content:
            if self._outgoing is None:
                self._begin(len(content))
            part = content[: self._until - self._sent]
            was_sent = self._outgoing is not None and self._outgoing.write(part)
            self._sent += len(part)
            content = content[len(part) :]
            if self._sent == self._until or not was_sent:
                self._end()

    def resume(self) -> int:
        """Ask the registry how much has arrived, after a broken connection; return the offset to go on from.

        Raises UploadLost when it cannot go on, Unavailable and the other faults of a request (distribution-spec,
        "Chunked Upload": GET of the upload's address answers its Range, and the address to go on with).
        """
        self._hang_up()
        if self._manner is UploadMode.WHOLE:
            return self._resume_whole()
        try:
            with self._client.request("GET", self._location, headers={}, accept=(200, 202, 204)) as response:
                arrived = _ARRIVED.fullmatch(response.headers.get("Range", ""))
                self._location = self._client.location(response, self._location)
        except (NotFound, Refused) as error:
            raise UploadLost(str(error)) from error
        if arrived is None and self._sent and not self._moved:
            raise UploadLost(f"{self._client.origin}: does not say how much of an upload arrived")
        last = int(arrived[1]) if arrived else 0
        self._sent = self._until = self._resumed = last + 1 if last else 0  # 0-0 may mean an empty upload
        return self._sent

    def _resume_whole(self) -> int:
        """Return the offset after a broken PUT: it took effect, was redirected, or is lost, but cannot be continued."""
        if self._moved:
            self._sent = self._until = 0
            return 0
        if self._digest is None or self._size is None or not self._committer.has_taken(self._digest, self._size):
            raise UploadLost(f"{self._client.origin}: an upload in one PUT cannot go on in the middle")
        self._sent = self._until = self._size
        return self._size

    def commit(self, digest: Digest) -> None:
        """Complete the blob under its digest; raise Mismatch when the registry computed another one.

        What came in several requests is asked for: some registries keep the last of them alone, and close the upload.
        """
        if self._manner is UploadMode.WHOLE:
            self._committer.check_mended(digest, self._sent)
            return
        try:
            self._committer.commit(
                lambda: close_session(self._client, self._location, b"", digest),
                lambda: self._committer.has_taken(digest, self._sent),
                size=self._sent,
                name=str(digest),
            )
        except NotFound as error:
            raise UploadLost(str(error)) from error
        except (Refused, Mismatch) as error:
            if self._resumed >= 0:  # it may have had more or less than it said
                raise UploadLost(str(error)) from error
            meaning = self._refused_parts(error) if self._parts > 1 else error
            if meaning is error:
                raise
            raise meaning from error
        is_doubtful = self._parts > 1 or self._resumed >= 0 or digest in self._committer.broken
        if is_doubtful and self._committer.lost_some_of(digest, self._sent):
            said = f"{self._client.origin}: has {digest} in another size than the {self._sent} bytes that it took"
            raise self._otherwise(UploadMode.WHOLE, said)

    def _begin(self, at_hand: int) -> None:
        """Begin a request; if the blob's size is unknown, it carries only the `at_hand` bytes."""
        self._until = self._sent + self._next_bytes(at_hand)
        headers = {**BYTES, "Content-Length": str(self._until - self._sent)}
        if self._manner is UploadMode.CHUNKED or self._sent:
            headers["Content-Range"] = f"{self._sent}-{self._until - 1}"
        self._outgoing = self._client.stream(self._method, self._moved or self._location, headers)
        self._moved = ""

    def _next_bytes(self, at_hand: int) -> int:
        """Return the length of the next request: as much as one may carry, and no less than one must."""
        rest = at_hand if self._size is None else self._size - self._sent
        if self._manner is not UploadMode.CHUNKED:
            return rest
        most = max(self._chunk_bytes, self._least_bytes)
        if self._size is not None:
            return min(most, rest)
        parts = min(-(-rest // most), max(rest // self.least_bytes, 1))  # equal ones: a small rest would be refused
        return -(-rest // parts)

    def _end(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing is None:
            return
        with self._committer.waiting(self._sent, "a blob"), outgoing.finish() as response:
            if response.status not in (201, 202, 204):
                raise self._refused(response)
            response.read(ERROR_LIMIT)
            self._hops, self._parts, self._learned.losses = 0, self._parts + 1, 0
            self._least_bytes = least_bytes(response) or self._least_bytes
            if self._manner is not UploadMode.WHOLE:
                self._location = self._client.location(response, self._location)

    @property
    def _method(self) -> str:
        return "PUT" if self._manner is UploadMode.WHOLE else "PATCH"

    def _refused(self, response: Response) -> Fault:
        said = self._client.failure(self._method, response)
        if response.status == 416 and self._resumed >= 0:
            return self._misjudged(said)
        if response.status in (401, 403) and self._renewed_at < self._sent:
            self._renewed_at = self._sent
            return Unavailable(str(said)) if self._client.renewed(response) else said
        if self._hops < MAX_HOPS and (moved := self._client.moved(self._method, response)):
            self._hops, self._moved = self._hops + 1, moved
            return Unavailable(f"{said}: goes on elsewhere", has_other=True)
        if isinstance(said, NotFound) and self._is_lost(said):
            return UploadLost(str(said))
        return self._refused_mode(response.status, said)

    def _misjudged(self, said: Fault) -> Fault:
        """Return what a 416 after a resume means: more of the broken request arrived after the registry was asked.

        Where it says the same again, it does not know what it has.
        """
        if self._misread == self._resumed:
            return UploadLost(str(said))
        self._misread = self._resumed
        return Unavailable(str(said))

    def _is_lost(self, said: NotFound) -> bool:
        """Return whether a 404 means that the registry lost this upload, and not that it takes no PATCH.

        It took bytes of it before, or says so itself; but of the second upload in a row that is no accident.
        """
        if self._resumed > 0 or self._parts:
            return True
        if _UNKNOWN not in said.codes or self._losses:
            return False
        self._learned.losses += 1
        return True

    def _refused_mode(self, status: int, said: Fault) -> Fault:
        """Return what a refusal means: that the registry takes another mode, where its status tells which."""
        better = BETTER.get(status)
        if better is None:
            return self._refused_parts(said)
        if better is self._manner or self._manner is UploadMode.WHOLE:
            return said
        return self._otherwise(better, f"{self._client.origin}: answered {status}")

    def _refused_parts(self, said: Fault) -> Fault:
        """Return what a refusal means: of parts whose sizes the data decides, that the registry takes none such."""
        if type(said) is not Refused or self._size is not None:
            return said
        return self._otherwise(UploadMode.WHOLE, str(said))

    def _otherwise(self, better: UploadMode, said: str) -> UploadModeRejected:
        self._learned.mode = better
        return UploadModeRejected(f"{said}: blobs are sent as {better.value}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        if self._outgoing is not None:
            self._outgoing.abort()
            self._outgoing = None
