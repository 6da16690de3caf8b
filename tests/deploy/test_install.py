"""Laws of an install, asked of a real API server with the real kubectl."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from ruamel.yaml import YAML

from certs.manifests import CONFIGURATION, FIELD_MANAGER
from registry.version import VERSION
from tests.conftest import Part
from tests.parts.apiserver import ApiServer

from .rendered import COMPONENTS, DEPLOY, OVERLAYS, Object, examples, pod_specs, with_component

ROOT = DEPLOY.parent
APPLY = ("apply", "--server-side", "-k", "deploy/")
_DRY = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts")
TRUST = ("apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "-f", "-")


class Kubectl:
    """The real kubectl, as the administrator."""

    def __init__(self, program: Path, server: ApiServer) -> None:
        self._command: list[str | Path] = [program, f"--kubeconfig={server.kubeconfig}"]

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run it; what it says on stderr is in the assertion when it fails."""
        answer = subprocess.run(
            [*self._command, *arguments], input=stdin, check=False, capture_output=True, text=True, cwd=ROOT
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


@pytest.fixture(scope="module")
def kubectl(part: Part, api_server: ApiServer) -> Kubectl:
    """Return kubectl with the administrator's kubeconfig."""
    return Kubectl(part("kubectl"), api_server)


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Install as the command's help says, and afterwards have the API server call no webhook that is not there."""
    kubectl(*APPLY)
    yield kubectl
    kubectl("delete", "mutatingwebhookconfiguration", CONFIGURATION)


def _certs_init() -> str:
    command = [sys.executable, "-m", "weighbridge", "certs", "init"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def _has_namespace(server: ApiServer, name: str) -> bool:
    namespaces = client.CoreV1Api(server.client()).list_namespace(field_selector=f"metadata.name={name}")
    return bool(namespaces.items)


def _bundles(server: ApiServer) -> list[object]:
    hooks = client.AdmissionregistrationV1Api(server.client())
    configuration = hooks.read_mutating_webhook_configuration(CONFIGURATION)
    return [webhook.client_config.ca_bundle for webhook in configuration.webhooks or []]


def test_the_api_server_takes_every_object_of_the_render(installed: Kubectl, manifests: list[Object]) -> None:
    """A server-side dry run finds nothing wrong, no unknown field either."""
    said = installed(*APPLY, "--dry-run=server", "--validate=strict")

    assert len(said.splitlines()) == len(manifests)


@pytest.mark.usefixtures("installed")
def test_the_webhooks_own_pods_pass_the_restricted_profile_that_its_namespace_enforces(
    api_server: ApiServer, manifests: list[Object]
) -> None:
    """Pod Security lets the very pods of the Deployment in."""
    (template,) = [document["spec"]["template"] for document in manifests if document["kind"] == "Deployment"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"} | template["metadata"]}

    made = api_server.objects().create(pod | {"spec": template["spec"]}, "weighbridge-system", dry_run="All")

    assert made["spec"]["containers"][0]["name"] == "webhook"


def test_certs_init_sets_the_ca_bundle_and_the_next_apply_keeps_it(installed: Kubectl, api_server: ApiServer) -> None:
    """Two commands install, in which the second can come again, and so can the first."""
    installed(*TRUST, stdin=_certs_init())
    first = _bundles(api_server)
    assert all(first)
    installed(*APPLY)
    assert _bundles(api_server) == first
    installed(*TRUST, stdin=_certs_init())
    assert all(_bundles(api_server))
    assert _bundles(api_server) != first


def test_an_install_without_server_side_apply_is_mended_by_one_with_it(
    installed: Kubectl, api_server: ApiServer
) -> None:
    """What a plain apply owned goes to the next server-side manager; a forced apply takes it back."""
    installed("apply", "-k", "deploy/")
    installed(*TRUST, stdin=_certs_init())
    before = _bundles(api_server)
    assert all(before)

    installed(*APPLY, "--force-conflicts")
    installed(*TRUST, stdin=_certs_init())

    assert all(_bundles(api_server))
    assert _bundles(api_server) != before


def test_entries_that_were_added_to_the_catalog_survive_the_next_apply(
    installed: Kubectl, api_server: ApiServer
) -> None:
    """The manifests make the catalog, and what is in it is the operator's."""
    entry = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}}
    api_server.objects().merge(entry | {"data": {"m": "oci://registry.example/m:1"}}, "weighbridge-system")

    installed(*APPLY)

    kept = api_server.objects().read("v1", "ConfigMap", "weighbridge-catalog", "weighbridge-system")
    assert kept["data"] == {"m": "oci://registry.example/m:1"}


def test_a_setting_that_was_patched_survives_an_upgrade(installed: Kubectl, api_server: ApiServer) -> None:
    """As pages advise to patch it, and without a conflict; a setting that nobody patched has its default."""
    patch = {"data": {"WEIGHBRIDGE_CA_CONFIG_MAP": "company-ca", "WEIGHBRIDGE_OVERLAP": "auto"}}
    where = ("configmap", "weighbridge-config", "-n", "weighbridge-system")
    installed("patch", *where, "--type", "merge", "-p", json.dumps(patch))

    for options in ((), ("--force-conflicts",)):
        installed(*APPLY, *options)
        kept = api_server.objects().read("v1", "ConfigMap", "weighbridge-config", "weighbridge-system")["data"]
        assert kept | patch["data"] == kept


@pytest.mark.usefixtures("installed")
def test_anyone_who_is_logged_in_can_read_the_catalog_and_nothing_beside_it(api_server: ApiServer) -> None:
    """Teams see which models there are; the configuration stays the operator's."""
    guest = client.CoreV1Api(api_server.client(api_server.guest_token))

    catalog = guest.read_namespaced_config_map("weighbridge-catalog", "weighbridge-system")
    assert catalog.metadata is not None
    with pytest.raises(ApiException, match="forbidden"):
        guest.read_namespaced_config_map("weighbridge-config", "weighbridge-system")


@pytest.fixture(scope="module")
def with_kinds_of_others(installed: Kubectl) -> Kubectl:
    """Let the API server know the kinds of cert-manager and of the Prometheus operator."""
    installed("apply", "--server-side", "-f", "tests/deploy/crds.yaml")
    installed("wait", "--for=condition=Established", "--timeout=60s", "-f", "tests/deploy/crds.yaml")
    return installed


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_api_server_takes_every_component(name: str, with_kinds_of_others: Kubectl, tmp_path: Path) -> None:
    """What an operator may add to the manifests can be added as it stands."""
    with_kinds_of_others(*_DRY, "-k", str(with_component(tmp_path, name)))


def test_the_api_server_takes_cert_managers_objects(with_kinds_of_others: Kubectl, tmp_path: Path) -> None:
    """In place of built-in certificates, over the base alone."""
    with_kinds_of_others(*_DRY, "-k", str(with_component(tmp_path, "cert-manager", base=DEPLOY / "base")))


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_api_server_takes_every_overlay(name: str, with_kinds_of_others: Kubectl) -> None:
    """Each is an install by itself."""
    with_kinds_of_others(*_DRY, "-k", f"deploy/overlays/{name}")


def test_one_file_installs_what_the_kustomization_does(
    part: Part, manifests: list[Object], with_kinds_of_others: Kubectl, tmp_path: Path
) -> None:
    """`make manifests` writes it, with the release's image where the shipped name was."""
    image = "registry.example/weighbridge@sha256:" + "a" * 64
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "deploy").symlink_to(DEPLOY)
    programs = [f"KUBECTL={part('kubectl')}", f"HELM={part('helm')}"]
    make = ["make", "--silent", f"--file={ROOT / 'Makefile'}", "manifests", *programs, f"IMAGE={image}"]
    subprocess.run(make, check=True, capture_output=True, cwd=tree)

    text = (tree / "build" / "install.yaml").read_text()
    shipped = json.loads(json.dumps(manifests).replace(f"localhost/weighbridge:{VERSION}", image))
    assert list(YAML(typ="safe", pure=True).load_all(text)) == shipped
    assert text.count(image) == 2
    with_kinds_of_others(*_DRY, "-f", str(tree / "build" / "install.yaml"))


def test_the_api_server_takes_every_example(installed: Kubectl, api_server: ApiServer) -> None:
    """What we show can be applied as it stands."""
    if not _has_namespace(api_server, "inference"):
        installed("create", "namespace", "inference")
    files = [argument for name in examples() for argument in ("-f", f"deploy/examples/{name}")]

    installed("apply", "--dry-run=server", "--validate=strict", *files)


@pytest.mark.parametrize("name", examples())
def test_no_example_runs_whatever_latest_means_that_day(name: str) -> None:
    """Every image has a tag that says what it is."""
    for document in examples()[name]:
        for spec in pod_specs(document):
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                _, _, tag = container["image"].rpartition("/")[2].partition(":")
                assert tag not in ("", "latest"), container["image"]
