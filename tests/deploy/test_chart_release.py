"""Laws of a release: Helm packs the chart, pushes it to a registry, and installs it from there on an API server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from certs.manifests import CONFIGURATION, FIELD_MANAGER, SECRET
from registry.version import VERSION
from tests.conftest import Part
from tests.parts.apiserver import ApiServer, running_api_server
from tests.parts.distribution import Registry

from .helm import CHART, NAMESPACE, Helm

_RELEASE = ("weighbridge", "--namespace", NAMESPACE)
_WAYS = ("true", "false")
"""Helm 4 applies on the server, Helm 3 merges three ways on the client; `--server-side` chooses."""


@pytest.fixture(scope="module")
def cluster(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run an API server of this module's own: a release wants names that nobody else has used."""
    programs = {name: part(name) for name in ("etcd", "kube-apiserver")}
    with running_api_server(programs, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def helm(part: Part, cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return Helm with the administrator's kubeconfig."""
    return Helm(part("helm"), tmp_path_factory.mktemp("helm"), cluster.kubeconfig)


@pytest.fixture(scope="module")
def published(helm: Helm, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Pack and push the chart as an OCI artifact; return the arguments that name it."""
    folder = tmp_path_factory.mktemp("package")
    helm("package", CHART, "--destination", folder)
    helm("push", folder / f"weighbridge-{VERSION}.tgz", f"oci://{registry.address}/charts", "--plain-http")
    return (f"oci://{registry.address}/charts/weighbridge", "--version", VERSION, "--plain-http")


@pytest.fixture
def release(helm: Helm, published: tuple[str, ...], server_side: str) -> Iterator[tuple[str, ...]]:
    """Install the chart from the registry; afterwards uninstall what is left."""
    helm("install", *_RELEASE, *published, "--create-namespace", f"--server-side={server_side}")
    yield published
    helm("uninstall", *_RELEASE, "--ignore-not-found")


def _trust(part: Part, cluster: ApiServer) -> None:
    """Do what the webhook's certificate thread does: write the Secret, and the CAs under a field manager of its own."""
    init = [sys.executable, "-m", "weighbridge", "certs", "init"]
    material = subprocess.run(init, check=True, capture_output=True, cwd=CHART.parents[1]).stdout
    apply = ["apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-"]
    command: list[str | Path] = [part("kubectl"), f"--kubeconfig={cluster.kubeconfig}", *apply]
    subprocess.run(command, check=True, input=material, capture_output=True)


def _bundles(cluster: ApiServer) -> list[str]:
    hooks = client.AdmissionregistrationV1Api(cluster.client())
    configuration = hooks.read_mutating_webhook_configuration(CONFIGURATION)
    return [str(webhook.client_config.ca_bundle) for webhook in configuration.webhooks or []]


@pytest.mark.parametrize("server_side", _WAYS)
def test_an_upgrade_keeps_certificate_trust_and_catalog(
    release: tuple[str, ...], server_side: str, helm: Helm, part: Part, cluster: ApiServer
) -> None:
    """What the webhook and the operator wrote since the installation is not Helm's."""
    objects = cluster.objects()
    _trust(part, cluster)
    catalog = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}}
    objects.merge(catalog | {"data": {"mine": "r.example/mine:1"}}, NAMESPACE)
    before = _bundles(cluster), objects.read("v1", "Secret", SECRET, NAMESPACE)["data"]

    values = ("catalog.theirs=r.example/theirs:1", "settings.WEIGHBRIDGE_DEFAULT_PREFIX=r.example/models", "replicas=3")
    sets = [argument for value in values for argument in ("--set", value)]
    helm("upgrade", *_RELEASE, *release, *sets, f"--server-side={server_side}")

    assert (_bundles(cluster), objects.read("v1", "Secret", SECRET, NAMESPACE)["data"]) == before
    assert "None" not in before[0]
    entries = objects.read("v1", "ConfigMap", "weighbridge-catalog", NAMESPACE)["data"]
    assert entries == {"mine": "r.example/mine:1", "theirs": "r.example/theirs:1"}
    settings = objects.read("v1", "ConfigMap", "weighbridge-config", NAMESPACE)["data"]
    assert settings["WEIGHBRIDGE_DEFAULT_PREFIX"] == "r.example/models"
    assert objects.read("apps/v1", "Deployment", "weighbridge-webhook", NAMESPACE)["spec"]["replicas"] == 3


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("server_side", ["true"])
def test_uninstalling_takes_the_webhook_and_leaves_pods_and_certificate(
    helm: Helm, part: Part, cluster: ApiServer
) -> None:
    """Nobody waits for a webhook that is gone, pods that run are not touched, and the next install finds its Secret."""
    _trust(part, cluster)
    labels = {"weighbridge.dev/model": "phi-4"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "running", "labels": labels}}
    spec = {"containers": [{"name": "main", "image": "r.example/engine:1"}], "automountServiceAccountToken": False}
    cluster.objects().create(pod | {"spec": spec}, "default")

    helm("uninstall", *_RELEASE)

    assert cluster.objects().read("v1", "Pod", "running", "default")["spec"]["containers"][0]["name"] == "main"
    assert cluster.objects().read("v1", "Secret", SECRET, NAMESPACE)["data"]
    hooks = client.AdmissionregistrationV1Api(cluster.client()).list_mutating_webhook_configuration()
    assert hooks.items == []
    assert client.AppsV1Api(cluster.client()).list_namespaced_deployment(NAMESPACE).items == []


@pytest.mark.parametrize("values", ["networkPolicy=true", "policies=true", "hostNetwork=true", "certificates=own"])
def test_the_api_server_takes_what_every_value_adds(values: str, helm: Helm, published: tuple[str, ...]) -> None:
    """A dry run on the server finds no field that it does not know."""
    dry = ("--dry-run=server", "--create-namespace")
    helm("install", *_RELEASE, *published, *dry, "--set", values, "--set", "priorityClassName=system-cluster-critical")


def test_the_package_holds_the_manifests_that_its_templates_read(
    published: tuple[str, ...], helm: Helm, tmp_path: Path
) -> None:
    """Links of the checkout are files in the package, which renders what the checkout does."""
    helm("pull", *published, "--destination", tmp_path)

    packed = helm("template", *_RELEASE, tmp_path / f"weighbridge-{VERSION}.tgz")
    assert packed == helm("template", *_RELEASE, CHART)
