"""The webhook over HTTP; tests/e2e has it behind gunicorn and a real API server."""

import base64
import datetime as dt
import json
import logging
import time
from pathlib import Path
from typing import Any, NoReturn

import jsonpatch
import pytest
from flask import Flask
from flask.testing import FlaskClient

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names
from webhook.catalog import Catalog, CatalogDirectory
from webhook.contract import MODEL, SOURCE
from webhook.injection.inject import Injection, inject
from webhook.resolving.answer import Ask, ask_nobody
from webhook.server.app import create_app
from webhook.server.connection import BODY_LIMIT
from webhook.server.metrics import Metrics
from webhook.server.wsgi import RECEIVED
from webhook.settings import Settings

from .test_review import request_body

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
POD: dict[str, Any] = {
    "metadata": {"generateName": "vllm-", "labels": {MODEL.name: "phi-4"}},
    "spec": {"containers": [{"name": "server"}]},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a catalog and a valid certificate."""
    catalog, tls = tmp_path / "catalog", tmp_path / "tls"
    catalog.mkdir()
    (catalog / "phi-4").write_text("registry.example.com/phi-4:v1")
    write_bundle(issue(Names.parse("w", "n", [], []), NOW).without_ca_key(), tls)
    return Settings(catalog_directory=str(catalog), tls_directory=str(tls))


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    """Return the application at its door."""
    return _app(settings, NOW).test_client()


@pytest.fixture
def broken_client(settings: Settings) -> FlaskClient:
    """Return an application with a mistake in it."""

    class BrokenCatalog(CatalogDirectory):
        def current(self) -> Catalog:
            raise ZeroDivisionError

    return _app(settings, NOW, BrokenCatalog(Path())).test_client()


def _app(settings: Settings, now: dt.datetime, catalog: CatalogDirectory | None = None) -> Flask:
    catalog = catalog or CatalogDirectory(Path(settings.catalog_directory))
    return create_app(settings, catalog, Metrics(catalog, Path(settings.tls_directory)), lambda: now)


def test_a_labelled_pod_is_answered_with_its_patch(client: FlaskClient) -> None:
    """The patch makes the very pod that `inject` gives."""
    answer = client.post("/mutate/pods?timeout=5s", json=request_body(POD, namespace="team"))
    response = answer.get_json()["response"]
    patched = jsonpatch.apply_patch(POD, json.loads(base64.b64decode(response["patch"])))
    expected = inject(POD, Catalog.read({"phi-4": "registry.example.com/phi-4:v1"}), Settings())
    assert isinstance(expected, Injection)
    assert (answer.status_code, response["allowed"], patched) == (200, True, expected.pod)


def test_a_pod_that_cannot_get_its_model_is_refused_with_the_hint(client: FlaskClient) -> None:
    """The user reads code, facts and what to mend."""
    pod = POD | {"metadata": {"labels": {MODEL.name: "phi-5"}}}
    response = client.post("/mutate/pods", json=request_body(pod)).get_json()["response"]
    assert response["allowed"] is False
    assert response["status"]["message"].startswith("[model.unknown] the model 'phi-5'")
    assert "did you mean phi-4?" in response["status"]["message"]


def test_a_pod_without_the_label_passes_unchanged(client: FlaskClient) -> None:
    """An answer without changes has neither patch nor type."""
    response = client.post("/mutate/pods", json=request_body({"metadata": {}})).get_json()["response"]
    assert response == {"uid": "u-1", "allowed": True}


def test_a_warning_comes_with_the_patch(client: FlaskClient) -> None:
    """An annotation that does nothing is spoken of at once."""
    pod = POD | {"metadata": POD["metadata"] | {"annotations": {SOURCE.name + "s": "x"}}}
    response = client.post("/mutate/pods", json=request_body(pod)).get_json()["response"]
    assert response["allowed"] is True
    assert len(response["warnings"]) == 1


def test_a_labelled_workload_has_its_template_labelled(client: FlaskClient) -> None:
    """Labelling a Deployment rolls it out."""
    workload = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"template": {"spec": {}}}}
    body = request_body(workload, kind={"group": "apps", "version": "v1", "kind": "Deployment"}, oldObject=None)
    response = client.post("/mutate/workloads", json=body).get_json()["response"]
    patched = jsonpatch.apply_patch(workload, json.loads(base64.b64decode(response["patch"])))
    assert patched["spec"]["template"]["metadata"]["labels"] == {MODEL.name: "phi-4"}


def test_a_workload_is_told_that_its_pods_will_be_refused(client: FlaskClient) -> None:
    """Whoever applies a Deployment never sees the refusal of its pods, but sees this warning."""
    metadata = {"labels": {MODEL.name: "phi-5"}, "annotations": {SOURCE.name + "s": "x"}}
    workload = {"metadata": metadata, "spec": {"template": {"spec": {}}}}
    body = request_body(workload, kind={"kind": "Deployment"})
    response = client.post("/mutate/workloads", json=body).get_json()["response"]
    assert response["allowed"] is True
    stray, forecast = response["warnings"]
    assert "did you mean" in stray
    assert forecast.startswith("its pods will be refused: [model.unknown]")


def test_a_workload_is_told_what_its_pods_will_be_warned_of(client: FlaskClient) -> None:
    """A warning about a pod would reach the controller that creates it, and nobody else."""
    resources = {"limits": {"memory": "64Mi"}}
    template = {"spec": {"containers": [{"name": "server", "resources": resources}]}}
    workload = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"template": template}}
    body = request_body(workload, kind={"kind": "Deployment"})
    response = client.post("/mutate/workloads", json=body).get_json()["response"]
    assert [warning.partition(" ")[0] for warning in response["warnings"]] == ["[puller-resources.low]"]


def test_another_kind_passes_the_workloads_webhook(client: FlaskClient) -> None:
    """A rule that is too wide does no harm."""
    response = client.post("/mutate/workloads", json=request_body(POD)).get_json()["response"]
    assert response == {"uid": "u-1", "allowed": True}


def _body(extra: str) -> bytes:
    """Make a review of a labelled pod with one field more, as text."""
    return json.dumps(request_body(POD | {"extra": "EXTRA"})).replace('"EXTRA"', extra).encode()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"no json", "application/json", 400, "review.malformed"),
        (b"{}", "application/json", 400, "review.malformed"),
        (b"\xff", "application/json", 400, "review.malformed"),
        (b"{}", "text/plain", 415, "review.content-type"),
        (b"{}", "", 415, "review.content-type"),
        (b" " * (BODY_LIMIT + 1), "application/json", 413, "review.too-large"),
        (b"[" + b"{}," * 200_000 + b"{}]", "application/json", 413, "review.too-large"),
        (_body('{"x":' * 700 + "0" + "}" * 700), "application/json", 400, "review.malformed"),
        (_body("NaN"), "application/json", 400, "review.malformed"),
        (_body("-Infinity"), "application/json", 400, "review.malformed"),
        (_body("1e999"), "application/json", 400, "review.malformed"),
        (_body("1" * 5000), "application/json", 400, "review.malformed"),
        (_body("1").decode().encode("utf-16"), "application/json", 400, "review.malformed"),
    ],
)
@pytest.mark.parametrize("path", ["/mutate/pods", "/mutate/workloads"])
def test_a_bad_request_is_told_what_is_wrong(
    client: FlaskClient, path: str, body: bytes, content_type: str, status: int, code: str
) -> None:
    """Each has its HTTP status, a stable code, the reason and a hint."""
    answer = client.post(path, data=body, content_type=content_type)
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message"]
    assert told["hint"]


def test_a_crash_refuses_a_pod_and_is_logged(broken_client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A labelled pod never starts without its weights in silence: even a mistake of ours is an answer."""
    response = broken_client.post("/mutate/pods", json=request_body(POD)).get_json()["response"]
    assert (response["allowed"], response["status"]["code"]) == (False, 500)
    assert response["status"]["message"].startswith("[internal] ")
    assert any(record.exc_info for record in caplog.records)


def test_a_crash_lets_a_workload_pass_with_a_warning(broken_client: FlaskClient) -> None:
    """A mistake of ours keeps nobody from applying a Deployment."""
    workload = {"metadata": {"labels": {MODEL.name: "phi-4"}}}
    body = request_body(workload, kind={"kind": "Deployment"})
    response = broken_client.post("/mutate/workloads", json=body).get_json()["response"]
    assert response["allowed"] is True
    assert response["warnings"][0].startswith("[internal] ")


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/mutate/pods", "refused"),
        ("/mutate/workloads", "failed"),
    ],
)
def test_a_crash_is_counted_as_what_alerts_look_at(settings: Settings, path: str, result: str) -> None:
    """Whether it refused the object or let it pass: somebody wakes up."""
    catalog = CatalogDirectory(Path(settings.catalog_directory))
    metrics = Metrics(catalog, Path(settings.tls_directory))

    def crash(_namespace: str, _until: float) -> NoReturn:
        raise ZeroDivisionError

    client = create_app(settings, catalog, metrics, lambda: NOW, crash).test_client()
    client.post(path, json=request_body(POD, kind={"kind": "Deployment"}))
    name = path.rpartition("/")[2]
    line = f'weighbridge_admission_requests_total{{reason="internal",result="{result}",webhook="{name}"}} 1.0'
    assert line in metrics.exposition("text/plain")[0].decode().splitlines()


def test_the_time_of_an_answer_counts_the_wait_for_a_thread(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The API server waits for it, too, and an alert looks at it."""
    with caplog.at_level(logging.INFO, "webhook.decisions"):
        client.post("/mutate/pods", json=request_body(POD), environ_overrides={RECEIVED: time.monotonic() - 3})
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "webhook.decisions"]
    assert line["milliseconds"] >= 3000


def test_registries_are_waited_for_as_the_age_of_the_request_allows(settings: Settings) -> None:
    """Not from the moment on at which a thread was free."""
    asked: list[tuple[str, float]] = []

    def asking(namespace: str, until: float) -> Ask:
        asked.append((namespace, until))
        return ask_nobody

    catalog = CatalogDirectory(Path(settings.catalog_directory))
    metrics = Metrics(catalog, Path(settings.tls_directory))
    client = create_app(settings, catalog, metrics, lambda: NOW, asking).test_client()
    client.post("/mutate/pods", json=request_body(POD, namespace="team"), environ_overrides={RECEIVED: 100.0})
    assert asked == [("team", 102.5)]


def test_each_decision_is_one_line_of_json(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Namespace, name, uid, code and time, for whoever searches the log."""
    with caplog.at_level(logging.INFO, "webhook.decisions"):
        client.post("/mutate/pods", json=request_body(POD, namespace="team"))
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "webhook.decisions"]
    assert line.pop("milliseconds") > 0
    assert line == {
        "webhook": "/mutate/pods",
        "operation": "CREATE",
        "kind": "Pod",
        "namespace": "team",
        "name": "vllm-",
        "uid": "u-1",
        "dry_run": False,
        "result": "changed",
        "code": "injected",
    }


def test_a_server_is_ready_while_its_certificate_is_good(settings: Settings) -> None:
    """An expired certificate takes the replica out of the Service, but does not kill it."""
    much_later = _app(settings, NOW + dt.timedelta(days=4000)).test_client()
    assert _app(settings, NOW).test_client().get("/readyz").status_code == 200
    answer = much_later.get("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "tls.invalid")
    assert much_later.get("/healthz").status_code == 200
