"""Small models for tests: folders on disk, and artifacts in a fake registry."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from registry.annotations import ARTIFACT_TYPE, CONFIG_TYPE, FILEPATH, layer_type
from registry.chunk_index import CHUNK_ALGORITHM, Chunks
from registry.digest import Digest
from registry.documents.document import Document
from registry.manifest import Descriptor, Manifest
from registry.repository import Pusher
from tests.fakes.registry import FakeRegistry

from .packs import CODECS, tar_of


def noise(count: int, seed: int = 7) -> bytes:
    """Return bytes that no compression and no luck can guess."""
    return Random(seed).randbytes(count)


def write_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    """Make a folder with the given files."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def read_tree(root: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def layer(path: str, content: bytes, *, chunk: int = 0) -> Descriptor:
    """Describe a raw layer; with `chunk`, with the digests of every so many bytes."""
    annotations = {FILEPATH: path}
    if chunk:
        parts = [content[at : at + chunk] for at in range(0, len(content), chunk)]
        annotations |= Chunks(chunk, tuple(Digest.of(part, CHUNK_ALGORITHM) for part in parts)).to_annotations()
    return Descriptor(
        media_type=layer_type("weight", "raw"),
        digest=Digest(hashlib.sha256(content).hexdigest()),
        size=len(content),
        annotations=annotations,
    )


def manifest_of(layers: Sequence[Descriptor]) -> Manifest:
    """Make a manifest of layers."""
    config = Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(b"{}"), size=2)
    return Manifest(artifact_type=ARTIFACT_TYPE, config=config, layers=tuple(layers))


def offer(fake: FakeRegistry, files: Mapping[str, bytes], *, chunk: int = 0) -> Digest:
    """Put a model into a fake registry under the tag v1."""
    for content in files.values():
        fake.add_blob(content)
    return fake.add(manifest_of([layer(path, content, chunk=chunk) for path, content in files.items()]))


def offer_packed(fake: FakeRegistry, files: Mapping[str, bytes], codec: str) -> Digest:
    """Put a model into a fake registry as one archive behind a codec, in two layers where it has two files or more."""
    names = sorted(files)
    layers = []
    for share in filter(None, (names[::2], names[1::2])):
        content = CODECS[codec](tar_of({name: files[name] for name in share}))
        fake.add_blob(content)
        layers.append(
            Descriptor(media_type=layer_type("weight", f"tar{codec}"), digest=Digest.of(content), size=len(content))
        )
    return fake.add(manifest_of(layers))


def put_manifest(pusher: Pusher, manifest: Manifest) -> Digest:
    """Write a manifest under the pusher's own tag."""
    return pusher.put_document(Document.parse(manifest.to_bytes()), pusher.tag)
