"""Registries behind the shipped server: what pods get of them, and what others feel of a slow one."""

import http.client
import json
import ssl
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

import weighbridge
from registry.annotations import CONFIG_TYPE, layer_type
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from tests.fakes.faults import mannered
from tests.fakes.manner import Manner
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.fakes.silent import silent_server
from tests.parts.admission import Webhook, running_webhook
from tests.webhook.test_review import request_body
from webhook.admit import admit_workload
from webhook.catalog import Catalog
from webhook.contract import MODEL, SOURCE
from webhook.resolving.policy import Policy
from webhook.resolving.resolver import Bounds, Resolver
from webhook.review import Review
from webhook.server.connections import SMALL_BYTES
from webhook.settings import Settings

_LAYER = Descriptor(media_type=layer_type("weight", "raw"), digest=Digest.of(b"x"), size=1 << 30)
_CONFIG = Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(b"{}"), size=2)
_MANIFEST = Manifest(config=_CONFIG, layers=(_LAYER,))
_PROMPT_SECONDS = 5.0


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Return a registry that has a model."""
    with fake_registry() as found:
        found.add(_MANIFEST)
        yield found


@pytest.fixture
def server(fake: FakeRegistry, tmp_path: Path) -> Iterator[Webhook]:
    """Run the shipped server, which may ask that registry, with a catalog that names none."""
    settings = {"RESOLVE_REGISTRIES": fake.address}
    with running_webhook(tmp_path, {"hub": "hf://org/phi-4"}, settings) as running:
        yield running


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[Webhook, list[str]]]:
    """Run the shipped server beside registries that it may ask, and that never answer."""
    with ExitStack() as stack:
        addresses = [stack.enter_context(silent_server()) for _ in range(5)]
        settings = {"RESOLVE_REGISTRIES": ",".join(addresses)}
        yield stack.enter_context(running_webhook(tmp_path, {}, settings)), addresses


def _pod(model: str, source: str = "") -> dict[str, Any]:
    annotations = {SOURCE.name: source} if source else {}
    metadata = {"name": "vllm", "labels": {MODEL.name: model}, "annotations": annotations}
    account = {"serviceAccountName": "default", "serviceAccount": "default"}  # as the API server leaves it
    return {"metadata": metadata, "spec": {"containers": [{"name": "server"}], **account}}


def _admitted(server: Webhook, pod: dict[str, Any], namespace: str = "team") -> dict[str, Any]:
    host, port = server.url.removeprefix("https://").split(":")
    trusted = ssl.create_default_context(cadata=server.ca_certificate.decode())
    with closing(http.client.HTTPSConnection(host, int(port), context=trusted, timeout=30)) as client:
        body = json.dumps(request_body(pod, namespace=namespace))
        client.request("POST", "/mutate/pods", body, {"Content-Type": "application/json"})
        response: dict[str, Any] = json.loads(client.getresponse().read())["response"]
    return response


def test_a_pod_is_pinned_and_its_volume_has_a_size(server: Webhook, fake: FakeRegistry) -> None:
    """By the server as it is shipped; the next replica waits for no registry."""
    pod = _pod("phi-4", fake.reference())
    for _ in range(3):
        response = _admitted(server, pod)
        after = jsonpatch.apply_patch(pod, json.loads(b64decode(response["patch"])))
        environ = {one["name"]: one["value"] for one in after["spec"]["containers"][0]["env"]}
        assert environ["WEIGHBRIDGE_MODEL_DIGEST"] == str(Digest.of(_MANIFEST.to_bytes()))
        assert after["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] == "1140Mi"
        assert not response.get("warnings")
    assert len(fake.requests) == 1


def test_what_does_not_exist_is_refused(server: Webhook, fake: FakeRegistry) -> None:
    """With the reference, and nothing that the registry said."""
    response = _admitted(server, _pod("phi-4", fake.reference("v9")))
    assert response["allowed"] is False
    assert response["status"]["message"].startswith("[source.not-found] ")
    assert fake.reference("v9") in response["status"]["message"]
    assert "no such thing" not in response["status"]["message"]


@pytest.mark.parametrize("account", [{}, {"serviceAccountName": "chat", "serviceAccount": "chat"}])
def test_who_applies_a_workload_is_told_what_no_registry_shows(fake: FakeRegistry, account: dict[str, str]) -> None:
    """The workload passes, and nobody says that its pods will be refused: their account may have pull secrets."""
    metadata = {"labels": {MODEL.name: "phi-4"}, "annotations": {SOURCE.name: fake.reference("v9")}}
    workload = {"metadata": metadata, "spec": {"template": {"spec": {"containers": [{"name": "server"}], **account}}}}
    resolver = Resolver(lambda: Policy.of(fake.address), bounds=Bounds(deadline_seconds=20.0))
    review = Review.parse(json.dumps(request_body(workload, kind={"kind": "Deployment"})).encode())
    response = admit_workload(review, Catalog(), Settings(), resolver.asking("team")).answer["response"]
    resolver.close()
    assert response["allowed"] is True
    assert [warning.partition("]")[0] for warning in response["warnings"]] == ["[source.hidden"]


@pytest.mark.parametrize(("options", "asked"), [([], 1), (["--offline"], 0)])
def test_inject_asks_by_the_same_rules_or_nobody(
    fake: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], asked: int
) -> None:
    """The file shows the pod that the cluster makes, with its digest."""
    config, pod = tmp_path / "config.yaml", tmp_path / "pod.json"
    catalog = {"kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}, "data": {"phi-4": fake.reference()}}
    config.write_text(json.dumps(catalog))
    pod.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", **_pod("phi-4")}))
    assert weighbridge.main(["inject", "-f", str(pod), "--config", str(config), *options]) == 0
    assert len(fake.requests) == asked
    assert (str(Digest.of(_MANIFEST.to_bytes())) in capsys.readouterr().out) is bool(asked)


def test_a_slow_registry_holds_up_nobody(server: Webhook, fake: FakeRegistry) -> None:
    """Its own pods are injected unpinned, within the deadline; those of others do not wait."""
    fake.fail(mannered(Manner(trickles_at=0)), path="/manifests/")
    with ThreadPoolExecutor(40) as pool:
        began = time.monotonic()
        slow = [
            pool.submit(_admitted, server, _pod("phi-4", fake.reference(f"t{number}")), f"team-{number % 10}")
            for number in range(40)
        ]
        assert _admitted(server, _pod("hub"))["allowed"] is True
        assert time.monotonic() - began < _PROMPT_SECONDS
        for answer in (one.result() for one in slow):
            assert answer["allowed"] is True
            assert [warning.partition("]")[0] for warning in answer["warnings"]] == ["[source.unpinned"]
        assert time.monotonic() - began < 2 * _PROMPT_SECONDS


def test_slow_registries_do_not_add_up_for_large_pods(silent: tuple[Webhook, list[str]]) -> None:
    """They are decided by one thread, and each has its answer before the API server gives up."""
    server, addresses = silent
    pods = [_pod("phi-4", f"{address}/team/phi-4:v1") for address in addresses]
    for pod in pods:
        pod["metadata"]["annotations"]["notes"] = "x" * (SMALL_BYTES + 1)
    began = time.monotonic()
    with ThreadPoolExecutor(len(pods)) as pool:
        for answer in pool.map(partial(_admitted, server), pods):
            assert answer["allowed"] is True
            assert [warning.partition("]")[0] for warning in answer["warnings"]] == ["[source.unpinned"]
    assert time.monotonic() - began < _PROMPT_SECONDS
