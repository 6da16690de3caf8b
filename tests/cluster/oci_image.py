"""Container images put together from files, as archives in the OCI layout that `ctr images import` takes."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

Files = Mapping[str, bytes | Path]
"""What a layer holds, by path without a slash at the start; a Path is a file or a folder of this machine."""


@dataclass(frozen=True)
class Image:
    """An image in an archive, with the one manifest that it has."""

    archive: Path
    entry: Mapping[str, Any]
    """The manifest's descriptor."""

    manifest: Mapping[str, Any]
    config: dict[str, Any]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The layers' descriptors."""
        found: list[dict[str, Any]] = self.manifest["layers"]
        return found

    def open(self, digest: str) -> io.BytesIO:
        """Return a blob's content."""
        with tarfile.open(self.archive) as archive:
            return io.BytesIO(_content(archive, _blob(digest)))


def read_image(path: Path) -> Image:
    """Return the image in an archive."""
    with tarfile.open(path) as archive:
        (entry,) = json.loads(_content(archive, "index.json"))["manifests"]
        manifest = json.loads(_content(archive, _blob(entry["digest"])))
        return Image(path, entry, manifest, json.loads(_content(archive, _blob(manifest["config"]["digest"]))))


def write_image(target: Path, name: str, files: Files, command: Sequence[str], base: Path | None = None) -> None:
    """Write an image of one layer of programs, above those of `base`, an archive of the same form."""
    blobs: dict[str, bytes] = {}
    config: dict[str, Any] = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}
    config["architecture"] = _ARCHITECTURES.get(platform.machine(), platform.machine())
    layers: list[dict[str, Any]] = []
    if base is not None:
        image = read_image(base)
        config, layers = image.config, image.layers
        blobs = {layer["digest"]: image.open(layer["digest"]).getvalue() for layer in layers}
        config.pop("history", None)  # it has an entry a layer
    layer = _tar(files, 0o755)
    config["rootfs"]["diff_ids"].append(_digest(layer))
    config["config"] |= {"Entrypoint": list(command)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _add(blobs, _CONFIG, _json(config)),
        "layers": [*layers, _add(blobs, _LAYER, layer)],
    }
    _write_layout(target, blobs, _named(_add(blobs, _MANIFEST, _json(manifest)), name))


def rename_image(target: Path, name: str, base: Path) -> None:
    """Write `base`, an archive of the same form, under another name."""
    image = read_image(base)
    digests = [image.entry["digest"], image.manifest["config"]["digest"], *(layer["digest"] for layer in image.layers)]
    _write_layout(target, {digest: image.open(digest).getvalue() for digest in digests}, _named(image.entry, name))


def _named(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**entry, "annotations": {"io.containerd.image.name": name}}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    assert found is not None, f"{name} is no file"
    return found.read()


def _write_layout(target: Path, blobs: Mapping[str, bytes], entry: Mapping[str, Any]) -> None:
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
    contents = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index)}
    contents |= {_blob(digest): content for digest, content in blobs.items()}
    target.write_bytes(_tar(contents, 0o644))


def _tar(files: Files, mode: int) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, content in sorted(files.items()):
            if isinstance(content, Path):
                archive.add(content, name, filter=_plain)
                continue
            header = tarfile.TarInfo(name)
            header.size, header.mode = len(content), mode
            archive.addfile(header, io.BytesIO(content))
    return output.getvalue()


def _plain(header: tarfile.TarInfo) -> tarfile.TarInfo:
    header.uid = header.gid = header.mtime = 0
    header.uname = header.gname = ""
    return header


def _add(blobs: dict[str, bytes], media_type: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    blobs[digest] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
