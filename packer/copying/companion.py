"""What cosign keeps under a tag made of a digest, written beside what the target holds there: its own signatures.

Tests: tests/packer/test_copying.py
"""

from collections.abc import Sequence
from dataclasses import replace

from packer.cosign_config import cosign_config
from registry.digest import Digest
from registry.documents.document import Document
from registry.errors import BadLayout, BadManifest, Fault, NotFound, Unauthorized
from registry.manifest import IMAGE_CONFIG_TYPE, Descriptor, Manifest
from registry.repository import Pusher

_LISTS = (".sig", ".att")
"""The suffixes of the tags whose layers are one statement each, so that there may be more of them."""


def put_companion(target: Pusher, tag: str, document: Document, root: Document) -> str:
    """Write a document under a tag; return a text on what the target held there, empty where that is of no interest.

    Nothing that the target holds is lost: layers are added to its own, and what has no such layers stays as it is.
    `root` is the artifact's own document. Raises the network's errors.
    """
    words = ""
    try:
        held = _stored(target, tag)
    except BadManifest as error:
        return f"left alone: {tag}, under which the target holds what cannot be read ({error})"
    except Unauthorized as refusal:
        held = _stored_despite(refusal, target, tag, root)
        words = f"taken as not there: {tag}, for the target shows the artifact itself and refuses this tag ({refusal})"
    if held is None:
        target.put_document(document, tag)
        return words
    if held.digest == document.digest:
        return ""
    ours, theirs = document.parsed, held.parsed
    if not isinstance(ours, Manifest) or not isinstance(theirs, Manifest) or not tag.endswith(_LISTS):
        return f"left alone: {tag}, under which the target holds another document"
    added = [layer for layer in ours.layers if not _is_among(layer, theirs.layers)]
    if added:
        _write(target, tag, replace(theirs, layers=(*theirs.layers, *added)))
    kept = sum(not _is_among(layer, ours.layers) for layer in theirs.layers)
    return f"{tag}: {kept} of the target's own stay beside those that were copied" if kept else ""


def _stored(target: Pusher, tag: str) -> Document | None:
    try:
        return target.stored(tag)
    except (NotFound, BadLayout):
        return None


def _stored_despite(refusal: Unauthorized, target: Pusher, tag: str, root: Document) -> Document | None:
    """Return what the target holds under a tag that it refused: nothing, if it shows the artifact and refuses again.

    Some registries refuse a tag that is absent; another one may have refused for a moment, or refuse all that is read.
    """
    try:
        target.put_document(root)
        target.stored(str(root.digest))
    except Fault:
        raise refusal from None
    try:
        return _stored(target, tag)
    except Unauthorized:
        return None


def _is_among(layer: Descriptor, layers: Sequence[Descriptor]) -> bool:
    """Return whether a layer is among others, which is so for the same bytes with the same signature."""
    return any(one.digest == layer.digest and one.annotations == layer.annotations for one in layers)


def _write(target: Pusher, tag: str, manifest: Manifest) -> None:
    config = cosign_config(manifest.layers)
    digest = Digest.of(config)
    if not target.has(digest, len(config)):
        target.put(config, digest)
    described = Descriptor(media_type=IMAGE_CONFIG_TYPE, digest=digest, size=len(config))
    target.put_document(Document.parse(replace(manifest, config=described).to_bytes()), tag)
