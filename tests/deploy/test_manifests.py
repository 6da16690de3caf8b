"""Laws of the rendered manifests."""

import re
from pathlib import Path

import pytest

from certs.manifests import CONFIGURATION, SECRET, WEBHOOKS
from tests.conftest import Part
from webhook.contract import INJECTION, MODEL
from webhook.manifests.explain import SYSTEM_NAMESPACES
from webhook.settings import Settings, variables

from .rendered import DEPLOY, Object, render, with_component

ByKind = dict[str, list[Object]]

OF_THE_IMAGE = (
    "catalog_directory",
    "tls_directory",
    "certificates",
    "service_name",
    "service_account_directory",
    "listen",
    "probe_listen",
)
"""Settings that are parts of the image and its Deployment, and no matter of the operator."""


@pytest.fixture(scope="module")
def webhooks(by_kind: ByKind) -> dict[str, Object]:
    """Return the webhooks by name."""
    (configuration,) = by_kind["MutatingWebhookConfiguration"]
    assert configuration["metadata"]["name"] == CONFIGURATION
    return {webhook["name"]: webhook for webhook in configuration["webhooks"]}


@pytest.fixture(scope="module")
def template(by_kind: ByKind) -> Object:
    """Return the webhook's pod template."""
    (deployment,) = by_kind["Deployment"]
    content: Object = deployment["spec"]["template"]
    return content


def _expressions(selector: Object) -> dict[str, tuple[str, list[str] | None]]:
    return {rule["key"]: (rule["operator"], rule.get("values")) for rule in selector["matchExpressions"]}


def test_namespaces_of_the_system_reach_no_webhook(webhooks: dict[str, Object]) -> None:
    """No label opts the cluster's own namespaces or ours in; the one about namespaces themselves is advice."""
    for name, webhook in webhooks.items():
        if name == "opt-in.advice.weighbridge.dev":
            continue
        rules = _expressions(webhook["namespaceSelector"])
        assert rules["kubernetes.io/metadata.name"] == ("NotIn", list(SYSTEM_NAMESPACES))
        assert rules["control-plane"] == ("NotIn", ["true"])
        assert rules["kubernetes.azure.com/managedby"] == ("NotIn", ["aks"])


def test_only_opted_in_namespaces_are_changed(webhooks: dict[str, Object]) -> None:
    """A namespace opts in by label; elsewhere the webhook gives advice alone."""
    for name, webhook in webhooks.items():
        rules = _expressions(webhook.get("namespaceSelector", {"matchExpressions": []}))
        changes = webhook["clientConfig"]["service"]["path"].startswith("/mutate/")
        assert (rules.get(INJECTION.name) == ("In", ["enabled"])) == changes, name


def test_failure_can_only_hold_up_what_asks_for_a_model(webhooks: dict[str, Object]) -> None:
    """`Fail` goes with the label: for pods that are made, and for workloads whose keys of ours change."""
    failing = {name: webhook for name, webhook in webhooks.items() if webhook["failurePolicy"] == "Fail"}
    assert list(failing) == ["pods.weighbridge.dev", "workloads.weighbridge.dev"]
    pods, workloads = failing.values()
    (rule,) = pods["rules"]
    assert (rule["resources"], rule["operations"]) == (["pods"], ["CREATE"])
    assert _expressions(pods["objectSelector"]) == {
        MODEL.name: ("Exists", None),
        INJECTION.name: ("NotIn", ["disabled"]),
    }
    assert _expressions(workloads["objectSelector"]) == {MODEL.name: ("Exists", None)}
    conditions = [condition["name"] for condition in workloads["matchConditions"]]
    assert conditions == ["is-not-being-deleted", "changes-our-keys"]


def test_every_update_of_a_labelled_workload_goes_to_one_of_two_webhooks(webhooks: dict[str, Object]) -> None:
    """The one that may fail has a condition, and the one that may not has its contrary."""
    (_, changes), (_, others) = (
        [condition["expression"] for condition in webhooks[f"{name}.weighbridge.dev"]["matchConditions"]]
        for name in ("workloads", "updates")
    )
    assert " ".join(others.split()) == f"!( {' '.join(changes.split())} )"
    assert webhooks["updates.weighbridge.dev"]["rules"] == webhooks["workloads.weighbridge.dev"]["rules"]


def test_no_rule_has_a_wildcard_of_groups_or_resources(webhooks: dict[str, Object]) -> None:
    """GKE Autopilot refuses those, and they would send us what is none of our business."""
    for webhook in webhooks.values():
        for rule in webhook["rules"]:
            assert not any("*" in name for name in (*rule["apiGroups"], *rule["resources"]))


def test_every_webhook_answers_soon_and_without_side_effects(webhooks: dict[str, Object]) -> None:
    """Dry runs work, nobody waits longer than five seconds, and for advice alone less."""
    for webhook in webhooks.values():
        changes = webhook["clientConfig"]["service"]["path"].startswith("/mutate/")
        wanted = (5, "IfNeeded") if changes else (2, "Never")
        assert (webhook["timeoutSeconds"], webhook["reinvocationPolicy"]) == wanted
        assert (webhook["matchPolicy"], webhook["admissionReviewVersions"]) == ("Equivalent", ["v1"])
        assert webhook["sideEffects"] == "None"


def test_the_base_carries_no_ca_bundle_so_that_applying_it_again_keeps_the_one_that_is_set(
    webhooks: dict[str, Object],
) -> None:
    """Whom to trust is `certs init`'s to say, of just these webhooks."""
    assert tuple(webhooks) == WEBHOOKS
    assert not any("caBundle" in webhook["clientConfig"] for webhook in webhooks.values())


def test_webhooks_service_and_pods_fit_together(by_kind: ByKind, webhooks: dict[str, Object], template: Object) -> None:
    """The API server calls the Service, whose port is the one that the pods listen on, with their labels."""
    (service,) = by_kind["Service"]
    (port,) = service["spec"]["ports"]
    (container,) = template["spec"]["containers"]
    for webhook in webhooks.values():
        called = webhook["clientConfig"]["service"]
        assert (called["name"], called["namespace"]) == (service["metadata"]["name"], service["metadata"]["namespace"])
        assert called["port"] == port["port"]

    assert port["targetPort"] == container["ports"][0]["containerPort"]
    assert Settings().listen.endswith(f":{port['targetPort']}")
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()


def test_the_pods_mount_what_the_settings_expect(template: Object) -> None:
    """Certificate and catalog are where the webhook looks for them by default."""
    (container,) = template["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}

    assert mounts["tls"] == Settings().tls_directory
    assert mounts["catalog"] == Settings().catalog_directory
    assert volumes["tls"]["emptyDir"]["medium"] == "Memory"
    assert mounts["api"] == Settings().service_account_directory
    assert volumes["catalog"]["configMap"]["name"] == "weighbridge-catalog"


def test_probes_ask_the_port_that_the_server_opens_for_them(template: Object) -> None:
    """The kubelet and Prometheus use the port for probes, which is the one that the server is told."""
    (container,) = template["spec"]["containers"]
    (port,) = [port["containerPort"] for port in container["ports"] if port["name"] == "probes"]
    environ = {entry["name"]: entry["value"] for entry in container["env"]}

    assert Settings.from_env(environ).probe_listen.endswith(f":{port}")
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "probes"


def test_the_configuration_makes_settings_and_pullers_run_the_webhooks_own_image(
    by_kind: ByKind, template: Object
) -> None:
    """The image's name stands in one place, and nothing else is stated: what operators set is theirs."""
    (configuration,) = [item for item in by_kind["ConfigMap"] if item["metadata"]["name"] == "weighbridge-config"]

    image = template["spec"]["containers"][0]["image"]
    assert configuration["data"] == {"WEIGHBRIDGE_PULLER_IMAGE": image}


def test_the_configuration_tells_each_setting_and_its_default() -> None:
    """As a comment, which whoever wants another one copies; but for paths in our image."""
    text = (DEPLOY / "base" / "configuration.yaml").read_text("utf-8")
    told = dict(re.findall(r'^  # (WEIGHBRIDGE_\w+): "?(.*?)"?$', text, re.MULTILINE))

    stated = {variables()[name] for name in (*OF_THE_IMAGE, "puller_image")}
    assert set(told) == set(variables().values()) - stated
    assert Settings.from_env(told) == Settings()


def test_nobody_else_can_publish_the_image_that_every_pod_runs(by_kind: ByKind, template: Object) -> None:
    """It is named by digest, or at a host that is no public registry's."""
    (configuration,) = [item for item in by_kind["ConfigMap"] if item["metadata"]["name"] == "weighbridge-config"]
    for image in (template["spec"]["containers"][0]["image"], configuration["data"]["WEIGHBRIDGE_PULLER_IMAGE"]):
        assert "@sha256:" in image or image.startswith("localhost/")
    assert Settings().puller_image.startswith("localhost/")


def test_the_webhook_outlives_a_drain_and_a_rollout(by_kind: ByKind) -> None:
    """Two replicas on different nodes where there are such, one of which always stays."""
    (deployment,) = by_kind["Deployment"]
    (budget,) = by_kind["PodDisruptionBudget"]
    spec = deployment["spec"]

    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert budget["spec"]["minAvailable"] == 1
    assert budget["spec"]["selector"] == spec["selector"]
    for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"] == spec["selector"]


def test_the_webhooks_pods_may_keep_its_certificate_and_no_more(by_kind: ByKind, template: Object) -> None:
    """Whoever takes the webhook over gets the rights over one Secret and the CAs of one configuration by it."""
    (account,) = by_kind["ServiceAccount"]
    name = account["metadata"]["name"]

    assert not account["automountServiceAccountToken"]
    assert not template["spec"]["automountServiceAccountToken"]
    bindings = [*by_kind["RoleBinding"], *by_kind["ClusterRoleBinding"]]
    bound = {one["roleRef"]["name"] for one in bindings if name in [subject["name"] for subject in one["subjects"]]}
    roles = [one for one in (*by_kind["Role"], *by_kind["ClusterRole"]) if one["metadata"]["name"] in bound]
    rules = [(rule["resources"], rule.get("resourceNames"), rule["verbs"]) for role in roles for rule in role["rules"]]
    assert rules == [
        (["secrets"], [SECRET], ["get", "update"]),
        (["secrets"], None, ["create"]),
        (["mutatingwebhookconfigurations"], [CONFIGURATION], ["get", "patch"]),
    ]


def test_cert_manager_keeps_the_same_secret_and_trust_and_the_webhook_has_no_rights(part: Part, tmp_path: Path) -> None:
    """In place of built-in certificates, over the base alone."""
    rendered = render(part("kubectl"), with_component(tmp_path, "cert-manager", base=DEPLOY / "base"))
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in rendered}
    certificate = by_name["Certificate", "weighbridge-webhook"]
    service = by_name["Service", "weighbridge-webhook"]["metadata"]
    configuration = by_name["MutatingWebhookConfiguration", CONFIGURATION]
    (deployment,) = [one for one in rendered if one["kind"] == "Deployment"]
    (volume,) = [one for one in deployment["spec"]["template"]["spec"]["volumes"] if one["name"] == "tls"]

    assert certificate["spec"]["secretName"] == volume["secret"]["secretName"] == SECRET
    assert f"{service['name']}.{service['namespace']}.svc" in certificate["spec"]["dnsNames"]
    wanted = f"{certificate['metadata']['namespace']}/{certificate['metadata']['name']}"
    assert configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == wanted
    assert not [one for one in rendered if one["kind"] == "ClusterRoleBinding"]
