"""Images with weights in them, in the layouts of KAITO's chart, written as OCI layouts on disk.

A layer is what buildah or BuildKit would make: a tar of files, as it is or compressed by gzip or zstd.
"""

import gzip
import hashlib
import json
import platform
import random
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from registry.digest import Digest

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_STEP, _RUN = 1 << 20, 256

KINDS = ("tar", "gzip", "zstd")
"""The suffixes of a layer's media type."""

_GZIP_LEVEL, _ZSTD_LEVEL = 1, 3
"""gzip's decides the time to build, and hardly the size (80 % of bf16, 79.6 % at level 6) or the time to unpack; 3 is
BuildKit's default for zstd."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's blob."""

    path: Path
    descriptor: dict[str, Any]
    diff_id: str
    """The digest of the tar in it."""


def make_layer(files: Iterable[tuple[str, Path]], kind: str, scratch: Path) -> Layer:
    """Write a layer of files, each with its path in the image; `kind` is one of KINDS."""
    scratch.mkdir(parents=True, exist_ok=True)
    plain = scratch / "layer.tar"
    with tarfile.open(plain, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in files:
            archive.add(path, name, filter=_plain)
    diff_id = _digest_of(plain)
    packed = plain if kind == "tar" else _pack(plain, kind, scratch / "layer.packed")
    digest = _digest_of(packed)
    blob = packed.rename(scratch / digest.removeprefix("sha256:"))
    media_type = _LAYER if kind == "tar" else f"{_LAYER}+{kind}"
    return Layer(blob, {"mediaType": media_type, "digest": digest, "size": blob.stat().st_size}, diff_id)


def write_layout(layers: Sequence[Layer], folder: Path, tag: str) -> str:
    """Write an image of layers as an OCI layout, and return its source for `weighbridge copy`."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for layer in layers:
        (blobs / layer.path.name).hardlink_to(layer.path)
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    history = [{"created_by": "the evaluation"} for _ in layers]
    config = {
        "os": "linux",
        "architecture": machine,
        "rootfs": rootfs,
        "history": history,
        "config": {"Entrypoint": ["/engine"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _add(blobs, _CONFIG, config),
        "layers": [layer.descriptor for layer in layers],
    }
    entry = _add(blobs, _MANIFEST, manifest) | {"annotations": {"org.opencontainers.image.ref.name": tag}}
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"layout://{folder}:{tag}"


def write_base_content(size: int, seed: int, target: Path) -> Path:
    """Write a file that compresses to about a half, as programs and libraries do; each `seed` makes another one."""
    noise = random.Random(seed)  # noqa: S311 - bytes that must be the same each time
    with target.open("wb") as file:
        for _ in range(size // _STEP):
            runs = (noise.randbytes(_RUN) * 2 for _ in range(_STEP // _RUN // 2))
            file.write(b"".join(runs))
    return target


def _pack(plain: Path, kind: str, target: Path) -> Path:
    """Compress a file in place of which the target remains."""
    with plain.open("rb") as source, target.open("wb") as output:
        if kind == "gzip":
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, output, mtime=0) as packed:
                shutil.copyfileobj(source, packed, _STEP)
        else:
            zstandard.ZstdCompressor(level=_ZSTD_LEVEL).copy_stream(source, output)
    plain.unlink()
    return target


def _plain(header: tarfile.TarInfo) -> tarfile.TarInfo:
    header.uid = header.gid = header.mtime = 0
    header.uname = header.gname = ""
    header.mode = 0o755 if header.isdir() or header.mode & 0o100 else 0o644
    return header


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _add(blobs: Path, media_type: str, document: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(document).encode()
    digest = Digest.of(content)
    (blobs / str(digest).removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": str(digest), "size": len(content)}
