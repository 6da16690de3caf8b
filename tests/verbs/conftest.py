"""An install at an API server of its own: the shipped manifests, a webhook that answers, and what controllers make."""

import base64
import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client

import weighbridge
from certs.bundle import Bundle
from certs.manifests import secret
from tests.conftest import Part
from tests.deploy.rendered import render
from tests.e2e.conftest import OPTED_IN, labelled_pod, push
from tests.parts.admission import Webhook, pointed_at, running_webhook
from tests.parts.apiserver import ApiServer, running_api_server
from tests.parts.distribution import Registry
from tests.parts.objects import Object, Objects
from tests.parts.process import poll

SYSTEM = "weighbridge-system"
TEAM = "team"
_READY_SECONDS = 30


@dataclass(frozen=True)
class Install:
    """An install that works, as far as an API server without nodes can tell."""

    server: ApiServer
    objects: Objects
    bundle: Bundle
    configuration: Object
    """The MutatingWebhookConfiguration that leads to the running webhook."""

    registry: Registry

    def changed(self, document: Object, change: Callable[[Object], object]) -> AbstractContextManager[None]:
        """Change a stored object until the block ends."""
        return self._for_a_while(_changed(self.objects, document, change))

    def absent(self, document: Object) -> AbstractContextManager[None]:
        """Remove a stored object until the block ends."""
        return self._for_a_while(_absent(self.objects, document))

    def present(self, document: Object) -> AbstractContextManager[None]:
        """Keep another object until the block ends."""
        return _present(self.objects, document)

    @contextmanager
    def _for_a_while(self, change: AbstractContextManager[None]) -> Iterator[None]:
        """Have a change until the block ends; then wait until the API server, which may see it late, injects again."""
        with change:
            yield
        assert poll(lambda: comes_back_injected(self.objects), _READY_SECONDS), "nothing is injected any more"

    def read(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return a stored object."""
        return self.objects.read(api_version, kind, name, namespace)

    def run(self, *arguments: str) -> int:
        """Run a verb of the command against this cluster; return its exit code."""
        return weighbridge.main([*arguments, "--kubeconfig", str(self.server.kubeconfig)])


@pytest.fixture(scope="package")
def server(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run an API server of its own: others install there, too."""
    programs = {name: part(name) for name in ("etcd", "kube-apiserver")}
    with running_api_server(programs, tmp_path_factory.mktemp("api-server")) as running:
        yield running


@pytest.fixture(scope="package")
def catalog(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Push a model, and return a catalog that names it."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text("{}")
    reference = f"{registry.address}/verbs/phi-4:v1"
    push(folder, reference)
    return {"phi-4": f"oci://{reference}"}


@pytest.fixture(scope="package")
def webhook(catalog: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Webhook, Path]]:
    """Run the shipped server; give it with its folder."""
    folder = tmp_path_factory.mktemp("webhook")
    with running_webhook(folder, catalog, {"PULLER_IMAGE": "registry.example/weighbridge:0.1.0"}) as running:
        yield running, folder


@pytest.fixture(scope="package")
def install(
    server: ApiServer, webhook: tuple[Webhook, Path], catalog: dict[str, str], registry: Registry, part: Part
) -> Install:
    """Install the shipped manifests, and play the controllers and the kubelet."""
    running, folder = webhook
    objects = server.objects()
    rendered = render(part("kubectl"))
    (configuration,) = [one for one in rendered if one["kind"] == "MutatingWebhookConfiguration"]
    for document in rendered:
        if document is not configuration:
            objects.create(document, document["metadata"].get("namespace"))
    objects.merge(_catalog_map(catalog), SYSTEM)
    bundle = Bundle(
        ca_certificate=running.ca_certificate,
        ca_key=None,
        certificate=(folder / "tls/tls.crt").read_bytes(),
        key=(folder / "tls/tls.key").read_bytes(),
    )
    objects.create(secret(bundle, SYSTEM), SYSTEM)
    _play_controllers(server, objects)
    pointed = pointed_at(running, configuration)
    objects.create(pointed)
    objects.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": OPTED_IN}})
    assert poll(lambda: comes_back_injected(objects), _READY_SECONDS), running.process.said()
    return Install(server, objects, bundle, pointed, registry)


def base64_text(content: bytes) -> str:
    """Return bytes as a Secret holds them."""
    return base64.b64encode(content).decode()


def set_status(server: ApiServer, document: Object, status: Object) -> None:
    """Set the status of a Deployment or a pod in its namespace, as a controller or a kubelet does."""
    name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
    if document["kind"] == "Deployment":
        client.AppsV1Api(server.client()).patch_namespaced_deployment_status(name, namespace, {"status": status})
    else:
        client.CoreV1Api(server.client()).patch_namespaced_pod_status(name, namespace, {"status": status})


def _catalog_map(entries: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}, "data": entries}


def _play_controllers(server: ApiServer, objects: Objects) -> None:
    deployment = objects.read("apps/v1", "Deployment", "weighbridge-webhook", SYSTEM)
    set_status(server, deployment, {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2})
    template = deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "weighbridge-webhook-0"} | template["metadata"]}
    made = objects.create(pod | {"spec": template["spec"]}, SYSTEM)
    running = {
        "name": "webhook",
        "image": "x",
        "imageID": "x",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {}},
    }
    set_status(server, made, {"phase": "Running", "containerStatuses": [running]})
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "weighbridge-webhook-x", "labels": {"kubernetes.io/service-name": "weighbridge-webhook"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": 10250}],
    }
    objects.create(slice_, SYSTEM)


def comes_back_injected(objects: Objects) -> bool:
    """Return whether the API server gives a labelled pod its model by now."""
    try:
        made = objects.create(labelled_pod("probe", "phi-4"), TEAM, dry_run="All")
    except client.exceptions.ApiException:
        return False
    return "weighbridge.dev/status" in made["metadata"].get("annotations", {})


def _bare(document: Object) -> Object:
    """Return an object as it can be created again."""
    kept = ("name", "namespace", "labels", "annotations")
    metadata = {key: value for key, value in document["metadata"].items() if key in kept}
    return {key: value for key, value in document.items() if key != "status"} | {"metadata": metadata}


@contextmanager
def _changed(objects: Objects, document: Object, change: Callable[[Object], object]) -> Iterator[None]:
    before, after = _bare(document), copy.deepcopy(_bare(document))
    change(after)
    namespace = document["metadata"].get("namespace")
    _replace(objects, after, namespace)
    try:
        yield
    finally:
        _replace(objects, before, namespace)


def _replace(objects: Objects, document: Object, namespace: str | None) -> None:
    stored = objects.read(document["apiVersion"], document["kind"], document["metadata"]["name"], namespace)
    version = {"resourceVersion": stored["metadata"]["resourceVersion"]}
    objects.replace(document | {"metadata": document["metadata"] | version}, namespace)


@contextmanager
def _absent(objects: Objects, document: Object) -> Iterator[None]:
    namespace = document["metadata"].get("namespace")
    objects.delete(document["apiVersion"], document["kind"], document["metadata"]["name"], namespace)
    try:
        yield
    finally:
        objects.create(_bare(document), namespace)


@contextmanager
def _present(objects: Objects, document: Object) -> Iterator[None]:
    namespace = document["metadata"].get("namespace")
    made = objects.create(document, namespace)
    try:
        yield
    finally:
        objects.delete(document["apiVersion"], document["kind"], made["metadata"]["name"], namespace)
