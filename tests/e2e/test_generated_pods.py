"""Pods that nobody thought of, made by the API server's own schema: an answer for each, and no field lost."""

import base64
import json
import os
import random
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from flask.testing import FlaskClient
from kubernetes.client.exceptions import ApiException

from tests.fakes.openapi import Generator
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Namespace
from tests.webhook.test_review import request_body
from webhook.catalog import CatalogDirectory
from webhook.contract import KEYS, MODEL
from webhook.server.app import create_app
from webhook.server.metrics import Metrics
from webhook.settings import Settings

PODS = 300 * int(os.environ.get("WEIGHBRIDGE_LAWS", "1"))
_BATCHES = 10
_VALUES = (
    "phi-4", "nobody", "", "emptydir", "memory", "pvc:claim", "pvc:claim/sub", "image", "/m", "server", "a,b", "always",
    "registry.example/m:v1", "hf://org/name", "huggingface", "vllm", "cpu=1", "[" * 2000, "null", "{}", "x" * 5000,
)  # fmt: skip


@pytest.fixture(scope="module")
def schemas(api_server: ApiServer) -> dict[str, Any]:
    """Return the schemas of the API server's core group."""
    trusted = ssl.create_default_context(cafile=str(api_server.ca_file))
    headers = {"Authorization": f"Bearer {api_server.admin_token}"}
    request = urllib.request.Request(f"{api_server.url}/openapi/v3/api/v1", headers=headers)
    with urllib.request.urlopen(request, timeout=30, context=trusted) as answer:
        found: dict[str, Any] = json.loads(answer.read())["components"]["schemas"]
        return found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Return the application with a model in its catalog."""
    folder = tmp_path_factory.mktemp("catalog")
    (folder / "phi-4").write_text("registry.example.com/phi-4:v1")
    catalog = CatalogDirectory(folder)
    return create_app(Settings(), catalog, Metrics(catalog, Path(folder))).test_client()


def _pod(schemas: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a pod of the schema that asks for a model, with any of our annotations."""
    chance = random.Random(seed)
    spec = Generator(schemas, seed).value("io.k8s.api.core.v1.PodSpec")
    if seed % 2:
        _name(spec)
    keys = [key for key in KEYS if key.kind == "annotation" and chance.random() < 0.15]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "generated",
            "labels": {MODEL.name: "phi-4"},
            "annotations": {key.name: chance.choice(_VALUES) for key in keys},
        },
        "spec": spec,
    }


def _name(spec: dict[str, Any]) -> None:
    """Give containers and volumes names that are valid, as no other pod is ever stored."""
    for place in ("initContainers", "containers", "volumes"):
        for number, item in enumerate(spec.get(place, [])):
            item["name"] = f"{place.lower()}-{number}"


def _response(client: FlaskClient, pod: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/mutate/pods", json=request_body(pod, namespace="team"))
    assert answer.status_code == 200, answer.get_json()
    response: dict[str, Any] = answer.get_json()["response"]
    assert response.get("status", {}).get("code") != 500, response
    return response


def _is_kept(before: Any, after: Any) -> bool:
    """Return whether all of one value is in another: mappings may have grown, and lists too, in their order."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(key in after and _is_kept(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        rest = iter(after)
        return all(any(_is_kept(item, other) for other in rest) for item in before)
    return type(before) is type(after) and bool(before == after)


def _without_ours(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a pod without the annotations that are the webhook's to write."""
    annotations = pod["metadata"].get("annotations", {})
    ours = ("weighbridge.dev/status", "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes")
    kept = {key: value for key, value in annotations.items() if key not in ours}
    return pod | {"metadata": pod["metadata"] | {"annotations": kept}}


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_every_pod_of_the_schema_gets_an_answer_and_loses_nothing(
    client: FlaskClient, schemas: dict[str, Any], batch: int
) -> None:
    """No crash; a patch applies, keeps each of the user's fields, and a second pass changes nothing."""
    injected = 0
    for seed in range(batch * PODS // _BATCHES, (batch + 1) * PODS // _BATCHES):
        pod = _pod(schemas, seed)
        response = _response(client, pod)
        if "patch" not in response:
            continue
        injected += 1
        after = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(response["patch"])))
        assert _is_kept(_without_ours(pod), after), seed
        assert seed % 2 == 0 or "patch" not in _response(client, after), seed
    assert injected


def test_the_api_server_takes_every_patch(namespace: Namespace, schemas: dict[str, Any]) -> None:
    """What is invalid is refused as such; no patch fails, and no answer is an error that the pod alone has not."""
    for seed in range(PODS // 3):
        pod = _pod(schemas, seed)
        status = _status(namespace, pod)
        if status not in (201, 400, 403, 422):  # such as the server's own for a runtime class with a slash in its name
            assert _status(namespace, _unlabelled(pod)) == status, seed


def _unlabelled(pod: dict[str, Any]) -> dict[str, Any]:
    return pod | {"metadata": pod["metadata"] | {"labels": {}}}


def _status(namespace: Namespace, pod: dict[str, Any]) -> int:
    try:
        namespace.create(pod, dry_run="All")
    except ApiException as refusal:
        return int(refusal.status or 0)
    return 201
