"""Laws of what an operator may add to the manifests, and of the page that names it."""

import re
from pathlib import Path

import pytest

from tests.conftest import Part
from webhook.settings import Settings, variables

from .rendered import COMPONENTS, DEPLOY, Object, render, with_component

ROOT = DEPLOY.parent
FAQ = (ROOT / "docs" / "faq.md").read_text()


@pytest.fixture
def on_hosts(part: Part, tmp_path: Path) -> dict[str, Object]:
    """Render the manifests with the server on its nodes' addresses, by kind."""
    return {one["kind"]: one for one in render(part("kubectl"), with_component(tmp_path, "host-network"))}


def test_on_its_nodes_addresses_the_server_leaves_the_kubelet_its_port(on_hosts: dict[str, Object]) -> None:
    """Settings, container, probes and Service name the same two ports, of which none is taken on a node."""
    spec = on_hosts["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = Settings.from_env({entry["name"]: entry["value"] for entry in container["env"]})
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert spec["hostNetwork"]
    assert ports == {"https": 10260, "probes": 10261}
    assert settings.listen.endswith(f":{ports['https']}")
    assert settings.probe_listen.endswith(f":{ports['probes']}")
    assert on_hosts["Service"]["spec"]["ports"][0]["targetPort"] == ports["https"]
    annotations = on_hosts["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["probes"])


def test_on_its_nodes_addresses_a_rollout_needs_no_node_more(on_hosts: dict[str, Object]) -> None:
    """A port of a node serves one pod: the new one comes where an old one went."""
    assert on_hosts["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_all_components_can_be_had_together(part: Part, tmp_path: Path) -> None:
    """None undoes another's work."""
    kinds = [one["kind"] for one in render(part("kubectl"), with_component(tmp_path, *COMPONENTS))]
    assert {"NetworkPolicy", "ValidatingAdmissionPolicy"} <= set(kinds)


def test_the_page_of_questions_names_what_exists() -> None:
    """Settings, folders, files and pages."""
    named = set(re.findall(r"WEIGHBRIDGE_\w+", FAQ))
    paths = re.findall(r"`((?:deploy|tests)/[\w./-]+)`", FAQ)
    pages = re.findall(r"\]\(([\w./-]+)\)", FAQ)

    assert named <= set(variables().values())
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [page for page in pages if not (ROOT / "docs" / page).exists()] == []
