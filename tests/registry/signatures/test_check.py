"""Only a signature of this very digest, or of these very files, by somebody whom the policy names, lets a pull begin.

Each case makes one artifact in a fake registry; where it is refused no byte of a weight was asked for.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.annotations import FILEPATH, layer_type
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Mismatch
from registry.http.transport import Transport
from registry.manifest import Descriptor, Manifest, parse_manifest
from registry.progress.reporter import QuietReporter
from registry.signatures.cosign import BUNDLE, CERTIFICATE, SIGNATURE, tag_for
from registry.signatures.errors import BadSignature
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.fakes.sigstore import Sigstore, key_bundle, new_key, statement
from tests.puller.models import layer, manifest_of, noise, read_tree
from tests.puller.packs import tar_of

from .signed import MODEL, Signed

OTHER = Digest.of(b"another artifact")
_VERSION_THREE = b"\xa0\x03\x02\x01\x02"  # the explicit version of a certificate (RFC 5280 4.1)
INVALID, MISSING, UNTRUSTED = "signature.invalid", "signature.missing", "signature.untrusted"


@pytest.fixture
def signed() -> Iterator[Signed]:
    """Serve a model that nobody signed yet."""
    with fake_registry() as fake:
        yield Signed(fake)


def pulled(signed: Signed, folder: Path, **changes: Any) -> dict[str, bytes]:
    """Pull the model under the policy; return its files."""
    given = {"source": signed.fake.reference(), "destination": str(folder / "model"), "signatures": signed.policy}
    settings = Settings(**{**given, **changes})
    transport = Transport(proxies={}, timeout_seconds=5)
    with Access(transport=transport, credentials=Credentials(), patience=HASTY) as access:
        pull(settings, access, QuietReporter())
    return read_tree(folder / "model")


def weights_asked(fake: FakeRegistry) -> int:
    """Return how often the weights' blob was asked for."""
    digest = str(Digest.of(MODEL["model.safetensors"]))
    return sum(digest in request.path for request in fake.requests)


def second_signature(signed: Signed) -> None:
    """Sign by a stranger, then by the key: as two teams do."""
    signed.attach(signed.bundle(key=new_key()))
    signed.cosign()


def broken_beside(signed: Signed) -> None:
    """Attach a bundle that cannot be read, beside a good signature."""
    signed.attach(b"{")
    signed.cosign()


def put_certified(signed: Signed, instance: Sigstore, digest: Digest | None = None, **options: Any) -> None:
    """Sign in cosign's classic form, by a certificate of an instance."""
    payload = signed.payload(digest)
    signed.put_classic(payload, annotations=instance.classic(payload, **options))


GOOD: dict[str, Callable[[Signed], None]] = {
    "cosign, classic": lambda signed: signed.cosign(),
    "cosign, classic by a certificate": lambda signed: put_certified(signed, signed.sigstore),
    "cosign, bundle": lambda signed: signed.attach(signed.bundle()),
    "cosign, bundle by a certificate": lambda signed: signed.attach(signed.certified()),
    "model signing": lambda signed: signed.offer_with(signed.model_signature(MODEL)),
    "model signing by a certificate": lambda signed: signed.offer_with(
        json.dumps(signed.sigstore.bundle(_model_statement(signed))).encode()
    ),
    "a stranger's beside it": second_signature,
    "a broken one beside it": broken_beside,
}


def _model_statement(signed: Signed) -> bytes:
    envelope = json.loads(signed.model_signature(MODEL))["dsseEnvelope"]
    return base64.b64decode(envelope["payload"])


@pytest.mark.parametrize("sign", GOOD.values(), ids=GOOD)
def test_a_good_signature_in_any_form_lets_the_pull_begin(
    signed: Signed, tmp_path: Path, sign: Callable[[Signed], None]
) -> None:
    """The files come, and the receipt says who signed them."""
    sign(signed)
    found = pulled(signed, tmp_path)
    assert {path: content for path, content in found.items() if path != "model.sig"} == MODEL
    receipt = json.loads((tmp_path / ".weighbridge/model/receipt").read_text())
    assert len(receipt["signers"]) == 1
    assert receipt["signature_mark"]


def bundle_with(change: Callable[[dict[str, Any]], object]) -> Callable[[Signed], None]:
    """Return a case whose bundle, by the key, is changed after it was signed."""

    def sign(signed: Signed) -> None:
        found = signed.bundle()
        change(found)
        signed.attach(found)

    return sign


def certified_with(change: Callable[[dict[str, Any]], object]) -> Callable[[Signed], None]:
    """Return a case whose bundle, by a certificate, is changed after it was signed."""

    def sign(signed: Signed) -> None:
        found = signed.certified()
        change(found)
        signed.attach(found)

    return sign


def promised_with(change: Callable[[dict[str, Any], dict[str, str]], object]) -> Callable[[Signed], None]:
    """Return a case of the classic form whose annotations, and the log's promise in them, are changed afterwards."""

    def sign(signed: Signed) -> None:
        payload = signed.payload()
        annotations = signed.sigstore.classic(payload)
        bundle = json.loads(annotations.pop(BUNDLE))
        change(bundle, annotations)
        signed.put_classic(payload, annotations={BUNDLE: json.dumps(bundle), **annotations})

    return sign


def _parts_of_another(*names: str) -> Callable[[Signed], None]:
    """Return a case of the classic form with some annotations of another good signature of the same payload."""

    def sign(signed: Signed) -> None:
        payload = signed.payload()
        one, other = signed.sigstore.classic(payload), signed.sigstore.classic(payload)
        signed.put_classic(payload, annotations={**one, **{name: other[name] for name in names}})

    return sign


def _promise_of_another_payload(signed: Signed) -> None:
    """Sign well by a certificate, with the log's promise for other bytes under the same key: CVE-2022-36056."""
    good = signed.sigstore.classic(signed.payload(OTHER))
    signed.put_classic(signed.payload(), annotations=good)


def model_sig(change: Callable[[Signed], bytes], files: dict[str, bytes] | None = None) -> Callable[[Signed], None]:
    """Return a case whose model.sig is what `change` makes; the artifact holds `files`, or the model's."""
    return lambda signed: signed.offer_with(change(signed), files)


def _entry(bundle: dict[str, Any]) -> Any:
    return bundle["verificationMaterial"]["tlogEntries"][0]


def _other(text: str) -> str:
    """Return the base64 text of other bytes of the same length."""
    content = base64.b64decode(text)
    return base64.b64encode(content[:-1] + bytes([content[-1] ^ 1])).decode()


def _harm(bundle: dict[str, Any], *path: str | int) -> None:
    """Change the bytes at a path."""
    place: Any = bundle
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = _other(place[path[-1]])


def _of_version_ten(bundle: dict[str, Any]) -> None:
    """Make the certificate one of a version that there is not: its library then raises an error of its own kind."""
    place = bundle["verificationMaterial"]["certificate"]
    content = base64.b64decode(place["rawBytes"])
    assert _VERSION_THREE in content
    place["rawBytes"] = base64.b64encode(content.replace(_VERSION_THREE, _VERSION_THREE[:-1] + b"\x09")).decode()


def two_subjects(signed: Signed) -> None:
    """Attach a statement about two artifacts, none of them ours."""
    found = json.loads(signed.statement(OTHER))
    found["subject"].append({"name": "b", "digest": {"sha512": signed.digest.hex}})
    signed.attach(key_bundle(signed.key, json.dumps(found).encode()))


def classic_with(annotation: str) -> Callable[[Signed], None]:
    """Return a case whose classic signature is a text."""
    return lambda signed: signed.put_classic(signed.payload(), annotations={SIGNATURE: annotation})


def classic_payload(content: bytes) -> Callable[[Signed], None]:
    """Return a case whose classic payload, well signed, is some bytes."""
    return lambda signed: signed.put_classic(content)


def served_otherwise(signed: Signed) -> None:
    """Sign well; the registry then serves other bytes under the signature's digest."""
    signed.cosign()
    manifest = json.loads(signed.fake.manifests[tag_for(signed.digest)])
    signed.fake.blobs[manifest["layers"][0]["digest"]] = b"x" * manifest["layers"][0]["size"]


def moved_signature(signed: Signed) -> None:
    """Put a good signature of another artifact under this one's tag."""
    signed.cosign(OTHER)


def wrong_manifest(signed: Signed) -> None:
    """Put a manifest under cosign's tag that is none."""
    signed.fake.manifests[tag_for(signed.digest)] = b"[]"


def _entry_of_another(signed: Signed) -> None:
    """Attach a bundle with the log's entry of another bundle."""
    one, other = signed.certified(), signed.certified()
    one["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    signed.attach(one)


def _certificate_of_another(signed: Signed) -> None:
    """Attach a bundle with the certificate of another one."""
    one, other = signed.certified(), signed.certified()
    one["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"]
    signed.attach(one)


def _instance(signed: Signed, key: str) -> Sigstore:
    """Return our instance, with a key of another one in place of one of ours."""
    return Sigstore(**{name: getattr(signed.sigstore, name) for name in ("ca_key", "ct_key", "log_key") if name != key})


def _by_another_instance(key: str) -> Callable[[Signed], None]:
    """Return a case whose bundle was made so."""
    return lambda signed: signed.attach(_instance(signed, key).bundle(signed.statement()))


def archive_beside(name: str, place: int) -> Callable[[Signed], None]:
    """Return a case of a good model signature, and an archive of a name at a place among the layers."""

    def sign(signed: Signed) -> None:
        signed.offer_with(signed.model_signature(MODEL))
        content = tar_of({"modeling.py": b"evil"})
        archive = Descriptor(
            media_type=layer_type("weight", "tar"),
            digest=signed.fake.add_blob(content),
            size=len(content),
            annotations={FILEPATH: name},
        )
        manifest = parse_manifest(signed.fake.manifests["v1"])
        assert isinstance(manifest, Manifest)
        layers = [*manifest.layers]
        layers.insert(place, archive)
        signed.digest = signed.fake.add(manifest_of(layers))

    return sign


OTHERS = {**MODEL, "config.json": b"[]"}
REFUSED: dict[str, tuple[str, Callable[[Signed], None]]] = {
    "nothing at all": (MISSING, lambda _: None),
    "an attestation alone": (
        INVALID,
        lambda signed: signed.attach(
            key_bundle(signed.key, signed.statement(predicate="https://slsa.dev/provenance/v1"))
        ),
    ),
    # cosign, classic
    "classic: another key": (UNTRUSTED, lambda signed: signed.cosign(key=new_key())),
    "classic: another digest": (INVALID, moved_signature),
    "classic: signature of other bytes": (UNTRUSTED, classic_with(base64.b64encode(b"0" * 70).decode())),
    "classic: signature empty": (UNTRUSTED, classic_with("")),
    "classic: signature no base64": (INVALID, classic_with("%%%")),
    "classic: payload no JSON": (INVALID, classic_payload(b"not json")),
    "classic: payload a list": (INVALID, classic_payload(b"[]")),
    "classic: payload without image": (INVALID, classic_payload(b'{"critical": {"identity": {}}}')),
    "classic: payload with a digest of null": (
        INVALID,
        classic_payload(b'{"critical": {"image": {"docker-manifest-digest": null}}}'),
    ),
    "classic: payload too deep": (INVALID, classic_payload(b"[" * 60_000)),
    "classic: payload too large": (INVALID, classic_payload(b" " * (1 << 17))),
    "classic: other bytes served": (INVALID, served_otherwise),
    "classic: manifest is none": (MISSING, wrong_manifest),
    # cosign, classic by a certificate
    "promise: another subject": (
        "signature.identity",
        lambda signed: put_certified(signed, signed.sigstore, subject="https://ci.example/team/other"),
    ),
    "promise: another issuer": (
        "signature.identity",
        lambda signed: put_certified(signed, signed.sigstore, issuer="https://evil.example"),
    ),
    "promise: expired when it was logged": (
        "signature.expired",
        lambda signed: put_certified(signed, signed.sigstore, life=timedelta(seconds=30)),
    ),
    "promise: another digest": (INVALID, lambda signed: put_certified(signed, signed.sigstore, digest=OTHER)),
    "promise: another instance": (UNTRUSTED, lambda signed: put_certified(signed, Sigstore())),
    "promise: another certificate log": (UNTRUSTED, lambda signed: put_certified(signed, _instance(signed, "ct_key"))),
    "promise: another log": (UNTRUSTED, lambda signed: put_certified(signed, _instance(signed, "log_key"))),
    "promise: another CA": (UNTRUSTED, lambda signed: put_certified(signed, _instance(signed, "ca_key"))),
    "promise: of another payload": (INVALID, _promise_of_another_payload),
    "promise: another's signature": (INVALID, _parts_of_another(SIGNATURE)),
    "promise: another's certificate": (INVALID, _parts_of_another(CERTIFICATE)),
    "promise: another's": (INVALID, _parts_of_another(BUNDLE)),
    "promise: another's signature and certificate": (INVALID, _parts_of_another(SIGNATURE, CERTIFICATE)),
    "promise: changed": (UNTRUSTED, promised_with(lambda one, _: _harm(one, "SignedEntryTimestamp"))),
    "promise: its time changed": (
        UNTRUSTED,
        promised_with(lambda one, _: one["Payload"].update(integratedTime=one["Payload"]["integratedTime"] + 1)),
    ),
    "promise: its index changed": (UNTRUSTED, promised_with(lambda one, _: one["Payload"].update(logIndex=8))),
    "promise: its time is none": (INVALID, promised_with(lambda one, _: one["Payload"].update(integratedTime=None))),
    "promise: its time is zero": (UNTRUSTED, promised_with(lambda one, _: one["Payload"].update(integratedTime=0))),
    "promise: no body": (INVALID, promised_with(lambda one, _: one["Payload"].pop("body"))),
    "promise: an entry of another kind": (
        INVALID,
        promised_with(lambda one, _: one["Payload"].update(body=base64.b64encode(b'{"spec": {}}').decode())),
    ),
    "promise: none": (INVALID, promised_with(lambda _, annotations: annotations.update({BUNDLE: "null"}))),
    "promise: no certificate": (
        INVALID,
        promised_with(lambda _, annotations: annotations.update({CERTIFICATE: "-----BEGIN"})),
    ),
    # model signatures beside what is no file as it is
    "model: an archive of git's name": (INVALID, archive_beside(".gitignore", 9)),
    "model: an archive in git's folder": (INVALID, archive_beside(".github/x", 0)),
    "model: an archive of the signature's name": (INVALID, archive_beside("model.sig", 9)),
    "model: an archive of a signed file's name before it": (INVALID, archive_beside("config.json", 0)),
    "model: an archive of a signed file's name behind it": (INVALID, archive_beside("config.json", 9)),
    # bundles by a key
    "bundle: another key": (UNTRUSTED, lambda signed: signed.attach(signed.bundle(key=new_key()))),
    "bundle: another digest": (INVALID, lambda signed: signed.attach(signed.bundle(OTHER))),
    "bundle: two subjects, neither ours": (INVALID, two_subjects),
    "bundle: payload changed": (UNTRUSTED, bundle_with(lambda one: _harm(one, "dsseEnvelope", "payload"))),
    "bundle: signature changed": (
        UNTRUSTED,
        bundle_with(lambda one: _harm(one, "dsseEnvelope", "signatures", 0, "sig")),
    ),
    "bundle: no signature": (INVALID, bundle_with(lambda one: one["dsseEnvelope"].update(signatures=[]))),
    "bundle: another payload type": (
        INVALID,
        bundle_with(lambda one: one["dsseEnvelope"].update(payloadType="application/json")),
    ),
    "bundle: no envelope": (INVALID, bundle_with(lambda one: one.pop("dsseEnvelope"))),
    "bundle: no material": (INVALID, bundle_with(lambda one: one.pop("verificationMaterial"))),
    "bundle: material is nothing": (INVALID, bundle_with(lambda one: one.update(verificationMaterial=None))),
    "bundle: another kind": (INVALID, bundle_with(lambda one: one.update(mediaType="text/plain"))),
    "bundle: no JSON": (INVALID, lambda signed: signed.attach(b"\xff\xfe")),
    "bundle: a list": (INVALID, lambda signed: signed.attach([])),
    "bundle: too deep": (INVALID, lambda signed: signed.attach(b"[" * 60_000)),
    "bundle: statement of another kind": (
        INVALID,
        lambda signed: signed.attach(key_bundle(signed.key, b'{"_type": "other"}')),
    ),
    "bundle: statement a list": (INVALID, lambda signed: signed.attach(key_bundle(signed.key, b"[]"))),
    "bundle: subject no list": (
        INVALID,
        lambda signed: signed.attach(
            key_bundle(signed.key, json.dumps({**json.loads(signed.statement()), "subject": "x"}).encode())
        ),
    ),
    # bundles by a certificate
    "certificate: another subject": (
        "signature.identity",
        lambda signed: signed.attach(signed.certified(subject="https://ci.example/team/other")),
    ),
    "certificate: another issuer": (
        "signature.identity",
        lambda signed: signed.attach(signed.certified(issuer="https://evil.example")),
    ),
    "certificate: an e-mail address": (
        "signature.identity",
        lambda signed: signed.attach(signed.certified(subject="me@evil.example")),
    ),
    "certificate: expired when it was logged": (
        "signature.expired",
        lambda signed: signed.attach(signed.certified(life=timedelta(seconds=30))),
    ),
    "certificate: another instance": (
        UNTRUSTED,
        lambda signed: signed.attach(Sigstore().bundle(signed.statement())),
    ),
    "certificate: another certificate log": (UNTRUSTED, _by_another_instance("ct_key")),
    "certificate: another transparency log": (UNTRUSTED, _by_another_instance("log_key")),
    "certificate: another CA": (UNTRUSTED, _by_another_instance("ca_key")),
    "certificate: payload changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(one, "dsseEnvelope", "payload")),
    ),
    "certificate: signature changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(one, "dsseEnvelope", "signatures", 0, "sig")),
    ),
    "certificate: no entry in the log": (
        INVALID,
        certified_with(lambda one: one["verificationMaterial"].update(tlogEntries=[])),
    ),
    "certificate: another's entry": (UNTRUSTED, _entry_of_another),
    "certificate: another's certificate": (UNTRUSTED, _certificate_of_another),
    "certificate: entry's body changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(_entry(one), "canonicalizedBody")),
    ),
    "certificate: entry's root changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(_entry(one), "inclusionProof", "rootHash")),
    ),
    "certificate: entry's promise changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(_entry(one), "inclusionPromise", "signedEntryTimestamp")),
    ),
    "certificate: entry's time changed": (
        UNTRUSTED,
        certified_with(lambda one: _entry(one).update(integratedTime=str(int(_entry(one)["integratedTime"]) + 1))),
    ),
    "certificate: no proof": (INVALID, certified_with(lambda one: _entry(one).pop("inclusionProof"))),
    "certificate: of a version that there is not": (INVALID, certified_with(_of_version_ten)),
    "promise: a time without end": (
        INVALID,
        promised_with(lambda bundle, _: bundle["Payload"].update(integratedTime=float("inf"))),
    ),
    "certificate: changed": (
        UNTRUSTED,
        certified_with(lambda one: _harm(one, "verificationMaterial", "certificate", "rawBytes")),
    ),
    # model signing
    "model signing: another key": (
        UNTRUSTED,
        model_sig(lambda signed: signed.model_signature(MODEL, key=new_key())),
    ),
    "model signing: other bytes of a file": (INVALID, model_sig(lambda signed: signed.model_signature(OTHERS))),
    "model signing: a file fewer": (
        INVALID,
        model_sig(lambda signed: signed.model_signature({"model.safetensors": MODEL["model.safetensors"]})),
    ),
    "model signing: a file more": (INVALID, model_sig(lambda signed: signed.model_signature({**MODEL, "b.py": b""}))),
    "model signing: a file under another name": (
        INVALID,
        model_sig(
            lambda signed: signed.model_signature(MODEL),
            {"config.json": b"{}", "moved.safetensors": MODEL["model.safetensors"]},
        ),
    ),
    "model signing: code beside the signed files": (
        INVALID,
        model_sig(lambda signed: signed.model_signature(MODEL), {**MODEL, "modeling.py": b"import os"}),
    ),
    "model signing: root of other files": (
        INVALID,
        model_sig(lambda signed: _with_root(signed, "00" * 32)),
    ),
    "model signing: by shards": (
        INVALID,
        model_sig(lambda signed: signed.model_signature(MODEL, serialization={"method": "shards"})),
    ),
    "model signing: resources missing": (
        INVALID,
        model_sig(lambda signed: signed.model_signature(MODEL, resources=None)),
    ),
    "model signing: no bundle": (INVALID, model_sig(lambda _: b"hush")),
}


def _with_root(signed: Signed, root: str) -> bytes:
    """Return a well signed model.sig whose subject is another digest than that of its files."""
    found = json.loads(_model_statement(signed))
    return json.dumps(key_bundle(signed.key, statement(root, found["predicateType"], found["predicate"]))).encode()


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_not_signed_well_is_refused_before_a_weight_is_asked_for(
    signed: Signed, tmp_path: Path, case: tuple[str, Callable[[Signed], None]]
) -> None:
    """The code says how near it came, the message is printable, and no byte of a weight was fetched."""
    code, sign = case
    sign(signed)
    with pytest.raises(BadSignature) as caught:
        pulled(signed, tmp_path)
    assert caught.value.code == code, str(caught.value)
    assert caught.value.hint
    assert str(caught.value).isprintable()
    assert str(signed.digest) in str(caught.value)
    assert weights_asked(signed.fake) == 0
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "case", [case for name, case in REFUSED.items() if name.split(":")[0] in ("bundle", "certificate", "promise")]
)
def test_what_somebody_else_attached_hides_no_good_signature(
    signed: Signed, tmp_path: Path, case: tuple[str, Callable[[Signed], None]]
) -> None:
    """Whoever may attach one must not keep a signed model from being pulled."""
    case[1](signed)
    attached = f"sha256-{signed.digest.hex}"
    before = json.loads(signed.fake.manifests.get(attached, b"{}")).get("manifests", [])
    signed.attach(signed.bundle())
    good = json.loads(signed.fake.manifests[attached])
    signed.fake.manifests[attached] = json.dumps({**good, "manifests": before + good["manifests"]}).encode()
    assert pulled(signed, tmp_path).items() >= MODEL.items()


def test_there_are_forty_tamperings() -> None:
    """Fewer would leave forms out."""
    assert len(REFUSED) >= 40


def test_a_registry_that_cannot_be_asked_is_no_missing_signature(signed: Signed, tmp_path: Path) -> None:
    """What cannot be read may be there: the failure is the registry's, and temporary."""
    signed.cosign()
    signed.fake.fail(faults.status(503), path=r"\.sig$")
    with pytest.raises(Exception, match="503") as caught:
        pulled(signed, tmp_path)
    assert getattr(caught.value, "code", "") == "registry.unavailable"
    assert weights_asked(signed.fake) == 0


def test_an_unsigned_model_that_stands_is_refused_and_left_as_it_is(signed: Signed, tmp_path: Path) -> None:
    """A policy that comes later holds for what is on the volume, without fetching it again once it is signed."""
    settings = Settings(source=signed.fake.reference(), destination=str(tmp_path / "model"))
    with Access(transport=Transport(proxies={}), credentials=Credentials(), patience=HASTY) as access:
        pull(settings, access, QuietReporter())
    asked = weights_asked(signed.fake)
    with pytest.raises(BadSignature):
        pulled(signed, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    signed.cosign()
    assert pulled(signed, tmp_path) == MODEL
    assert weights_asked(signed.fake) == asked


def test_a_warm_start_asks_for_no_signature_until_the_policy_changes(signed: Signed, tmp_path: Path) -> None:
    """The receipt has the policy's mark; another policy is another mark."""
    signed.cosign()
    source = f"{signed.fake.reference()}@{signed.digest}"
    pulled(signed, tmp_path, source=source)
    before = len(signed.fake.requests)
    pulled(signed, tmp_path, source=source)
    assert len(signed.fake.requests) == before
    signed.key = new_key()
    with pytest.raises(BadSignature):
        pulled(signed, tmp_path, source=source)


def offer_chunks_of(signed: Signed, others: bytes) -> Digest:
    """Offer the model under the digests of its files, and for the weights chunk digests of other bytes, and these."""
    files = {**MODEL, "model.sig": signed.model_signature(MODEL)}
    layers = [layer(path, content) for path, content in files.items()]
    for number, one in enumerate(layers):
        signed.fake.add_blob(list(files.values())[number])
        if one.annotations[FILEPATH] == "model.safetensors":
            told = layer("model.safetensors", others, chunk=64 << 10).annotations
            layers[number] = replace(one, annotations=told)
            signed.fake.blobs[str(one.digest)] = others
    signed.digest = signed.fake.add(manifest_of(layers))
    return signed.digest


def test_what_a_model_signature_covers_is_held_to_what_was_signed(signed: Signed, tmp_path: Path) -> None:
    """The manifest is signed by nobody then: the digests of chunks in it prove nothing."""
    offer_chunks_of(signed, noise(len(MODEL["model.safetensors"]), 1))
    with pytest.raises(Mismatch):
        pulled(signed, tmp_path)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("cached", [False, True], ids=["in place", "in a cache"])
def test_what_was_pulled_by_chunks_before_proves_no_model_signature(
    signed: Signed, tmp_path: Path, *, cached: bool
) -> None:
    """Not of the same manifest, pulled without a policy, nor of another one with the signed digest in it."""
    others = noise(len(MODEL["model.safetensors"]), 1)
    cache = {"cache": str(tmp_path / "cache")} if cached else {}
    for makes_new in (False, True):
        folder = tmp_path / str(makes_new)
        folder.mkdir()
        offer_chunks_of(signed, others)
        assert pulled(signed, folder, signatures="", **cache)["model.safetensors"] == others
        if makes_new:
            signed.fake.blobs[str(Digest.of(MODEL["model.safetensors"]))] = MODEL["model.safetensors"]
            signed.offer_with(signed.model_signature(MODEL))
            assert pulled(signed, folder, **cache)["model.safetensors"] == MODEL["model.safetensors"]
        else:
            with pytest.raises(Mismatch):
                pulled(signed, folder, **cache)


def test_files_that_a_model_signature_proved_are_kept_by_its_next_version(signed: Signed, tmp_path: Path) -> None:
    """Their whole digest was counted: nothing comes twice."""
    signed.offer_with(signed.model_signature(MODEL))
    pulled(signed, tmp_path)
    before = weights_asked(signed.fake)
    newer = {**MODEL, "config.json": b"[]"}
    signed.offer_with(signed.model_signature(newer), newer)
    assert pulled(signed, tmp_path)["config.json"] == b"[]"
    assert weights_asked(signed.fake) == before
