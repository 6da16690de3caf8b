"""Replicas that keep the webhook's certificate at a real API server."""

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certs.api import Api
from certs.chain import authorities_of
from certs.errors import ApiError, ConflictError
from certs.issue import issue
from certs.manifests import CONFIGURATION, FIELD_MANAGER, SECRET
from certs.names import Names
from certs.renewal import holds_together
from certs.rotator import Rotator
from tests.conftest import Part
from tests.deploy.rendered import configured
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Objects

NAMES = Names(service="weighbridge-webhook", namespace="weighbridge-system")
START = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def objects(api_server: ApiServer, part: Part) -> Iterator[Objects]:
    """Return an API server with our configuration, at which nothing answers."""
    with configured(api_server, part("kubectl")) as objects:
        yield objects


@pytest.fixture
def api(api_server: ApiServer, objects: Objects, tmp_path: Path) -> Api:
    """Return the API server as the administrator, with the token in a file as in a pod, and a namespace of its own."""
    token = tmp_path / "token"
    token.write_text(f"{api_server.admin_token}\n")
    return Api(api_server.url, token, api_server.ca_file, objects.namespace("certs", {}).name)


def rotator(api: Api, folder: Path, now: dt.datetime = START, *, settled_seconds: float = 0.0) -> Rotator:
    """Return a replica that believes the API server at once."""
    return Rotator(api, NAMES, folder, now=lambda: now, settled_seconds=settled_seconds)


def test_the_first_turn_makes_all_that_is_needed(api: Api, objects: Objects, tmp_path: Path) -> None:
    """From nothing: a Secret, trust at the API server under our own field manager, and files for the server."""
    rotator(api, tmp_path / "tls").turn()
    stored = api.stored().bundle
    assert stored is not None
    assert holds_together(stored)
    assert set(api.trusted().values()) == {stored.ca_certificate}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls/tls.crt", tmp_path / "tls/tls.key")
    assert not (tmp_path / "tls/ca.key").exists()
    live = objects.read("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", CONFIGURATION)
    (own,) = [one for one in live["metadata"]["managedFields"] if one["manager"] == FIELD_MANAGER]
    assert own["operation"] == "Apply"
    assert "f:caBundle" in str(own["fieldsV1"])
    assert "f:rules" not in str(own["fieldsV1"])


def test_a_turn_that_finds_all_well_writes_nothing(api: Api, objects: Objects, tmp_path: Path) -> None:
    """No replica disturbs another one, nor whoever watches these objects."""
    one = rotator(api, tmp_path / "tls")
    one.turn()
    before = versions(api, objects)
    for _ in range(3):
        one.turn()
    rotator(api, tmp_path / "other").turn()
    assert versions(api, objects) == before
    assert (tmp_path / "tls/tls.crt").read_bytes() == (tmp_path / "other/tls.crt").read_bytes()


def test_replicas_that_start_at_once_serve_one_certificate(api: Api, tmp_path: Path) -> None:
    """One of them creates the Secret, the others read it: each with its own would be refused half of the time."""
    replicas = [rotator(api, tmp_path / str(number)) for number in range(6)]

    def start(replica: Rotator) -> None:
        while not replica.turn():
            continue

    threads = [threading.Thread(target=start, args=(replica,)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({(tmp_path / str(number) / "tls.crt").read_bytes() for number in range(6)}) == 1


def test_a_start_waits_for_the_api_server_and_for_nothing_else(api: Api, tmp_path: Path) -> None:
    """A replica serves as soon as it has a certificate: each second of a pod's start is one without it."""
    waits: list[float] = []
    token = api.token_file.read_text()
    api.token_file.write_text("wrong")

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        api.token_file.write_text(token)

    rotator(api, tmp_path / "first").begin(sleep)
    rotator(api, tmp_path / "second").begin(sleep)

    assert len(waits) == 1
    assert (tmp_path / "second/tls.crt").exists()


def test_a_renewed_certificate_reaches_every_replica(api: Api, tmp_path: Path) -> None:
    """Whoever is first renews it in the Secret; the CA, and the API server's trust in it, stay as they are."""
    rotator(api, tmp_path / "a").turn()
    before = api.stored().bundle
    later = [rotator(api, tmp_path / name, START + 250 * DAY) for name in "ab"]
    for _ in range(2):
        for replica in later:
            replica.turn()
    after = api.stored().bundle
    assert before is not None
    assert after is not None
    assert after.ca_certificate == before.ca_certificate
    assert after.certificate != before.certificate
    assert (tmp_path / "a/tls.crt").read_bytes() == (tmp_path / "b/tls.crt").read_bytes() == after.certificate


def test_a_new_authority_waits_until_the_api_servers_know_it(api: Api, tmp_path: Path) -> None:
    """Both CAs are trusted before anything that the new one signed is served."""
    rotator(api, tmp_path / "a").turn()
    late = rotator(api, tmp_path / "a", START + 2500 * DAY, settled_seconds=3600)
    for _ in range(3):
        late.turn()
    bundle = api.stored().bundle
    assert bundle is not None
    assert len(authorities_of(bundle.ca_certificate)) == 2
    assert set(api.trusted().values()) == {bundle.ca_certificate}
    hasty = rotator(api, tmp_path / "a", START + 2500 * DAY)
    for _ in range(2):
        hasty.turn()
    renewed = api.stored().bundle
    assert renewed is not None
    assert renewed.ca_certificate == bundle.ca_certificate
    assert renewed.certificate != bundle.certificate


def test_what_was_brought_by_hand_is_served_and_trusted(api: Api, tmp_path: Path) -> None:
    """A Secret of `certs init` is taken as it is."""
    brought = issue(NAMES, START).without_ca_key()
    api.store(brought, "")
    rotator(api, tmp_path / "tls").turn()
    assert (tmp_path / "tls/tls.crt").read_bytes() == brought.certificate
    assert set(api.trusted().values()) == {brought.ca_certificate}


def test_a_webhook_that_is_added_later_is_trusted_too(api: Api, objects: Objects, tmp_path: Path) -> None:
    """An upgrade brings another entry, without a CA."""
    one = rotator(api, tmp_path / "tls")
    one.turn()
    live = objects.read("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", CONFIGURATION)
    added = {**live["webhooks"][0], "name": "new.weighbridge.dev"}
    added["clientConfig"] = {key: value for key, value in added["clientConfig"].items() if key != "caBundle"}
    objects.merge({**live, "metadata": {"name": CONFIGURATION}, "webhooks": [*live["webhooks"], added]})
    one.turn()
    assert len(api.trusted()) == len(live["webhooks"]) + 1
    assert len(set(api.trusted().values())) == 1


def test_a_write_over_another_ones_is_refused(api: Api) -> None:
    """The optimistic lock, on creation and on change."""
    api.store(issue(NAMES, START), "")
    version = api.stored().version
    with pytest.raises(ConflictError):
        api.store(issue(NAMES, START), "")
    api.store(issue(NAMES, START), version)
    with pytest.raises(ConflictError):
        api.store(issue(NAMES, START), version)


def test_failures_say_what_was_asked_and_what_was_answered(api: Api, api_server: ApiServer, tmp_path: Path) -> None:
    """No right, no server, no pod: an error with a hint, and no token in it."""
    guest = tmp_path / "guest"
    guest.write_text(api_server.guest_token)
    asked = f"GET /api/v1/namespaces/{api.namespace}/secrets/weighbridge-tls: 403"
    with pytest.raises(ApiError, match=asked) as caught:
        replace(api, token_file=guest).stored()
    assert api_server.guest_token not in str(caught.value)
    with pytest.raises(ApiError, match="refused"):
        replace(api, url="https://127.0.0.1:1").stored()
    with pytest.raises(ApiError, match="no pod"):
        Api.of_pod({})


def test_whatever_fails_in_a_turn_the_next_one_comes(
    api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread that ended in silence would leave the certificate to expire. Words that may be secret are not logged."""
    failures = [ValueError("hush"), KeyError("hush")]

    def now() -> dt.datetime:
        if failures:
            raise failures.pop()
        return START

    waits: list[float] = []
    Rotator(api, NAMES, tmp_path / "tls", now=now, settled_seconds=0.0).begin(waits.append)
    assert (tmp_path / "tls/tls.crt").exists()
    assert len(waits) == 2
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.partition(" in ")[0] for line in said] == [
        "the certificate is not kept for now: KeyError",
        "the certificate is not kept for now: ValueError",
    ]
    assert "hush" not in caplog.text


def versions(api: Api, objects: Objects) -> list[str]:
    """Return the versions of both objects."""
    live = objects.read("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", CONFIGURATION)
    secret = objects.read("v1", "Secret", SECRET, api.namespace)
    return [one["metadata"]["resourceVersion"] for one in (live, secret)]
