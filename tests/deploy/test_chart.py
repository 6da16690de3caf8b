"""Laws of the Helm chart: it renders what kustomize renders, and takes no value that would loosen it in silence."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cluster.check.finding import CHECKS
from cluster.check.server import OLDEST
from registry.version import VERSION
from tests.conftest import Part
from webhook.settings import variables

from .helm import CHART, Helm
from .rendered import DEPLOY, Object, as_shipped_with, render
from .test_manifests import OF_THE_IMAGE

ROOT = DEPLOY.parent
_BUILT_IN = "internal-certs"

SAME = [
    ([], [_BUILT_IN]),
    (["certificates=cert-manager"], ["cert-manager"]),
    (["certificates=own"], []),
    (["networkPolicy=true"], [_BUILT_IN, "network-policy"]),
    (["policies=true"], [_BUILT_IN, "policy"]),
    (["monitoring.enabled=true"], [_BUILT_IN, "monitoring"]),
    (["priorityClassName=system-cluster-critical"], [_BUILT_IN, "priority"]),
    (["hostNetwork=true"], [_BUILT_IN, "host-network"]),
    (["hostNetwork=true", "certificates=cert-manager"], ["cert-manager", "host-network"]),
    (["hostNetwork=true", "certificates=own", "policies=true"], ["host-network", "policy"]),
]
"""Values of the chart, and the components of kustomize that stand for them."""


@pytest.fixture(scope="module")
def helm(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return Helm without a cluster."""
    return Helm(part("helm"), tmp_path_factory.mktemp("helm"))


def _identity(one: Object) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def _without_tools_own_words(one: Object) -> Object:
    """Leave out what says who rendered it, and sort what has no order.

    - `app.kubernetes.io/managed-by` and `helm.sh/chart`: which tool, and which chart
    - `checksum/settings`: Helm restarts the webhook for other settings, which `kubectl rollout restart` does elsewhere
    """
    one["metadata"]["labels"].pop("app.kubernetes.io/managed-by")
    one["metadata"]["labels"].pop("helm.sh/chart", None)
    if one["kind"] == "Deployment":
        template = one["spec"]["template"]
        template["metadata"]["annotations"].pop("checksum/settings", None)
        for list_name in ("containers", "volumes"):
            template["spec"][list_name].sort(key=lambda entry: entry["name"])
        for container in template["spec"]["containers"]:
            container["env"].sort(key=lambda entry: entry["name"])
            container["volumeMounts"].sort(key=lambda entry: entry["mountPath"])
    return one


def _comparable(objects: list[Object]) -> dict[tuple[str, str, str], Object]:
    return {_identity(one): _without_tools_own_words(one) for one in objects}


@pytest.mark.parametrize(("values", "components"), SAME, ids=lambda names: "+".join(names) or "defaults")
def test_the_chart_renders_what_kustomize_renders(
    values: list[str], components: list[str], helm: Helm, part: Part, tmp_path: Path
) -> None:
    """Object by object and key by key: whoever changes from one to the other changes nothing."""
    by_kustomize = _comparable(render(part("kubectl"), as_shipped_with(tmp_path, *components)))
    by_helm = _comparable(helm.template(*values, "namespace.create=true"))

    assert set(by_helm) == set(by_kustomize)
    assert {key: by_helm[key] for key in by_helm if by_helm[key] != by_kustomize[key]} == {}


def test_the_defaults_are_those_of_the_shipped_kustomization(helm: Helm, manifests: list[Object]) -> None:
    """`helm install` and `kubectl apply -k deploy/` install the same, image and settings included."""
    by_name = {_identity(one): one for one in helm.template("namespace.create=true")}

    assert set(by_name) == {_identity(one) for one in manifests}
    for one in manifests:
        if one["kind"] == "ConfigMap":
            assert by_name[_identity(one)].get("data") == one.get("data")
        if one["kind"] == "Deployment":
            (ours,) = by_name[_identity(one)]["spec"]["template"]["spec"]["containers"]
            (shipped,) = one["spec"]["template"]["spec"]["containers"]
            assert ours["image"] == shipped["image"]


def test_the_namespace_alone_is_left_to_helm(helm: Helm) -> None:
    """A release cannot hold the namespace that its own record lies in."""
    left_out = {_identity(one) for one in helm.template("namespace.create=true")} - set(map(_identity, helm.template()))

    assert left_out == {("Namespace", "", "weighbridge-system")}


def test_settings_and_image_reach_configuration_and_pods(helm: Helm) -> None:
    """The webhook and its pullers run one image, named by its digest where there is one; new settings make new pods."""
    digest = "sha256:" + "a" * 64
    values = [f"image.digest={digest}", "image.repository=r.example/w", "settings.WEIGHBRIDGE_EPHEMERAL_SIZE=9Gi"]
    plain, changed = ({_identity(one)[::2]: one for one in helm.template(*some)} for some in ([], values))
    configuration = changed["ConfigMap", "weighbridge-config"]["data"]
    pods = [one["Deployment", "weighbridge-webhook"]["spec"]["template"] for one in (plain, changed)]

    assert configuration["WEIGHBRIDGE_PULLER_IMAGE"] == f"r.example/w@{digest}"
    assert pods[1]["spec"]["containers"][0]["image"] == f"r.example/w@{digest}"
    assert configuration["WEIGHBRIDGE_EPHEMERAL_SIZE"] == "9Gi"
    assert set(configuration) == {*plain["ConfigMap", "weighbridge-config"]["data"], "WEIGHBRIDGE_EPHEMERAL_SIZE"}
    assert pods[0]["metadata"]["annotations"] != pods[1]["metadata"]["annotations"]


def test_entries_of_the_catalog_are_written_as_the_webhook_reads_them(helm: Helm) -> None:
    """A source is text, a mapping is YAML in text; without entries the chart owns none."""
    with_entries = helm.template("catalog.a=r.example/a:1", "catalog.b.source=r.example/b:1", "catalog.b.gpu=true")
    (catalog,) = [one for one in with_entries if _identity(one)[::2] == ("ConfigMap", "weighbridge-catalog")]
    (empty,) = [one for one in helm.template() if _identity(one)[::2] == ("ConfigMap", "weighbridge-catalog")]

    assert catalog["data"]["a"] == "r.example/a:1"
    assert YAML(typ="safe").load(catalog["data"]["b"]) == {"source": "r.example/b:1", "gpu": True}
    assert "data" not in empty


def test_alerts_get_the_labels_and_the_address_of_whoever_reads_them(helm: Helm) -> None:
    """Prometheus selects rules by labels, and a pager wants a whole address."""
    values = [
        "monitoring.enabled=true",
        "monitoring.labels.release=stack",
        "monitoring.runbooks=https://git.example/w/",
    ]
    rendered = {one["kind"]: one for one in helm.template(*values)}
    rules = [rule for group in rendered["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]

    for kind in ("PrometheusRule", "PodMonitor"):
        assert rendered[kind]["metadata"]["labels"]["release"] == "stack"
    assert {rule["annotations"]["runbook_url"].partition("#")[0] for rule in rules} == {
        "https://git.example/w/docs/operate.md"
    }


def test_one_replica_has_no_budget_that_would_hold_up_a_drain(helm: Helm) -> None:
    """`minAvailable: 1` of one pod lets no node go."""
    assert "PodDisruptionBudget" not in {one["kind"] for one in helm.template("replicas=1")}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("settings.WEIGHBRIDGE_DEFAULT_PREFIXX=r.example", "WEIGHBRIDGE_DEFAULT_PREFIXX"),
        ("settings.WEIGHBRIDGE_TRUST_GROUP=true", "string"),
        ("failurePolicy=Ignore", "failurePolicy"),
        ("certificates=none", "certificates"),
        ("image.digest=sha256:short", "digest"),
        ("replicas=0", "replicas"),
        ("catalog.phi.gpu=true", "catalog"),
    ],
)
def test_a_value_that_means_nothing_is_refused(value: str, said: str, helm: Helm) -> None:
    """A slip of the pen installs nothing, and no value turns `Fail` into `Ignore`."""
    answer = helm.tried("template", "weighbridge", CHART, "--namespace", "weighbridge-system", "--set", value)

    assert answer.returncode != 0
    assert said in answer.stderr


def test_another_namespace_is_refused_with_what_to_type(helm: Helm) -> None:
    """The webhooks' selectors and certificate name one namespace."""
    answer = helm.tried("template", "weighbridge", CHART, "--namespace", "default")

    assert answer.returncode != 0
    assert "--namespace weighbridge-system --create-namespace" in answer.stderr


def test_the_chart_names_every_setting_of_the_operators_golden() -> None:
    """The schema has what the webhook reads, as text, but for the image, which is a value of its own."""
    path = CHART / "values.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text())
    paths = {variables()[name] for name in (*OF_THE_IMAGE, "puller_image")}
    settings = {name: {"type": "string"} for name in sorted(set(variables().values()) - paths)}
    if os.environ.get("WEIGHBRIDGE_GOLDEN") == "write":
        schema["properties"]["settings"]["properties"] = settings
        path.write_text(json.dumps(schema, indent=2) + "\n")

    assert schema["properties"]["settings"]["properties"] == settings
    assert set(YAML(typ="safe").load(CHART / "values.yaml")) == set(schema["properties"]) - {"global"}


def test_version_and_oldest_kubernetes_are_said_alike_everywhere(manifests: list[Object]) -> None:
    """Chart, labels, image's tag, the page and `weighbridge check`."""
    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    oldest = ".".join(map(str, OLDEST))
    versions = {one["metadata"]["labels"]["app.kubernetes.io/version"] for one in manifests}

    assert {chart["version"], chart["appVersion"], *versions} == {VERSION}
    assert chart["kubeVersion"] == f">={oldest}.0-0"
    for text in (
        CHECKS["server-version"].what,
        *((ROOT / name).read_text() for name in ("README.md", "docs/install.md")),
    ):
        assert re.search(rf"Kubernetes {re.escape(oldest)} or newer", text)


def test_the_chart_is_whole_for_helms_own_linter(helm: Helm) -> None:
    """`helm lint --strict` has nothing to say."""
    helm("lint", "--strict", "--namespace", "weighbridge-system", CHART)
