"""What surrounds a signature: parents of a kit, mirrors, registries that hide it, and clocks."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault, Unavailable
from registry.http.transport import Transport
from registry.manifest import Descriptor, Manifest
from registry.progress.reporter import QuietReporter
from registry.reference import Reference
from registry.remote.endpoint import RepositoryEndpoint
from registry.signatures.cosign import tag_for
from registry.signatures.errors import ExpiredCertificate, SignatureMissing, UnknownSigner
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, FakeRegistry, fake_registry
from tests.fakes.sigstore import BUNDLE_TYPE, new_key, public_pem
from tests.puller.models import noise, offer, read_tree
from tests.puller.packs import tar_of
from tests.puller.test_mirrors import hosts_dir

from .signed import MODEL, Signed, policy

_KITFILE = "application/vnd.kitops.modelkit.config.v1+json"


@pytest.fixture
def signed() -> Iterator[Signed]:
    """Serve a model that nobody signed yet."""
    with fake_registry() as fake:
        yield Signed(fake)


def pulled(signed: Signed, folder: Path, hosts: str = "") -> dict[str, bytes]:
    """Pull the model, which the key must have signed; return its files."""
    settings = Settings(
        source=signed.fake.reference(),
        destination=str(folder / "model"),
        signatures=policy([public_pem(signed.key)], signed.sigstore.trust_root()),
    )
    transport = Transport(proxies={}, timeout_seconds=5)
    with Access(transport=transport, credentials=Credentials(), hosts_dir=hosts, patience=HASTY) as access:
        pull(settings, access, QuietReporter())
    return read_tree(folder / "model")


def _kit(fake: FakeRegistry, tag: str, kind: str, archive: bytes, *, form: str = "tar", **kitfile: Any) -> Digest:
    config = json.dumps(kitfile).encode()
    held = Descriptor(media_type=_KITFILE, digest=fake.add_blob(config), size=len(config))
    layer = Descriptor(
        media_type=f"application/vnd.kitops.modelkit.{kind}.v1.{form}", digest=fake.add_blob(archive), size=len(archive)
    )
    return fake.add(Manifest(config=held, layers=(layer,)), tag)


@pytest.fixture
def family(signed: Signed) -> tuple[Digest, Digest]:
    """Serve a kit that takes its model from a parent; return the digests of both."""
    weights, code = tar_of({"m.safetensors": b"weights"}), tar_of({"run.py": b"pass"})
    own = {"path": ".", "digest": str(Digest.of(weights))}
    parent = _kit(signed.fake, "v2", "model", weights, model=own)
    model, added = {"path": signed.fake.reference("v2")}, [{"path": ".", "digest": str(Digest.of(code))}]
    return _kit(signed.fake, "v1", "code", code, model=model, code=added), parent


@pytest.mark.parametrize("lacking", [0, 1], ids=["the kit", "its parent"])
def test_a_signature_is_wanted_of_a_kit_and_of_its_parent(
    signed: Signed, family: tuple[Digest, Digest], tmp_path: Path, lacking: int
) -> None:
    """The one that nobody signed is named, and neither's bytes were fetched."""
    for digest in family:
        if digest != family[lacking]:
            signed.digest = digest
            signed.cosign()
    with pytest.raises(SignatureMissing, match=str(family[lacking])):
        pulled(signed, tmp_path)
    signed.digest = family[lacking]
    signed.cosign()
    assert pulled(signed, tmp_path) == {"m.safetensors": b"weights", "run.py": b"pass"}


def pulled_by(policy_text: str, folder: Path, source: str) -> dict[str, bytes]:
    """Pull under a policy; return the files."""
    settings = Settings(source=source, destination=str(folder / "model"), signatures=policy_text)
    with Access(transport=Transport(proxies={}), credentials=Credentials(), patience=HASTY) as access:
        pull(settings, access, QuietReporter())
    return read_tree(folder / "model")


def test_a_policy_for_the_parent_alone_reaches_what_stands(signed: Signed, tmp_path: Path) -> None:
    """The child needs no signature; its parent's, which is required now, was asked of nobody before."""
    weights, code = tar_of({"m.safetensors": b"weights"}), tar_of({"run.py": b"pass"})
    own, added = ([{"path": ".", "digest": str(Digest.of(one))}] for one in (weights, code))
    signed.digest = _kit(signed.fake, "v2", "model", weights, model=own[0])
    base = f"{signed.fake.address}/team/base:v2"
    child = _kit(signed.fake, "v1", "code", code, model={"path": base}, code=added)
    table = f'["{signed.fake.address}/team/base"]\nmode = "require"\nkeys = {json.dumps([public_pem(signed.key)])}'
    source, files = f"{signed.fake.reference()}@{child}", {"m.safetensors": b"weights", "run.py": b"pass"}
    assert pulled_by("", tmp_path, source) == files
    with pytest.raises(SignatureMissing, match=str(signed.digest)):
        pulled_by(table, tmp_path, source)
    signed.cosign()
    assert pulled_by(table, tmp_path, source) == files


def test_a_parent_that_moved_proves_nothing_of_the_files_that_stand(signed: Signed, tmp_path: Path) -> None:
    """What was pulled of the parent before is not what its new version's signature is of."""
    own = signed.fake
    old, new = (noise(1000, number) for number in (1, 2))

    def parent(content: bytes) -> Digest:
        model = {"path": "m.safetensors", "digest": str(Digest.of(content))}
        return _kit(own, "v2", "model", content, form="raw", model=model)

    code = tar_of({"run.py": b"pass"})
    parent(old)
    added = [{"path": ".", "digest": str(Digest.of(code))}]
    child = _kit(own, "v1", "code", code, model={"path": own.reference("v2")}, code=added)
    assert pulled_by("", tmp_path, own.reference()) == {"m.safetensors": old, "run.py": b"pass"}
    for digest in (child, parent(new)):
        signed.digest = digest
        signed.cosign()
    assert pulled(signed, tmp_path) == {"m.safetensors": new, "run.py": b"pass"}


def test_a_mirror_without_signatures_is_passed_over(signed: Signed, tmp_path: Path) -> None:
    """It has the bytes; the registry has the signature."""
    signed.cosign()
    with fake_registry() as mirror:
        offer(mirror, MODEL)
        assert pulled(signed, tmp_path, hosts_dir(tmp_path, signed.fake.address, mirror)) == MODEL


def test_a_mirror_with_signatures_of_others_proves_nothing_and_hides_nothing(signed: Signed, tmp_path: Path) -> None:
    """Its stranger is no reason to pull, and none to refuse while the registry has a good signature."""
    with fake_registry() as mirror:
        stranger = Signed(mirror, key=new_key())
        stranger.cosign()
        hosts = hosts_dir(tmp_path, signed.fake.address, mirror)
        with pytest.raises(UnknownSigner):
            pulled(signed, tmp_path, hosts)
        signed.cosign()
        assert pulled(signed, tmp_path, hosts) == MODEL


@pytest.mark.parametrize("code", [403, 503])
def test_what_a_registry_refuses_is_not_missing_because_a_mirror_answers(
    signed: Signed, tmp_path: Path, code: int
) -> None:
    """The signature may stand there, and nobody need sign again (docs/decisions/0015)."""
    signed.cosign()
    with fake_registry() as mirror:
        offer(mirror, MODEL)
        hosts = hosts_dir(tmp_path, signed.fake.address, mirror)
        signed.fake.fail(faults.status(code), path="/(manifests|referrers)/")
        with pytest.raises(Fault) as caught:
            pulled(signed, tmp_path, hosts)
    assert caught.value.code in ("registry.unauthorized", "registry.unavailable")


@pytest.mark.parametrize("code", [404, 405, 400, 406])
def test_a_registry_without_the_api_of_referrers_has_them_under_a_tag(
    signed: Signed, tmp_path: Path, code: int
) -> None:
    """However it says that it does not know the API."""
    signed.attach(signed.bundle())
    signed.fake.fail(faults.status(code), path="/referrers/")
    assert pulled(signed, tmp_path) == MODEL


@pytest.mark.parametrize("page", [b"<!doctype html>", b"{}", b""], ids=["a page", "no list", "nothing"])
def test_what_is_no_list_of_referrers_sends_the_puller_to_the_tag(signed: Signed, tmp_path: Path, page: bytes) -> None:
    """A proxy before the registry may answer well, and know nothing."""
    signed.attach(signed.bundle())
    signed.fake.fail(faults.replaced(page), path="/referrers/")
    assert pulled(signed, tmp_path) == MODEL


def test_a_list_whose_second_page_is_broken_still_has_its_first(signed: Signed, tmp_path: Path) -> None:
    """Law: what could be read is judged; where none of it is good, the fault is said, and not absence."""
    signed.attach(signed.bundle())
    listed = signed.fake.manifests[f"sha256-{signed.digest.hex}"]
    path = f"/v2/team/model/referrers/{signed.digest}"
    signed.fake.fail(faults.replaced(b"<html>"), path=r"\?page=2")
    signed.fake.fail(faults.replaced(listed, Link=f'<{path}?page=2>; rel="next"'), path="/referrers/[^?]*$")
    assert pulled(signed, tmp_path) == MODEL
    signed.key = new_key()
    (tmp_path / "other").mkdir()
    with pytest.raises(Fault, match="not JSON") as caught:
        pulled(signed, tmp_path / "other")
    assert not caught.value.code.startswith("signature.")


@pytest.mark.parametrize("code", [400, 403, 406, 503])
@pytest.mark.parametrize("place", ["manifest", "blob"])
def test_an_attachment_that_cannot_be_read_hides_no_good_signature_and_proves_none(
    signed: Signed, tmp_path: Path, code: int, place: str
) -> None:
    """Law: one good signature is enough, whatever fails beside it; without one the failure is no absence."""
    broken = signed.listed(signed.bundle(key=new_key()))
    where = broken.digest if place == "manifest" else signed.layer_of(broken)
    signed.fake.fail(faults.status(code), path=str(where))
    signed.put_list(broken)
    with pytest.raises(Fault) as caught:
        pulled(signed, tmp_path)
    assert not caught.value.code.startswith("signature.")
    if (place, code) != ("blob", 503):  # a registry that is down is asked no more
        signed.put_list(broken, signed.listed(signed.bundle()))
        assert pulled(signed, tmp_path) == MODEL


def test_a_registry_that_refuses_absent_tags_hides_no_bundle(signed: Signed, tmp_path: Path) -> None:
    """Some answer 403 for a tag that is not there, such as that of cosign's classic form."""
    signed.attach(signed.bundle())
    signed.fake.fail(lambda _, answer: answer if answer.status == 200 else Answer(403), path="/manifests/")
    assert pulled(signed, tmp_path) == MODEL


@pytest.mark.parametrize("broken", ["referrers", "tag"])
def test_what_cannot_be_looked_for_is_a_warning_where_the_policy_only_warns(
    signed: Signed, tmp_path: Path, broken: str
) -> None:
    """No weight depends on it, so none is kept back."""
    signed.fake.fail(faults.status(418), path="/referrers/" if broken == "referrers" else r"\.sig$")
    text = policy([public_pem(signed.key)]).replace("require", "warn")
    assert pulled_by(text, tmp_path, signed.fake.reference()) == MODEL


@pytest.mark.parametrize("count", [63, 64, 100])
def test_many_attachments_of_other_kinds_hide_no_bundle(signed: Signed, tmp_path: Path, count: int) -> None:
    """The list says which are likely to be signatures: these are read first."""
    scans = [signed.listed(b"scan %d" % number, "application/vnd.scan") for number in range(count)]
    signed.put_list(*scans, signed.listed(signed.bundle()))
    assert pulled(signed, tmp_path) == MODEL


def test_a_list_that_is_too_long_to_be_read_is_no_proof_of_absence(signed: Signed, tmp_path: Path) -> None:
    """Whoever lies about types may push the good signature out of what is read; then that is said."""
    liars = [signed.listed(b"scan %d" % number, "application/vnd.scan") for number in range(64)]
    liars = [replace(one, artifact_type=BUNDLE_TYPE) for one in liars]
    signed.put_list(*liars, signed.listed(signed.bundle()))
    with pytest.raises(Fault, match=r"65 manifests refer to .* 64 were read") as caught:
        pulled(signed, tmp_path)
    assert not caught.value.code.startswith("signature.")


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_registry_that_hides_referrers_is_no_proof_that_there_are_none(
    signed: Signed, tmp_path: Path, code: int
) -> None:
    """The failure is the registry's own, so that nobody reads that the model is unsigned."""
    signed.attach(signed.bundle())
    signed.fake.fail(faults.status(code), path="/referrers/")
    with pytest.raises(Fault) as caught:
        pulled(signed, tmp_path)
    assert not caught.value.code.startswith("signature.")


def test_a_registry_that_goes_down_is_not_asked_for_each_of_many(signed: Signed) -> None:
    """A host that is down takes its time to say nothing."""
    signed.put_list(*(signed.listed(b"%d" % number) for number in range(30)))
    signed.fake.fail(faults.status(503), path="/manifests/sha256:")
    reference = Reference.parse(signed.fake.reference())
    with Access(transport=Transport(proxies={}), credentials=Credentials(), patience=HASTY) as access:
        endpoint = RepositoryEndpoint(access, access.upstream(reference), reference)
        with pytest.raises(Unavailable):
            list(endpoint.attached(signed.digest, ()))
    assert len([one for one in signed.fake.requests if "/manifests/sha256:" in one.path]) < 10


def test_no_signature_anywhere_names_all_places(signed: Signed, tmp_path: Path) -> None:
    """So that who copied the model without them knows what to look for."""
    with pytest.raises(SignatureMissing) as caught:
        pulled(signed, tmp_path)
    assert tag_for(signed.digest) in str(caught.value)
    assert "referrers" in str(caught.value)
    assert "model.sig" in str(caught.value)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_log_whose_clock_is_wrong_is_said(signed: Signed, tmp_path: Path, minutes: int) -> None:
    """The certificate was not valid at the time that the log states, before or after it."""
    payload = signed.payload()
    signed.put_classic(payload, annotations=signed.sigstore.classic(payload, late=timedelta(minutes=minutes)))
    with pytest.raises(ExpiredCertificate):
        pulled(signed, tmp_path)
