"""The stage of all scenarios: our image, registries with models, an install, and engines."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.oci_image import write_image
from tests.cluster.registry import ClusterRegistry
from tests.parts.distribution import PASSWORD, USER, basic_auth
from tests.parts.objects import Object

from .install import Install

ROOT = Path(__file__).parents[3]
IMAGE = "localhost/weighbridge"
MODEL_BYTES = 24 << 20
GATE = "10.200.0.1:5080"
"""Where the front of a registry serves that takes ServiceAccounts' tokens."""


_OPTED_IN = {"weighbridge.dev/injection": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}
_SERVE = ("python", "/engine.py")
_numbers = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what the webhook says of it: a request that it never saw was lost on the way."""
    report = yield
    installed = item.funcargs.get("installed")
    if report.failed and call.when == "call" and isinstance(installed, Install):
        report.sections.append(("the webhook", installed.said()))
    return report


@pytest.fixture(scope="session")
def archive() -> Path:
    """Build our image as `make image` does, and return the archive."""
    environ = {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}  # the tests' has no file
    subprocess.run([ROOT / "deploy" / "image" / "build.sh"], env=environ, check=True)
    return ROOT / "build" / "weighbridge.tar"


@pytest.fixture(scope="session")
def image(cluster: Cluster, archive: Path) -> str:
    """Have the node hold our image under the name that the manifests have, and return that name."""
    cluster.image_of(archive, f"{IMAGE}:0.1.0")
    return f"{IMAGE}:0.1.0"


@pytest.fixture(scope="session")
def registry(cluster: Cluster) -> Iterator[ClusterRegistry]:
    """Run a registry that is open to all."""
    with cluster.registry() as running:
        yield running


@pytest.fixture(scope="session")
def engines(
    cluster: Cluster, archive: Path, registry: ClusterRegistry, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Push two versions of an engine to the open registry, from which the kubelet pulls them; return their names."""
    program = (ROOT / "tests" / "cluster" / "scenarios" / "engine.py").read_bytes()
    folder = tmp_path_factory.mktemp("engines")
    for version in ("1", "2"):
        target = folder / f"{version}.tar"
        write_image(target, "", {"engine.py": program, "version": version.encode()}, _SERVE, base=archive)
        copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", f"oci-archive:{target}"]
        cluster.run([*copy, f"docker://{registry.address}/engine:{version}"])
    return f"{registry.address}/engine:1", f"{registry.address}/engine:2"


@pytest.fixture(scope="session")
def private_registry(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRegistry]:
    """Run a registry that asks for distribution's USER and PASSWORD."""
    with cluster.registry(auth=basic_auth(tmp_path_factory.mktemp("private"))) as running:
        yield running


@pytest.fixture(scope="session")
def slow_registry(cluster: Cluster) -> Iterator[ClusterRegistry]:
    """Run a registry on a line of 16 Mbit/s: MODEL_BYTES need 12 seconds."""
    with cluster.registry(rate="16mbit") as running:
        yield running


@pytest.fixture(scope="session")
def lost_registry(cluster: Cluster) -> Iterator[ClusterRegistry]:
    """Run a registry on such a line for the one test that ends it."""
    with cluster.registry(rate="16mbit") as running:
        yield running


@pytest.fixture(scope="session")
def installed(
    cluster: Cluster,
    image: str,
    registry: ClusterRegistry,
    private_registry: ClusterRegistry,
    slow_registry: ClusterRegistry,
    lost_registry: ClusterRegistry,
) -> Install:
    """Install the shipped manifests, which name our image."""
    assert image
    registries = (registry, private_registry, slow_registry, lost_registry)
    addresses = ",".join([GATE, *(one.address for one in registries)])
    install = Install(cluster, {"PLAIN_HTTP": addresses, "DEFAULT_PREFIX": f"{registry.address}/models"})
    install.name_image(IMAGE, "0.1.0")
    install.apply()
    return install


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a model of MODEL_BYTES."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text('{"architectures": ["TinyForCausalLM"]}\n')
    (folder / "model.safetensors").write_bytes(Random(17).randbytes(MODEL_BYTES))
    return folder


@pytest.fixture(scope="session")
def pushed(cluster: Cluster, model: Path, registry: ClusterRegistry) -> str:
    """Push the model to where the label `tiny` leads, and return its pinned reference."""
    return push(cluster, model, f"{registry.address}/models/tiny:latest")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Make a namespace that opted in and enforces the restricted profile, and have it deleted afterwards.

    What was refused there would get its pods, without a model, while another test has uninstalled the webhook.
    """
    name = f"inference-{next(_numbers)}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _OPTED_IN}})
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what prints a text past pytest's capture: figures that a reader of the run wants."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


def push(cluster: Cluster, folder: Path, reference: str, *options: str | Path) -> str:
    """Push a folder from the node, with the command that a user has; give the pinned reference."""
    command = [sys.executable, "-m", "weighbridge", "push", folder, reference, "--quiet", "--plain-http", *options]
    return cluster.run(command).strip()


def credentials(registry: ClusterRegistry) -> str:
    """Return the content of a docker config that opens the private registry."""
    return json.dumps({"auths": {registry.address: {"username": USER, "password": PASSWORD}}})


def deployment(image: str, replicas: int = 1) -> Object:
    """Return a Deployment `engine` that knows nothing of models but where one will be."""
    container = {
        "name": "engine",
        "image": image,
        "args": ["--model", "/models/tiny"],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "192Mi"}, "limits": {"memory": "192Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "securityContext": security | {"fsGroup": 1000},
        "terminationGracePeriodSeconds": 5,
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": "engine"}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "engine"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "engine"}}, "template": template},
    }


def bare_pod(image: str, name: str, **spec: Any) -> Object:
    """Return a bare pod as that Deployment makes them, with what else its spec should have."""
    template = deployment(image)["spec"]["template"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template["spec"] | spec}


def labelled(document: Object, model: str, **annotations: str) -> Object:
    """Return a workload with the label, and annotations of ours by their names with `_` for `-`."""
    ours = {f"weighbridge.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
    metadata = document["metadata"] | {"labels": {"weighbridge.dev/model": model}, "annotations": ours}
    return document | {"metadata": metadata}


def rolled_out(cluster: Cluster, namespace: str) -> list[Object]:
    """Wait for the rollout of the Deployment `engine`, and return its pods once the former ones are gone."""
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/engine", "--timeout=120s")

    def alone() -> list[Object] | None:
        pods = cluster.read("pods", "-n", namespace, "-l", "app=engine")["items"]
        return None if any("deletionTimestamp" in pod["metadata"] for pod in pods) else pods

    return cluster.wait("the former pods are gone", alone)


def report(cluster: Cluster, pod: Object) -> Object:
    """Return what the engine in a pod says that it was given."""
    metadata = pod["metadata"]
    said: Object = json.loads(cluster.kubectl("-n", metadata["namespace"], "logs", metadata["name"], "-c", "engine"))
    return said


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a folder, by its path there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
