"""An artifact with its parents: a KitOps ModelKit may use the model of another one.

Tests: tests/puller/artifact/test_writers.py
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from puller.errors import BadArtifact
from puller.settings import Settings
from puller.store.receipt import FileRecord, Receipt
from registry.access.access import Access
from registry.digest import Digest
from registry.manifest import Descriptor
from registry.open import open_repository
from registry.repository import CONFIG_LIMIT, Repository, Resolved
from registry.source import LayoutSource, OciSource, parse_source

from . import modelkit
from .part import ParsedArtifact
from .read import check, read_form

_MOST_PARENTS = 10  # kit's own limit


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """All parts of a model, and where each comes from: a part's `reference` is a key of `repositories`."""

    digest: Digest
    """The manifest's."""

    form: ParsedArtifact
    repositories: Mapping[str, Repository]
    digests: Mapping[str, Digest] = field(default_factory=dict)
    """What each of them resolved to, by the same keys; the artifact's own is the first."""

    signers: tuple[str, ...] = ()
    """Who signed it and its parents, where the policy asks."""

    signature_mark: str = ""
    """The mark of the policy that it passed."""

    documents: tuple[tuple[Digest, bytes], ...] = ()
    """The bytes of the artifact's own manifest and config, by their digests."""

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(part.layer.size for part in self.form.parts)

    @property
    def pinned(self) -> str:
        """The artifact's source with its digest."""
        return self.repositories[""].pinned(self.digest)

    def receipt(self, settings: Settings, files: tuple[FileRecord, ...], *, inode: int, boot: str) -> Receipt:
        """Return the receipt of these files in the folder `inode`, published now, for which nothing was fetched."""
        return Receipt(
            source=settings.source,
            pinned=self.pinned,
            digest=str(self.digest),
            selection=settings.selection,
            files=files,
            wire_bytes=0,
            seconds=0,
            published=int(time.time()),
            inode=inode,
            boot=boot,
            signers=self.signers,
            signature_mark=self.signature_mark,
        )


def load_artifact(repository: Repository, resolved: Resolved, access: Access) -> ModelArtifact:
    """Return an artifact's parts, and those that it takes over from its parents.

    Raises BadArtifact, UnsupportedLayer, and the faults of resolving a parent.
    """
    read = _Reader(repository)
    form = read_form(resolved.manifest, lambda: read(resolved.manifest.config))
    parts, repositories, child, parent = list(form.parts), {"": repository}, "", form.parent
    digests = {"": resolved.digest}
    while parent:
        if parent in repositories or len(repositories) > _MOST_PARENTS:
            raise BadArtifact(f"{parent}: more than {_MOST_PARENTS} ModelKits, or each another's parent")
        repositories[parent] = _parent_at(parent, repositories[child], access)
        found = repositories[parent].resolve()
        above, digests[parent] = _read(repositories[parent], found), found.digest
        taken = [part for part in above.parts if modelkit.is_model(part)]
        if not taken and not above.parent:
            raise BadArtifact(f"{parent}: holds no model for the ModelKit that names it as its own")
        parts += [part._replace(number=number, reference=parent) for number, part in enumerate(taken, len(parts))]
        child, parent = parent, above.parent
    check(parts)
    form = form._replace(parts=tuple(parts))
    documents = (*resolved.documents, *read.documents)
    return ModelArtifact(resolved.digest, form, repositories, digests, documents=documents)


def _parent_at(parent: str, child: Repository, access: Access) -> Repository:
    """Return a parent's repository; raise BadArtifact where an artifact of a registry names a layout on the disk."""
    source = parse_source(parent)
    if not isinstance(source, OciSource) and not (isinstance(source, LayoutSource) and _is_layout(child)):
        raise BadArtifact(f"{parent!r}: a ModelKit's model is another one in a registry, and nothing else")
    return open_repository(source, access)


def _is_layout(repository: Repository) -> bool:
    from registry.layout.pull import LayoutRepository  # noqa: PLC0415 - few models come from one

    return isinstance(repository, LayoutRepository)


def _read(repository: Repository, resolved: Resolved) -> ParsedArtifact:
    return read_form(resolved.manifest, lambda: repository.read(resolved.manifest.config, CONFIG_LIMIT))


class _Reader:
    """Reads configs, and records what it read."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.documents: list[tuple[Digest, bytes]] = []

    def __call__(self, config: Descriptor) -> bytes:
        content = self._repository.read(config, CONFIG_LIMIT)
        self.documents.append((config.digest, content))
        return content
