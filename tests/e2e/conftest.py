"""The main job's stage: a registry with a model, a webhook in front of a real API server."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Part
from tests.deploy.rendered import DEPLOY, render
from tests.parts.admission import Webhook, pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer
from tests.parts.distribution import Registry
from tests.parts.objects import Namespace, Object, Objects

from .kubelet import Node

OPTED_IN = {"weighbridge.dev/injection": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}
MODEL = "tiny"

Kubectl = Callable[..., str]


def labelled_pod(name: str, model: str = MODEL) -> Object:
    """Return a pod that asks for a model and satisfies the restricted profile."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"weighbridge.dev/model": model}},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "server",
                    "image": "registry.example/server:1",
                    "args": ["--model", "$(WEIGHBRIDGE_MODEL_PATH)"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


def bare_pod(name: str) -> Object:
    """Return the same pod without its label."""
    pod = labelled_pod(name)
    del pod["metadata"]["labels"]
    return pod


def plain_deployment() -> Object:
    """Return a Deployment named vllm that asks for nothing."""
    template = {"metadata": {"labels": {"app": "vllm"}}, "spec": labelled_pod("")["spec"]}
    spec = {"selector": {"matchLabels": {"app": "vllm"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "vllm"}, "spec": spec}


def push(folder: Path, reference: str) -> str:
    """Push a folder with the command that a user has; give what it printed, the pinned reference."""
    command = [sys.executable, "-m", "weighbridge", "push", str(folder), reference, "--quiet"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small model with what trips copiers up: nesting, an empty file, spaces, letters beyond ASCII."""
    folder = tmp_path_factory.mktemp("model")
    files = {
        "config.json": b'{"architectures": ["TinyForCausalLM"]}\n',
        "model-00001-of-00002.safetensors": bytes(range(256)) * (20 << 10),
        "model-00002-of-00002.safetensors": b"\0" * (3 << 20),
        "tokenizer/vocabulary of words.txt": "Fähre, Brücke, 橋\n".encode(),
        "tokenizer/größe.json": b"[]",
        "empty": b"",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="package")
def pushed(model: Path, registry: Registry) -> str:
    """Push the model, and give its pinned reference."""
    return push(model, f"{registry.address}/models/{MODEL}:latest")


@pytest.fixture(scope="package")
def webhook(
    registry: Registry, basic_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """Run the shipped server, with the examples' catalog and the test registry as the default prefix."""
    catalog = YAML(typ="safe", pure=True).load(DEPLOY / "examples" / "catalog.yaml")["data"]
    private = {"private": f"oci://{basic_registry.address}/models/private:v1"}
    settings = {"PULLER_IMAGE": "registry.example/weighbridge:0.1.0", "DEFAULT_PREFIX": f"{registry.address}/models"}
    with running_webhook(tmp_path_factory.mktemp("webhook"), catalog | private, settings) as running:
        yield running


@pytest.fixture(scope="package")
def configuration(part: Part) -> Object:
    """Return the rendered MutatingWebhookConfiguration."""
    (found,) = [one for one in render(part("kubectl")) if one["kind"] == "MutatingWebhookConfiguration"]
    return found


@pytest.fixture(scope="module")
def objects(api_server: ApiServer) -> Objects:
    """Return the API server's objects."""
    return api_server.objects()


@pytest.fixture(scope="module")
def admitting(objects: Objects, webhook: Webhook, configuration: Object, pushed: str) -> Iterator[Objects]:
    """Have the API server ask the webhook, and give its objects meanwhile."""
    assert pushed
    with registered(objects, pointed_at(webhook, configuration), labelled_pod("probe")):
        yield objects


@pytest.fixture
def namespace(admitting: Objects) -> Namespace:
    """Make a namespace that opted in and enforces the restricted profile."""
    return admitting.namespace("inference", OPTED_IN)


@pytest.fixture
def kubectl(part: Part, api_server: ApiServer) -> Kubectl:
    """Return kubectl, which gives what it says on stderr."""

    def run(*arguments: str, stdin: str = "") -> str:
        command: list[str | Path] = [part("kubectl"), f"--kubeconfig={api_server.kubeconfig}", *arguments]
        answer = subprocess.run(command, input=stdin, check=False, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    return run


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node without any secret."""
    return Node(tmp_path / "node")
