"""All that belongs to an artifact: the manifests of an index, and what refers to any of them, by lists or by tags.

Tests: tests/packer/test_copying.py
"""

from collections.abc import Iterator
from dataclasses import dataclass

from registry.digest import Digest
from registry.documents.document import Document
from registry.documents.referrers import COSIGN_SUFFIXES, tag_of_referrers
from registry.errors import BadManifest, NotFound, Unauthorized
from registry.manifest import Descriptor
from registry.repository import DocumentSource

_MOST_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """An artifact with its companions, in the order in which they are written, and the blobs of all of them."""

    root: Document
    children: tuple[Document, ...]
    """The manifests of an index, those below others first."""

    referrers: tuple[tuple[Digest, Document], ...]
    """What refers to a manifest, with that manifest's digest; a referrer's own referrers come after it."""

    tagged: tuple[tuple[str, Document], ...]
    """What cosign keeps under tags made of digests."""

    dangling: tuple[Digest, ...] = ()
    """What is listed as referring to a manifest, and is not there itself."""

    unreadable: tuple[Unauthorized, ...] = ()
    """The refusals of tags that would only add to the artifact: some registries answer so for absent ones."""

    @property
    def companions(self) -> int:
        """How many documents say something about the artifact."""
        return len(self.referrers) + len(self.tagged)

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, each once."""
        found = (*self.children, *(one for _, one in (*self.referrers, *self.tagged)), self.root)
        return tuple({one.digest: one for one in found}.values())

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs of all documents, each once."""
        return tuple({blob.digest: blob for one in self.documents for blob in one.blobs}.values())


def closure(source: DocumentSource, *, has_companions: bool) -> Closure:
    """Return all that belongs to what a source names; without its companions if they are not wanted.

    Raises NotFound, BadManifest and the network's errors. Nothing is left out in silence: a signature that was deleted,
    and is listed still, is `dangling`.
    """
    root = source.document()
    reading = _Reading(source)
    children = tuple(reading.below(root))
    if not has_companions:
        return Closure(root=root, children=children, referrers=(), tagged=())
    subjects = [root, *children]
    referrers = list(reading.referring(subjects))
    tagged = list(reading.tagged([*subjects, *(one for _, one in referrers)]))
    companions = [one for _, one in (*referrers, *tagged)]
    inner = [below for one in companions for below in reading.below(one)]
    return Closure(
        root=root,
        children=(*children, *inner),
        referrers=tuple(referrers),
        tagged=tuple(tagged),
        dangling=tuple(reading.dangling),
        unreadable=tuple(reading.unreadable),
    )


class _Reading:
    """Reads documents, each once, up to a number that no artifact has."""

    def __init__(self, source: DocumentSource) -> None:
        self._source = source
        self._known: dict[Digest, Document] = {}
        self.dangling: list[Digest] = []
        self.unreadable: list[Unauthorized] = []

    def below(self, document: Document) -> Iterator[Document]:
        """Yield the manifests that an index leads to, the deepest first."""
        for child in document.children:
            if child.digest not in self._known:
                found = self._read(child.digest)
                yield from self.below(found)
                yield found

    def referring(self, subjects: list[Document]) -> Iterator[tuple[Digest, Document]]:
        """Yield what refers to documents, and to what was found."""
        waiting = list(subjects)
        while waiting:
            subject = waiting.pop(0)
            for digest in self._listed(subject.digest):
                if digest in self._known or digest in self.dangling:
                    continue
                try:
                    found = self._read(digest)
                except NotFound:
                    self.dangling.append(digest)
                    continue
                waiting.append(found)
                yield subject.digest, found

    def tagged(self, documents: list[Document]) -> Iterator[tuple[str, Document]]:
        """Yield what cosign keeps under tags made of the documents' digests."""
        for document in documents:
            for suffix in COSIGN_SUFFIXES:
                tag = f"{tag_of_referrers(document.digest)}{suffix}"
                try:
                    yield tag, self._source.document(tag)
                except NotFound:
                    continue
                except Unauthorized as error:
                    self.unreadable.append(error)

    def _listed(self, subject: Digest) -> tuple[Digest, ...]:
        try:
            return self._source.referrers(subject)
        except Unauthorized as error:
            self.unreadable.append(error)
            return ()

    def _read(self, digest: Digest) -> Document:
        if len(self._known) >= _MOST_DOCUMENTS:
            raise BadManifest(f"more than {_MOST_DOCUMENTS} manifests belong to the artifact")
        found = self._known[digest] = self._source.document(digest)
        return found
