"""What an artifact holds, without fetching its files."""

from dataclasses import dataclass
from typing import Any

from registry.manifest import Manifest
from registry.meter import human
from registry.modelpack import ARTIFACT_TYPE
from registry.repository import Repository

from .errors import BadArtifact, UnsupportedLayer
from .plan import list_files


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer, by the name of its file. Size in bytes."""

    path: str
    size: int
    digest: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """An artifact, for one screen. `problem` says why a pull would refuse it, or nothing."""

    pinned: str
    kind: str
    entries: tuple[Entry, ...]
    problem: str

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(entry.size for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object."""
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
        """Give one screen for people."""
        width = max((len(entry.path) for entry in self.entries), default=0)
        lines = [self.pinned, f"{self.kind}, {len(self.entries)} files, {human(self.size)}", ""]
        lines += [
            f"  {entry.path:<{width}}  {human(entry.size):>8}  {entry.digest[:19]}…  {entry.media_type}"
            for entry in self.entries
        ]
        return "\n".join([*lines, *([f"\nnot pullable: {self.problem}"] if self.problem else [])])


def inspect(repository: Repository) -> Inspection:
    """Look an artifact up. Raises the faults of Repository.resolve, never those of a pull: they are told."""
    resolved = repository.resolve()
    problem = ""
    try:
        names = [file.path for file in list_files(resolved.manifest)]
    except (BadArtifact, UnsupportedLayer) as error:
        problem = str(error)
        names = [f"layers[{number}]" for number in range(len(resolved.manifest.layers))]
    entries = tuple(
        Entry(name, layer.size, str(layer.digest), layer.media_type)
        for name, layer in zip(names, resolved.manifest.layers, strict=True)
    )
    return Inspection(repository.pinned(resolved.digest), _kind(resolved.manifest), entries, problem)


def _kind(manifest: Manifest) -> str:
    if manifest.artifact_type == ARTIFACT_TYPE:
        return "ModelPack"
    return manifest.artifact_type or manifest.config.media_type
