"""What an artifact holds, without fetching its files.

Tests: tests/puller/test_verify.py
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from puller.artifact.model_artifact import ModelArtifact, load_artifact
from puller.artifact.part import LayerKind, Part
from puller.errors import BadArtifact, UnsupportedLayer
from puller.plan import select
from puller.settings import Settings
from puller.signatures import prove_signers, signed_of
from registry.access.access import Access
from registry.errors import Fault
from registry.manifest import Descriptor
from registry.progress.reporter import Reporter
from registry.progress.stats import human
from registry.repository import Repository
from registry.signatures.errors import BadSignature
from registry.signatures.found import found_signatures

from .about import about
from .archived import names_in


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer with the name of its file. Size in bytes."""

    path: str
    size: int
    digest: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """An artifact, for one screen. `problem` is why a pull would refuse it, or empty.

    `about` is what it says of its origin, by the names that it uses; no signature proves that. `signatures` say who
    made them, and are not judged; `signers` are those whom the policy names, and who signed it.
    """

    pinned: str
    kind: str
    entries: tuple[Entry, ...]
    problem: str
    about: Mapping[str, str]
    signatures: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(entry.size for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        files = [
            {"path": entry.path, "size": entry.size, "digest": entry.digest, "mediaType": entry.media_type}
            for entry in self.entries
        ]
        return {
            "source": self.pinned,
            "kind": self.kind,
            "size": self.size,
            "about": dict(self.about),
            "signatures": list(self.signatures),
            "signers": list(self.signers),
            "files": files,
            "problem": self.problem,
        }

    def to_text(self) -> str:
        """Return one screen for people."""
        width = max((len(entry.path) for entry in self.entries), default=0)
        lines = [self.pinned, f"{self.kind}, {len(self.entries)} layers, {human(self.size)}"]
        lines += [f"{name}: {value}" for name, value in self.about.items()]
        lines += [f"signed by: {signer}" for signer in self.signers]
        lines += [f"signature: {one} (not judged)" for one in self.signatures if not self.signers]
        lines += [""]
        lines += [
            f"  {entry.path:<{width}}  {human(entry.size):>8}  {entry.digest[:19]}…  {entry.media_type}"
            for entry in self.entries
        ]
        lines += ["", f"not pullable: {self.problem}"] if self.problem else []
        return "\n".join("".join(filter(str.isprintable, line)) for line in lines)


def inspect(repository: Repository, access: Access, settings: Settings, reporter: Reporter) -> Inspection:
    """Return what an artifact holds, and who signed it by the policy of the settings.

    Raises the faults of Repository.resolve; a pull's faults go into `problem`.
    """
    resolved = repository.resolve()
    layers, told = resolved.manifest.layers, about(repository, resolved.manifest)
    try:
        artifact = load_artifact(repository, resolved, access)
    except (BadArtifact, UnsupportedLayer) as error:
        entries = tuple(_entry(f"layers[{number}]", layer) for number, layer in enumerate(layers))
        kind = resolved.manifest.artifact_type or resolved.manifest.config.media_type
        return Inspection(repository.pinned(resolved.digest), kind, entries, str(error), told)
    entries = tuple(_entry(_told(part), part.layer) for part in artifact.form.parts)
    pinned, problem = repository.pinned(resolved.digest), _unselectable(artifact, settings) or _lacking(artifact)
    found = Inspection(pinned, artifact.form.kind, entries, problem, told, _signatures(artifact))
    try:
        return replace(found, signers=prove_signers(artifact, settings, reporter).signers)
    except BadSignature as error:
        return replace(found, problem=str(error))


def _unselectable(artifact: ModelArtifact, settings: Settings) -> str:
    """Return why what the settings select cannot be pulled by its names and sizes; empty where it can."""
    try:
        select(artifact.form.parts, settings.include, settings.exclude)
    except Fault as error:
        return str(error)
    return ""


def _lacking(artifact: ModelArtifact) -> str:
    """Return the first blob that a layout on disk lacks, or has cut off; empty where it has them all.

    Only a pull finds that out of a registry.
    """
    from registry.layout.pull import LayoutRepository  # noqa: PLC0415 - few artifacts come from one

    for part in artifact.form.parts:
        repository = artifact.repositories[part.reference]
        if isinstance(repository, LayoutRepository):
            try:
                repository.path(part.layer)
            except Fault as error:
                return str(error)
    return ""


def _signatures(artifact: ModelArtifact) -> tuple[str, ...]:
    """Return the signatures that are there; what cannot be read of them does not hide the rest."""
    return found_signatures(artifact.repositories[""], signed_of(artifact, "", artifact.digest, ""))


def _told(part: Part) -> str:
    return f"{names_in(part.layer) or part.name} (archive)" if part.shape is LayerKind.ARCHIVE else part.name


def _entry(name: str, layer: Descriptor) -> Entry:
    return Entry(name, layer.size, str(layer.digest), layer.media_type)
