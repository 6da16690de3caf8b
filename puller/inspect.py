"""What an artifact holds, without fetching its files.

Tests: tests/puller/test_pull.py
"""

from dataclasses import dataclass
from typing import Any

from registry.access.access import Access
from registry.manifest import Descriptor
from registry.progress.stats import human
from registry.repository import Repository

from .artifact.model_artifact import load_artifact
from .artifact.part import LayerKind, Part
from .errors import BadArtifact, UnsupportedLayer


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer with the name of its file. Size in bytes."""

    path: str
    size: int
    digest: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """An artifact, for one screen. `problem` is why a pull would refuse it, or empty."""

    pinned: str
    kind: str
    entries: tuple[Entry, ...]
    problem: str

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
            "files": files,
            "problem": self.problem,
        }

    def to_text(self) -> str:
        """Return one screen for people."""
        width = max((len(entry.path) for entry in self.entries), default=0)
        lines = [self.pinned, f"{self.kind}, {len(self.entries)} layers, {human(self.size)}", ""]
        lines += [
            f"  {entry.path:<{width}}  {human(entry.size):>8}  {entry.digest[:19]}…  {entry.media_type}"
            for entry in self.entries
        ]
        lines += ["", f"not pullable: {self.problem}"] if self.problem else []
        return "\n".join("".join(filter(str.isprintable, line)) for line in lines)


def inspect(repository: Repository, access: Access) -> Inspection:
    """Return what an artifact holds. Raises the faults of Repository.resolve; a pull's faults go into `problem`."""
    resolved = repository.resolve()
    layers = resolved.manifest.layers
    try:
        form = load_artifact(repository, resolved, access).form
    except (BadArtifact, UnsupportedLayer) as error:
        entries = tuple(_entry(f"layers[{number}]", layer) for number, layer in enumerate(layers))
        kind = resolved.manifest.artifact_type or resolved.manifest.config.media_type
        return Inspection(repository.pinned(resolved.digest), kind, entries, str(error))
    entries = tuple(_entry(_told(part), part.layer) for part in form.parts)
    return Inspection(repository.pinned(resolved.digest), form.kind, entries, "")


def _told(part: Part) -> str:
    return f"{part.name} (archive)" if part.shape is LayerKind.ARCHIVE else part.name


def _entry(name: str, layer: Descriptor) -> Entry:
    return Entry(name, layer.size, str(layer.digest), layer.media_type)
