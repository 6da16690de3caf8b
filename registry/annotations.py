"""The names of CNCF ModelPack (model-spec v0.0.7).

Tests: tests/packer/test_push.py
"""

from oras.defaults import annotation_title

from .manifest import Descriptor

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
TITLE: str = annotation_title
FILEPATH = "org.cncf.model.filepath"
FILEPATHS = (FILEPATH, "org.cnai.model.filepath")  # the second is the same, before the project joined the CNCF
FILE_METADATA = "org.cncf.model.file.metadata+json"
METADATAS = (FILE_METADATA, "org.cnai.model.file.metadata+json")
UNTESTED = "org.cncf.model.file.mediatype.untested"


def layer_type(category: str, codec: str) -> str:
    """Return a layer's media type: `weight`, `weight.config`, `doc`, `code` or `dataset`; then `raw`, `tar`, …."""
    return f"application/vnd.cncf.model.{category}.v1.{codec}"


HUB_ARTIFACT_TYPE = "application/vnd.weighbridge.hub.snapshot.v1+json"
"""What a repository of the Hugging Face hub is presented as."""


def file_name(layer: Descriptor) -> str | None:
    """Return the file name in a layer's annotations, which may be empty; None where they have none."""
    told = [layer.annotations[key] for key in (*FILEPATHS, TITLE) if key in layer.annotations]
    return next(filter(None, told), "" if told else None)
