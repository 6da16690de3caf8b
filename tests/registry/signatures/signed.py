"""A signed model in a fake registry, in each form, and what its parts are, so that a test may harm any of them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from registry.digest import Digest
from registry.manifest import MANIFEST_TYPE, Descriptor, Index, Manifest, parse_manifest
from registry.signatures.cosign import PAYLOAD_TYPE, PREDICATE, SIGNATURE, tag_for
from registry.signatures.model_signing import PREDICATE as MODEL_PREDICATE
from tests.fakes.registry import FakeRegistry
from tests.fakes.sigstore import BUNDLE_TYPE, Key, Sigstore, key_bundle, new_key, public_pem, signed_by, statement
from tests.puller.models import noise, offer

MODEL = {"config.json": b"{}", "model.safetensors": noise(200_000)}
_CONFIG = b'{"rootfs": {}}'


@dataclass
class Signed:
    """What a signature is made of. `fake` holds the model under team/model:v1."""

    fake: FakeRegistry
    key: Key = field(default_factory=new_key)
    sigstore: Sigstore = field(default_factory=Sigstore)
    digest: Digest = field(init=False)

    def __post_init__(self) -> None:
        self.digest = offer(self.fake, MODEL)

    @property
    def policy(self) -> str:
        """Return a policy that requires the key, or a certificate of the instance."""
        return policy([public_pem(self.key)], self.sigstore.trust_root())

    def cosign(self, digest: Digest | None = None, key: Key | None = None) -> None:
        """Sign in cosign's classic form."""
        self.put_classic(self.payload(digest), key)

    def payload(self, digest: Digest | None = None) -> bytes:
        """Return what cosign signs."""
        critical = {"identity": {}, "image": {"docker-manifest-digest": str(digest or self.digest)}, "type": "cosign"}
        return json.dumps({"critical": critical, "optional": None}).encode()

    def put_classic(
        self, payload: bytes, key: Key | None = None, *, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Put a payload with its signature under cosign's tag, unless `annotations` say another one."""
        signature = base64.b64encode(signed_by(key or self.key, payload)).decode()
        one = self._blob(payload, PAYLOAD_TYPE, {SIGNATURE: signature, **(annotations or {})})
        self.fake.add(self._manifest(one), tag_for(self.digest))

    def bundle(self, digest: Digest | None = None, key: Key | None = None) -> dict[str, Any]:
        """Return a bundle of cosign 3 by a key."""
        return key_bundle(key or self.key, self.statement(digest))

    def statement(self, digest: Digest | None = None, predicate: str = PREDICATE) -> bytes:
        """Return what cosign 3 signs."""
        return statement((digest or self.digest).hex, predicate, {})

    def certified(self, **options: Any) -> dict[str, Any]:
        """Return a bundle of cosign 3 by a certificate."""
        return self.sigstore.bundle(self.statement(), **options)

    def attach(self, bundle: object) -> None:
        """Attach a bundle as a referrer, by the tag schema."""
        self.put_list(self.listed(bundle))

    def listed(self, content: object, kind: str = BUNDLE_TYPE) -> Descriptor:
        """Put a manifest of one layer, and return it as a list of referrers has it."""
        layer = self._blob(content if isinstance(content, bytes) else json.dumps(content).encode(), kind)
        found = self.fake.add(self._manifest(layer), "")
        size = len(self.fake.manifests[str(found)])
        return Descriptor(media_type=MANIFEST_TYPE, digest=found, size=size, artifact_type=kind)

    def layer_of(self, listed: Descriptor) -> Digest:
        """Return the digest of a manifest's only layer."""
        found = parse_manifest(self.fake.manifests[str(listed.digest)])
        assert isinstance(found, Manifest)
        return found.layers[0].digest

    def put_list(self, *listed: Descriptor) -> None:
        """List manifests as the model's referrers, by the tag schema."""
        self.fake.manifests[f"sha256-{self.digest.hex}"] = Index(manifests=listed).to_bytes()

    def model_signature(self, files: dict[str, bytes], key: Key | None = None, **predicate: Any) -> bytes:
        """Return a model.sig of files."""
        digests = {path: sha256(content).digest() for path, content in files.items()}
        resources = [{"name": path, "digest": one.hex(), "algorithm": "sha256"} for path, one in digests.items()]
        root = sha256(b"".join(digests.values())).hexdigest()
        found = {"resources": resources, "serialization": {"method": "files", "hash_type": "sha256"}, **predicate}
        return json.dumps(key_bundle(key or self.key, statement(root, MODEL_PREDICATE, found))).encode()

    def offer_with(self, signature: bytes, files: dict[str, bytes] | None = None) -> None:
        """Put the model anew, with a model.sig among its files."""
        held = {**(MODEL if files is None else files), "model.sig": signature}
        self.digest = offer(self.fake, held)

    def _blob(self, content: bytes, media_type: str, annotations: dict[str, str] | None = None) -> Descriptor:
        digest = self.fake.add_blob(content)
        return Descriptor(media_type=media_type, digest=digest, size=len(content), annotations=annotations or {})

    def _manifest(self, *layers: Descriptor) -> Manifest:
        return Manifest(config=self._blob(_CONFIG, "application/vnd.oci.image.config.v1+json"), layers=layers)


def policy(keys: list[str], trust_root: str = "", subject: str = "https://ci.example/team/model") -> str:
    """Return a policy that requires a signature of every source."""
    who = f'{{issuer = "https://issuer.example", subject = "{subject}"}}'
    certified = f", signatories = [{who}], trust-root = {json.dumps(trust_root)}" if trust_root else ""
    return f'_default = {{mode = "require", keys = {json.dumps(keys)}{certified}}}'
