"""Container images put together from files, as archives in the OCI layout that `ctr images import` takes."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

Files = Mapping[str, bytes | Path]
"""What a layer holds, by path without a slash at the start; a Path is a file or a folder of this machine."""


def write_image(
    target: Path, name: str, files: Files, command: Sequence[str], base: Path | None = None, mode: int = 0o755
) -> None:
    """Write an image of one layer, above those of `base`, an archive of the same form.

    The same files make the same digest.
    """
    blobs: dict[str, bytes] = {}
    config: dict[str, Any] = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}
    config["architecture"] = _ARCHITECTURES.get(platform.machine(), platform.machine())
    layers: list[dict[str, Any]] = []
    if base is not None:
        config, layers, blobs = _read_image(base)
    layer = _tar(files, mode)
    layers = [*layers, _add(blobs, _LAYER, layer)]
    config["rootfs"]["diff_ids"].append(_digest(layer))
    config.pop("history", None)
    config["config"]["Entrypoint"] = list(command)
    config["config"].pop("Cmd", None)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _add(blobs, _CONFIG, _json(config)),
        "layers": layers,
    }
    entry = _add(blobs, _MANIFEST, _json(manifest)) | {"annotations": {"io.containerd.image.name": name}}
    _write_layout(target, blobs, entry)


def rename_image(target: Path, name: str, base: Path) -> None:
    """Write `base`, an archive of the same form, under another name."""
    with tarfile.open(base) as archive:
        index = json.load(_member(archive, "index.json"))
        blobs = {
            one.name.replace("blobs/sha256/", "sha256:"): _member(archive, one.name).read()
            for one in archive
            if one.isfile() and one.name.startswith("blobs/")
        }
    (entry,) = index["manifests"]
    _write_layout(target, blobs, entry | {"annotations": {"io.containerd.image.name": name}})


def _read_image(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]:
    with tarfile.open(path) as archive:

        def blob(digest: str) -> bytes:
            return _member(archive, f"blobs/{digest.replace(':', '/')}").read()

        (entry,) = json.load(_member(archive, "index.json"))["manifests"]
        manifest = json.loads(blob(entry["digest"]))
        blobs = {layer["digest"]: blob(layer["digest"]) for layer in manifest["layers"]}
        return json.loads(blob(manifest["config"]["digest"])), manifest["layers"], blobs


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    found = archive.extractfile(name)
    assert found is not None, f"{name} is no file"
    return found  # type: ignore[return-value]  # typeshed says IO[bytes]


def _write_layout(target: Path, blobs: Mapping[str, bytes], entry: Mapping[str, Any]) -> None:
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
    contents = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index)}
    contents |= {f"blobs/{digest.replace(':', '/')}": content for digest, content in blobs.items()}
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
