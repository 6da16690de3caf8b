"""`weighbridge certs status` and `rotate` at a real API server: whatever is served at any instant is trusted."""

import base64
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import weighbridge
from certs.api import Api
from certs.bundle import Bundle
from certs.chain import authorities_of, is_signed, leaf_of, names_in
from certs.errors import ManagedElsewhereError, UnreadableError
from certs.files import write_bundle
from certs.issue import issue
from certs.manifests import secret
from certs.names import Names
from certs.rotator import Rotator
from cluster.certificates.rotate import rotate
from cluster.certificates.stored import Store
from cluster.connection import connect
from cluster.errors import Conflict
from cluster.options import Place
from tests.conftest import Part
from tests.deploy.rendered import configured
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Object, Objects

NAMES = Names.parse("weighbridge-webhook", "weighbridge-system", ["more.example"], ["10.0.0.1"])
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def objects(api_server: ApiServer, part: Part) -> Iterator[Objects]:
    """Return an API server with our configuration, at which nothing answers."""
    with configured(api_server, part("kubectl")) as objects:
        yield objects


@pytest.fixture
def store(api_server: ApiServer, objects: Objects) -> Store:
    """Return the material of an install in a namespace of its own; there is none yet."""
    namespace = objects.namespace("certs", {}).name
    return Store(connect(Place(kubeconfig=str(api_server.kubeconfig))), namespace)


def put(store: Store, objects: Objects, bundle: Bundle, **annotations: str) -> None:
    """Store material by hand, and have the API server trust it."""
    document = secret(bundle, store.namespace)
    document["metadata"]["annotations"] = annotations
    objects.create(document, store.namespace)
    store.trust(bundle, list(store.trusted()))


def built_in(store: Store, objects: Objects) -> None:
    """Make the Deployment whose webhook keeps the certificate."""
    container = {"name": "webhook", "image": "x", "env": [{"name": "WEIGHBRIDGE_CERTIFICATES", "value": "built-in"}]}
    template: Object = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    metadata = {"name": "weighbridge-webhook"}
    objects.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, store.namespace)


def is_trusted(store: Store, certificate: bytes) -> bool:
    """Return whether the API server would accept a certificate for each webhook."""
    leaf = leaf_of(Bundle(ca_certificate=b"", ca_key=None, certificate=certificate, key=b""))
    return all(any(is_signed(leaf, one) for one in authorities_of(pem)) for pem in store.trusted().values())


def test_what_is_kept_by_hand_is_rotated_without_a_gap(store: Store, objects: Objects) -> None:
    """While the API servers learn, and while the kubelet has not brought the new one, both are trusted."""
    before = issue(NAMES, NOW).without_ca_key()
    put(store, objects, before)
    waits: list[bool] = []

    def wait() -> None:
        waits.append(is_trusted(store, before.certificate))
        assert store.read().bundle == before

    done = rotate(store, NOW, wait, lambda _: None)
    after = store.read().bundle
    assert waits == [True]
    assert done.managed_by == "you"
    assert after.certificate != before.certificate
    assert after.ca_key is None
    assert is_trusted(store, before.certificate)
    assert is_trusted(store, after.certificate)
    assert names_in(leaf_of(after)) >= names_in(leaf_of(before))
    rotate(store, NOW, lambda: None, lambda _: None)
    assert is_trusted(store, store.read().bundle.certificate)


def test_built_in_certificates_go_on_by_themselves(
    store: Store, objects: Objects, api_server: ApiServer, tmp_path: Path
) -> None:
    """Whatever a replica serves after each of its turns is trusted, and in the end the new CA signed it."""
    built_in(store, objects)
    token = tmp_path / "token"
    token.write_text(api_server.admin_token)
    api = Api(api_server.url, token, api_server.ca_file, store.namespace)
    replica = Rotator(api, NAMES, tmp_path / "tls", settled_seconds=0.0)
    replica.turn()
    former = (tmp_path / "tls/tls.crt").read_bytes()
    done = rotate(store, NOW, lambda: None, lambda _: None)
    assert done.managed_by == "built-in"
    assert is_trusted(store, former)
    for _ in range(4):
        replica.turn()
        assert is_trusted(store, (tmp_path / "tls/tls.crt").read_bytes())
    assert (tmp_path / "tls/tls.crt").read_bytes() != former
    leaf = leaf_of(store.read().bundle)
    assert is_signed(leaf, authorities_of(done.bundle.ca_certificate)[0])


def test_what_others_keep_or_what_is_broken_is_left(store: Store, objects: Objects) -> None:
    """cert-manager would write its own again; a key of another certificate is no base for anything."""
    bundle = issue(NAMES, NOW)
    put(store, objects, bundle, **{"cert-manager.io/certificate-name": "weighbridge-webhook"})
    with pytest.raises(ManagedElsewhereError) as caught:
        rotate(store, NOW, lambda: None, lambda _: None)
    assert "cmctl renew" in caught.value.hint
    objects.delete("v1", "Secret", "weighbridge-tls", store.namespace)
    broken = secret(bundle, store.namespace)
    broken["data"]["tls.key"] = base64.b64encode(issue(NAMES, NOW).key).decode()
    objects.create(broken, store.namespace)
    with pytest.raises(UnreadableError, match="do not belong together"):
        rotate(store, NOW, lambda: None, lambda _: None)


def test_a_trial_and_a_race_write_nothing(store: Store, objects: Objects) -> None:
    """Who wrote the Secret in between wins."""
    put(store, objects, issue(NAMES, NOW))
    stored = store.read()
    rotate(store, NOW, lambda: None, lambda _: None, is_trial=True)
    assert store.read() == stored

    def meddle() -> None:
        labels = {"metadata": {"name": "weighbridge-tls", "labels": {"a": "b"}}}
        objects.merge({"apiVersion": "v1", "kind": "Secret"} | labels, store.namespace)

    def overwrite() -> None:
        store.trust(stored.bundle, list(store.trusted()))

    for meddling, words in ((overwrite, "lack the new one"), (meddle, "modified")):
        with pytest.raises(Conflict, match=words):
            rotate(store, NOW, meddling, lambda _: None)
    assert store.read().bundle == stored.bundle
    assert is_trusted(store, stored.bundle.certificate)


def test_the_verbs_say_what_they_found_and_did(
    store: Store, objects: Objects, api_server: ApiServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """For people and programs; of a folder without a cluster."""
    place = ["--kubeconfig", str(api_server.kubeconfig), "--system-namespace", store.namespace]
    assert weighbridge.main(["certs", "status", *place]) == 1
    assert "[cluster.not-found]" in capsys.readouterr().err
    put(store, objects, issue(NAMES, NOW).without_ca_key())
    assert weighbridge.main(["certs", "status", *place]) == 0
    said = capsys.readouterr().out
    assert "managed by   you\ntrusted      for every webhook" in said
    assert weighbridge.main(["certs", "rotate", "--settle", "1", *place]) == 0
    assert capsys.readouterr().out.startswith("new CA ")
    assert weighbridge.main(["certs", "status", "-o", "json", *place]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["signed"] for one in found["authorities"]] == [True, False]
    store.trust(issue(NAMES, NOW), list(store.trusted()))
    assert weighbridge.main(["certs", "status", *place]) == 1
    assert "trusted      not for pods.weighbridge.dev" in capsys.readouterr().out
    write_bundle(issue(NAMES, NOW), tmp_path / "tls")
    assert weighbridge.main(["certs", "status", "--dir", str(tmp_path / "tls")]) == 0
    assert "managed by" not in capsys.readouterr().out
