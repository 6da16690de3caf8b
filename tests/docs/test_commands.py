"""Every command of every page runs, in the order of the page, or the table says why it cannot here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Part
from tests.deploy.rendered import DEPLOY, render
from tests.e2e.conftest import labelled_pod
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer, running_api_server
from tests.parts.distribution import Registry, running_registry

from .page import PAGES, ROOT, commands
from .stage import Stage

NOT_HERE = {
    r": make (demo|test|e2e|image|manifests)": "CI runs the first three; tests/deploy runs `make manifests`",
    r"rollout (status|restart)|kubectl wait|kubectl logs": "no node runs pods here: tests/cluster waits on a real one",
    r"kubectl delete .*-k deploy/": "no controller ends a namespace here: tests/cluster plays the uninstallation",
    r"weighbridge check( +#.*)?$": "it would find no pods, without a node: tests/cluster has it all √",
    r": (pip|pipx|uv|git|docker|skopeo|aws|az|gcloud|flux|argocd) ": "another tool's, or the network's",
    r"hf://": "the public hub: tests/fakes/hub.py stands for it in tests/registry/huggingface",
    r"certs rotate": "it waits for the kubelet: tests/certs and tests/cluster have it",
    r"^README.md: kubectl apply --server-side -k deploy/": "docs/install.md runs it: here a server answers already",
}
"""Patterns of `PAGE: COMMAND` that cannot run beside a lone API server, each with its reason."""

_TEAM = "kubectl create namespace inference; kubectl create deployment vllm -n inference --image=r.example/vllm:1\n"
_PUSHED = "weighbridge push -q ./phi-4 registry.example.com/models/phi-4:v1\n"
_OPTED_IN = _TEAM + "kubectl label namespace inference weighbridge.dev/injection=enabled\n"
_CATALOG = "weighbridge catalog add phi-4 registry.example.com/models/phi-4:v1\n"
_NODE = """echo '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "gpu-1"}}' | kubectl create -f -\n"""
BEFORE = {
    "README.md": _TEAM,
    "docs/air-gap.md": _PUSHED,
    "docs/certificates.md": "kubectl apply --server-side -k deploy/; weighbridge certs init |"
    " kubectl apply --server-side --field-manager=weighbridge-certs -f -\n",
    "docs/caches.md": _OPTED_IN + _PUSHED + _CATALOG + _NODE,
    "docs/engines.md": _OPTED_IN,
    "docs/hub.md": _OPTED_IN + "echo hf_x > token\n",
    "docs/install.md": "weighbridge push -q ./phi-4 registry.example.com/weighbridge:0.1.0\n",
    "docs/operate.md": _OPTED_IN + _PUSHED,
    "docs/private-registries.md": _OPTED_IN + _PUSHED + "cp /dev/null ca.crt\n",
    "docs/troubleshooting.md": _OPTED_IN,
}
"""What a page supposes beside an install: what its reader has already."""

_BARE = {"docs/install.md", "docs/helm.md", "docs/certificates.md"}
"""Pages that install."""

_WITH_COMMANDS = [page for page in PAGES if any(True for _ in commands(page))]


@pytest.fixture
def cluster(part: Part, tmp_path: Path) -> Iterator[ApiServer]:
    """Run an API server of the page's own: pages use the same names."""
    programs = {name: part(name) for name in ("etcd", "kube-apiserver")}
    folder = tmp_path / "cluster"
    folder.mkdir()
    with running_api_server(programs, folder) as running:
        yield running


@pytest.fixture(scope="module")
def second_registry(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Run the registry behind an air gap."""
    with running_registry(part("registry"), tmp_path_factory.mktemp("second-registry")) as running:
        yield running


@pytest.fixture
def stage(cluster: ApiServer, registry: Registry, second_registry: Registry, part: Part, tmp_path: Path) -> Stage:
    """Prepare the folder of a page."""
    (tmp_path / "usb").mkdir()
    names = {
        "registry.example.com": registry.address,
        "registry.internal": second_registry.address,
        "/mnt/usb": str(tmp_path / "usb"),
        "sha256:…": "sha256:" + "a" * 64,
    }
    programs = {name: part(name) for name in ("kubectl", "helm")}
    made = Stage(tmp_path / "work", names, programs, cluster.kubeconfig)
    made.prepare()
    return made


@pytest.fixture
def installed(cluster: ApiServer, part: Part, registry: Registry, tmp_path: Path) -> Iterator[ApiServer]:
    """Install, with a running server in the Service's place, which has the examples' catalog."""
    entries = YAML(typ="safe", pure=True).load(DEPLOY / "examples" / "catalog.yaml")["data"]
    catalog = {name: entry.replace("registry.example.com", registry.address) for name, entry in entries.items()}
    objects = cluster.objects()
    configuration = {}
    for one in render(part("kubectl")):
        if one["kind"] == "MutatingWebhookConfiguration":
            configuration = one
        else:
            objects.create(one, one["metadata"].get("namespace"))
    folder = tmp_path / "server"
    folder.mkdir()
    with (
        running_webhook(folder, catalog, {}) as webhook,
        registered(objects, pointed_at(webhook, configuration), labelled_pod("probe", "phi-4")),
    ):
        yield cluster


@pytest.mark.parametrize("page", _WITH_COMMANDS)
def test_the_commands_of_a_page_run_in_order(page: str, stage: Stage, request: pytest.FixtureRequest) -> None:
    """Whoever follows the page from its top gets to its end."""
    if page not in _BARE:
        request.getfixturevalue("installed")
    stage.run(BEFORE.get(page, ""), [one for one in commands(page) if not one.reason_against(NOT_HERE)])


def test_the_tables_speak_of_commands_and_pages_that_exist() -> None:
    """A reason that nothing needs any more is taken out."""
    every = [one for page in PAGES for one in commands(page)]

    assert [pattern for pattern in NOT_HERE if not any(one.reason_against({pattern: "x"}) for one in every)] == []
    assert {*BEFORE, *_BARE} <= set(_WITH_COMMANDS)
    assert all((ROOT / page).is_file() for page in PAGES)
