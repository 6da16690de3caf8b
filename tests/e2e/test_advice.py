"""Who puts the label where it does nothing is told at the terminal, and nothing else becomes of it."""

from tests.parts.objects import Namespace, Objects

from .conftest import Kubectl, bare_pod, plain_deployment

LABEL = "weighbridge.dev/model=tiny"


def test_a_label_in_a_namespace_that_has_not_opted_in(admitting: Objects, kubectl: Kubectl) -> None:
    """The command that opts it in is in the warning."""
    namespace = admitting.namespace("unaware", {})
    namespace.create(plain_deployment())
    said = kubectl("-n", namespace.name, "label", "deployment", "vllm", LABEL)
    assert f"kubectl label namespace {namespace.name} weighbridge.dev/injection=enabled" in said
    assert "weighbridge.dev/model" not in str(namespace.read("apps/v1", "Deployment", "vllm")["spec"])


def test_a_label_on_a_running_pod(namespace: Namespace, kubectl: Kubectl) -> None:
    """It comes too late, and whoever sets it learns that."""
    namespace.create(bare_pod("running"))
    assert "changes nothing in a pod that exists" in kubectl("-n", namespace.name, "label", "pod", "running", LABEL)


def test_a_label_on_a_kind_that_hands_none_on(namespace: Namespace, kubectl: Kubectl) -> None:
    """The place in its template is named."""
    replicas = plain_deployment() | {"kind": "ReplicaSet"}
    namespace.create(replicas)
    said = kubectl("-n", namespace.name, "label", "replicaset", "vllm", LABEL)
    assert "spec.template.metadata.labels" in said


def test_a_namespace_that_opts_in_late(admitting: Objects, kubectl: Kubectl) -> None:
    """Workloads that are there get their model with their next change."""
    namespace = admitting.namespace("late", {})
    said = kubectl("label", "namespace", namespace.name, "weighbridge.dev/injection=enabled")
    assert "rollout restart" in said
