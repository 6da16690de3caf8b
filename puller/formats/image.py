"""OCI and Docker images: a model in a folder of an image's file system (KServe modelcar, KAITO, RamaLama)."""

from registry.manifest import Manifest

from .part import Part, Shape

CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")

ROOTS = ("models", "model", "data")
"""Where packers put a model, the likeliest first: modelcars, others, KAITO's adapters."""


def is_image(manifest: Manifest) -> bool:
    """Tell whether an artifact is an image: its config says so, and its layers are a file system's."""
    is_configured = manifest.config.media_type in CONFIGS
    return is_configured and all(layer.media_type.startswith(_LAYERS) for layer in manifest.layers)


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Give the parts, each over those before it."""
    return tuple(Part(layer=layer, number=number, shape=Shape.ARCHIVE) for number, layer in enumerate(manifest.layers))
