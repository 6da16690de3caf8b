"""Write artifacts to a registry (distribution-spec, "Pushing").

A request that only saves bytes never ends a push: after any answer but a clear yes the bytes are sent.

Tests: tests/packer/test_outcomes.py
"""

from urllib.parse import quote

from registry.access.access import Access
from registry.digest import Digest
from registry.documents.document import Document
from registry.documents.referrers import listed_with, tag_of_referrers
from registry.errors import BadReference, Fault, NotFound, Refused, Unauthorized, Unavailable, UploadLost
from registry.http.retry import Patience
from registry.manifest import ACCEPT_ALL, SIZE_LIMIT
from registry.reference import Reference

from .client import Client
from .commit import Committer
from .upload import RemoteUpload
from .upload_mode import Learned, UploadMode
from .upload_session import ERROR_LIMIT, close_session, cross_check, open_session


class RemotePusher:
    """A repository of a registry, for writing. Safe to share between threads."""

    def __init__(self, access: Access, reference: Reference) -> None:
        if reference.digest:
            raise BadReference(f"{reference}: names a digest, which cannot be chosen", hint="push to a tag")
        self._reference, self._transport, self._patience = reference, access.transport, access.patience
        self._client = Client(access, access.upstream(reference), reference, "pull,push")
        self._committer = Committer(self._client, access)
        self._learned, self._chunk_bytes = Learned(), access.upload_chunk_bytes

    @property
    def patience(self) -> Patience:
        """How long temporary failures are retried."""
        return self._patience

    def pinned(self, digest: Digest) -> str:
        """Return the reference with its digest."""
        return str(self._reference.pinned(digest))

    def interrupt(self) -> None:
        """Break every connection in use."""
        self._transport.interrupt()

    def check(self) -> None:
        """Open an upload, and let the registry discard it; raise what that raises."""
        self._patience.patiently(lambda: open_session(self._client))

    def has(self, digest: Digest, size: int) -> bool:
        """Return whether the registry certainly has a blob of so many bytes; False after any failure."""
        return self._committer.surely_holds(digest, size)

    def mount(self, digest: Digest, size: int, repository: str) -> bool:
        """Mount a blob from another repository of the registry; return False when the registry needs the bytes.

        It does where it has the blob in another size: a mount would bring the same one.
        """
        if digest in self._committer.broken:
            return False
        url = self._client.url(f"blobs/uploads/?mount={digest}&from={quote(repository)}")
        try:
            with self._client.request(
                "POST", url, headers={}, accept=(201, 202), body=b"", also_reads=repository
            ) as response:
                response.read(ERROR_LIMIT)
                is_mounted = response.status == 201
        except Unavailable:
            return self.has(digest, size)
        except Fault:
            return False
        return is_mounted and not self._committer.lost_some_of(digest, size)

    @property
    def wants_digest_first(self) -> bool:
        """Whether this registry accepts large blobs only with a digest at their start."""
        return self._learned.mode is UploadMode.WHOLE

    def begin(self, size: int | None, digest: Digest | None = None) -> RemoteUpload:
        """Begin an upload; size and digest may be unknown, unless `wants_digest_first`."""
        session = self._patience.patiently(lambda: open_session(self._client))
        return RemoteUpload(self._committer, session, size, self._learned, chunk_bytes=self._chunk_bytes, digest=digest)

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob at once."""
        self._committer.commit(
            lambda: self._put(content, digest),
            lambda: self._committer.has_taken(digest, len(content)),
            size=len(content),
            name=str(digest),
        )
        self._committer.check_mended(digest, len(content))

    def _put(self, content: bytes, digest: Digest) -> None:
        session = open_session(self._client)
        try:
            close_session(self._client, session.location, content, digest)
        except NotFound as error:  # of an upload that was opened just now
            raise UploadLost(str(error), is_lasting=True) from error

    def put_document(self, document: Document, tag: str | None = None) -> Digest:
        """Write a document as it is, under a tag or by its digest; raise Mismatch where the registry has another."""
        self._put_document(document, tag or str(document.digest))
        return Digest.of(document.content) if tag else document.digest

    def put_referrer(self, document: Document, subject: Digest) -> None:
        """Write a document, and a list of referrers where the registry keeps none itself.

        A registry that keeps one says so by OCI-Subject (distribution-spec, "Pushing Manifests with Subject").
        """
        if not self._put_document(document, str(document.digest)):
            self._list_referrer(document, tag_of_referrers(subject))

    def stored(self, target: str) -> Document:
        """Return the document under a tag or a digest; see Pusher.stored."""
        url = self._client.url(f"manifests/{target}")
        return Document.parse(self._patience.patiently(lambda: self._stored(url)))

    def _stored_again(self, tag: str) -> Document | None:
        """Return what is under a tag that was refused once; None where it is refused again, or absent."""
        try:
            return self.stored(tag)
        except (NotFound, Unauthorized):
            return None

    @property
    def tag(self) -> str:
        """The tag of the reference."""
        return str(self._reference.tag)

    def _put_document(self, document: Document, target: str) -> bool:
        """Write a document; return whether the registry took note of what it refers to."""
        url, content, is_noted = self._client.url(f"manifests/{target}"), document.content, False

        def send() -> None:
            nonlocal is_noted
            headers = {"Content-Type": document.media_type}
            with self._client.request("PUT", url, headers=headers, accept=(200, 201, 202), body=content) as response:
                is_noted = "OCI-Subject" in response.headers
                cross_check(response, Digest.of(content))  # what registries count by, however others name it

        def took_effect() -> bool:
            try:
                return self._stored(url) == content
            except Fault:
                return False

        try:
            self._committer.commit(send, took_effect, size=len(content), name=f"the manifest of {target}")
        except (Refused, Unauthorized):  # registries whose tags never move refuse the very same document, too
            if not took_effect():
                raise
        return is_noted

    def _list_referrer(self, document: Document, tag: str) -> None:
        """Add a document to the list under a tag, unless it is there."""
        try:
            listed = self.stored(tag)
        except NotFound:
            listed = None
        except Unauthorized:  # so answer some registries for tags that are absent, to whoever may read all others
            self.stored(str(document.digest))
            listed = self._stored_again(tag)
        longer = listed_with(listed, document)
        if longer is not None:
            self._put_document(longer, tag)

    def _stored(self, url: str) -> bytes:
        """Return a stored manifest. Raises NotFound and other faults."""
        with self._client.request("GET", url, headers={"Accept": ", ".join(ACCEPT_ALL)}, accept=(200,)) as found:
            return found.read(SIZE_LIMIT)
