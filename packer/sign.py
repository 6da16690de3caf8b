"""A signature of an artifact, under the tag where cosign looks for it (classic; SIGNATURE_SPEC.md).

It is written before the artifact's own tag moves, so that the tag never leads to an artifact without its signature.
Signatures that are there already stay beside it; which these are the registry itself says, for a mirror may be stale.
"""

import json
from base64 import b64encode
from collections.abc import Callable

from registry.access.access import Access
from registry.digest import Digest
from registry.documents.document import Document
from registry.errors import BadLayout, Fault, NotFound, Unauthorized
from registry.manifest import IMAGE_CONFIG_TYPE, Descriptor, Manifest
from registry.open import open_pusher, open_upstream
from registry.repository import Pusher, Repository
from registry.signatures.cosign import PAYLOAD_TYPE, SIGNATURE, signature_of, tag_for
from registry.signatures.keys import PublicKey
from registry.source import LayoutSource, OciSource

from .cosign_config import cosign_config
from .signing_key import SigningKey

_PAYLOAD_LIMIT = 64 << 10


def sign(
    key: SigningKey,
    source: OciSource | LayoutSource,
    digest: Digest,
    access: Access,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Sign a digest, beside the signatures that the source's repository holds for it, unless the key did so already.

    `say` is called where a registry does not answer plainly that it holds none. Raises the network's errors.
    """
    place = _place(source, tag_for(digest))
    repository, pusher = open_upstream(place, access), open_pusher(place, access)
    payload = _payload(source, digest)
    layer = Descriptor(
        media_type=PAYLOAD_TYPE,
        digest=Digest.of(payload),
        size=len(payload),
        annotations={SIGNATURE: b64encode(key.sign(payload)).decode()},
    )
    try:
        held = _held(repository)
    except Unauthorized as error:
        _put(pusher, payload, layer)
        held = _held_despite(error, repository, pusher, layer)
        if not held:
            say(f"taken as signed by nobody yet, for other manifests of the repository can be read: {error}")
    if any(_is_ours(repository, one, key.public, payload) for one in held):
        return
    _put(pusher, payload, layer)
    pusher.put_document(_document(pusher, (*held, layer)), pusher.tag)


def _place(source: OciSource | LayoutSource, tag: str) -> OciSource | LayoutSource:
    if isinstance(source, LayoutSource):
        return LayoutSource(source.directory, tag)
    return OciSource(source.reference._replace(tag=tag, digest=None))


def _payload(source: OciSource | LayoutSource, digest: Digest) -> bytes:
    """Return what is signed: a digest, and the name of its repository, which no reader believes."""
    reference = source.reference if isinstance(source, OciSource) else None
    name = f"{reference.registry}/{reference.repository}" if reference else str(source)
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": str(digest)},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def _held(repository: Repository) -> tuple[Descriptor, ...]:
    try:
        return repository.resolve().manifest.layers
    except (NotFound, BadLayout):  # a layout that is not there yet
        return ()


def _held_despite(
    refusal: Unauthorized, repository: Repository, pusher: Pusher, layer: Descriptor
) -> tuple[Descriptor, ...]:
    """Return what a tag holds that was refused: nothing, if another manifest is shown, and the tag is refused again.

    Some registries answer so for tags that are absent, and another one for all to a caller that may only write, or for
    a moment. Raises the refusal where no manifest is shown.
    """
    document = _document(pusher, (layer,))
    pusher.put_document(document)
    try:
        pusher.stored(str(document.digest))
    except Fault:
        raise refusal from None
    try:
        return _held(repository)
    except Unauthorized:
        return ()


def _document(pusher: Pusher, layers: tuple[Descriptor, ...]) -> Document:
    """Return the manifest of signatures; its config is there then."""
    config = cosign_config(layers)
    described = Descriptor(media_type=IMAGE_CONFIG_TYPE, digest=Digest.of(config), size=len(config))
    _put(pusher, config, described)
    return Document.parse(Manifest(config=described, layers=layers).to_bytes())


def _put(pusher: Pusher, content: bytes, described: Descriptor) -> None:
    if not pusher.has(described.digest, described.size):
        pusher.put(content, described.digest)


def _is_ours(repository: Repository, layer: Descriptor, key: PublicKey, payload: bytes) -> bool:
    if layer.media_type != PAYLOAD_TYPE or layer.digest != Digest.of(payload):
        return False
    return key.signed(repository.read(layer, _PAYLOAD_LIMIT), signature_of(layer))
