"""Which tool's artifact a manifest is, and which files its layers become.

1. The artifact type tells the family; where it does not, the config's type; where that does not, the layers' types.
2. The family's own module makes the parts.
3. Two parts must not claim one path, and one blob must not be described in two ways.

Tests: tests/puller/artifact/test_writers.py
"""

from collections.abc import Callable, Iterable

from puller.errors import BadArtifact
from registry.annotations import HUB_ARTIFACT_TYPE, TITLE
from registry.manifest import Manifest
from registry.paths import parents

from . import docker, generic, image, modelkit, modelpack, ollama
from .part import LayerKind, ParsedArtifact, Part

_KITFILES = ("ml.kitops.modelkit.kitfile", "org.kitops.modelkit.kitfile")
"""The annotations in which kit stores its Kitfile in a ModelPack."""


def read_form(manifest: Manifest, read_config: Callable[[], bytes]) -> ParsedArtifact:
    """Return an artifact's parts; `read_config` is called where the config names the files, or tells what layers are.

    Raises UnsupportedLayer, BadArtifact, and what reading the config raises; names are judged of what is selected.
    """
    form = _form(manifest, read_config)
    if not form.parts and not form.parent:
        raise BadArtifact("the artifact holds no files")
    check(form.parts)
    return form


def _form(manifest: Manifest, read_config: Callable[[], bytes]) -> ParsedArtifact:
    if _is_of(manifest, modelpack.PREFIXES):
        kept = next((manifest.annotations[key] for key in _KITFILES if key in manifest.annotations), "")
        parent = modelkit.parent_of(manifest, kept.encode(errors="replace")) if kept else ""
        return ParsedArtifact(kind="ModelPack", parts=modelpack.parts_of(manifest), parent=parent)
    if _is_of(manifest, modelkit.PREFIXES):
        kitfile = read_config()
        parent = modelkit.parent_of(manifest, kitfile)
        return ParsedArtifact(kind="KitOps ModelKit", parts=modelkit.parts_of(manifest, kitfile), parent=parent)
    if _is_of(manifest, docker.PREFIXES):
        return ParsedArtifact(kind="Docker model", parts=docker.parts_of(manifest))
    if _is_of(manifest, ollama.PREFIXES):
        return ParsedArtifact(kind="Ollama model", parts=ollama.parts_of(manifest))
    if image.is_image(manifest) and (not all(_has_title(manifest)) or _is_titled_image(manifest, read_config)):
        return ParsedArtifact(kind="image", parts=image.parts_of(manifest), is_image=True)
    kind = "Hugging Face repository" if manifest.artifact_type == HUB_ARTIFACT_TYPE else manifest.artifact_type
    return ParsedArtifact(kind=kind or "artifact", parts=generic.parts_of(manifest))


def _is_of(manifest: Manifest, prefixes: tuple[str, ...]) -> bool:
    """Return whether a manifest is of the family with these media types."""
    if f"{manifest.artifact_type}.".startswith(prefixes) or manifest.config.media_type.startswith(prefixes):
        return True
    layers = [layer.media_type.startswith(prefixes) for layer in manifest.layers]
    return sum(layers) * 2 > len(layers)


def _has_title(manifest: Manifest) -> Iterable[bool]:
    return [bool(layer.annotations.get(TITLE)) for layer in manifest.layers] or [False]


def _is_titled_image(manifest: Manifest, read_config: Callable[[], bytes]) -> bool:
    """Return whether layers that all have titles are an image's; the config is read where nothing else tells."""
    if manifest.artifact_type or any(generic.UNPACK in layer.annotations for layer in manifest.layers):
        return False
    return image.has_file_system(manifest, read_config())


def check(parts: Iterable[Part]) -> None:
    """Raise BadArtifact when two parts conflict, by their paths or by their blobs."""
    parts = tuple(parts)
    _check_places(parts)
    _check_blobs(parts)


def _check_blobs(parts: Iterable[Part]) -> None:
    """Raise BadArtifact when one blob is described in two ways, because it is fetched and unpacked once."""
    known: dict[object, Part] = {}
    for part in parts:
        first = known.setdefault(part.layer.digest, part)
        if first.layer.size != part.layer.size:
            raise BadArtifact(f"{part.layer.digest}: has different sizes in one manifest")
        if (first.shape, first.content_digest) != (part.shape, part.content_digest):
            raise BadArtifact(
                f"{part.layer.digest}: is {first.shape.value} in one layer, {part.shape.value} in another"
            )


def _check_places(parts: Iterable[Part]) -> None:
    """Raise BadArtifact when two files claim one path, or one file's path is the folder of another."""
    places: dict[str, object] = {}
    for part in parts:
        if part.shape is not LayerKind.ARCHIVE and places.setdefault(part.path, part.layer.digest) != part.layer.digest:
            raise BadArtifact(f"two layers claim the file {part.path!r}")
    for path in places:
        for folder in parents(path):
            if folder in places:
                raise BadArtifact(f"{folder!r} is a file and the folder of {path!r}")
