"""Policies of the API server, which hold where no webhook answers."""

from collections.abc import Iterator

import pytest
from kubernetes.client.exceptions import ApiException

from tests.conftest import Part
from tests.deploy.rendered import render, with_component
from tests.parts.objects import Object, Objects
from tests.parts.process import poll

from .conftest import OPTED_IN, Kubectl, bare_pod, labelled_pod, plain_deployment

LABEL = "weighbridge.dev/model=tiny"


@pytest.fixture(scope="module")
def policies(objects: Objects, part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Install the component's policies, where no webhook is."""
    folder = with_component(tmp_path_factory.mktemp("policies"), "policy")
    found = [one for one in render(part("kubectl"), folder) if one["kind"].startswith("ValidatingAdmissionPolicy")]
    for policy in found:
        objects.create(policy)
    namespace = objects.namespace("policed", OPTED_IN)

    def is_refused() -> bool:
        try:
            namespace.create(labelled_pod("probe"), dry_run="All")
        except ApiException:
            return True
        return False

    assert poll(is_refused, 30), "the policies are not in force"
    yield objects
    for policy in found:
        objects.delete(policy["apiVersion"], policy["kind"], policy["metadata"]["name"])


def test_a_policy_refuses_a_labelled_pod_that_no_webhook_saw(policies: Objects) -> None:
    """Whatever became of the webhook, no such pod starts without its model."""
    namespace = policies.namespace("policed", OPTED_IN)
    with pytest.raises(ApiException, match=r"has the label weighbridge\.dev/model and not its model"):
        namespace.create(labelled_pod("bare"))

    namespace.create(bare_pod("unlabelled"))
    out = labelled_pod("out")
    out["metadata"]["labels"]["weighbridge.dev/injection"] = "disabled"
    namespace.create(out)


@pytest.mark.parametrize(
    "more",
    [
        {"initContainers": [{"name": "weighbridge-puller", "image": "registry.example/w:1"}]},
        {"volumes": [{"name": "weighbridge-model", "persistentVolumeClaim": {"claimName": "weights"}}]},
    ],
)
def test_a_policy_takes_a_pod_that_has_its_model(policies: Objects, more: Object) -> None:
    """Pulled, or on a claim; an API server of 1.34 drops image volumes, and then the pod has none."""
    namespace = policies.namespace("policed", {"weighbridge.dev/injection": "enabled"})
    pod = labelled_pod("whole")
    pod["spec"] |= more
    namespace.create(pod, dry_run="All")


def test_policies_warn_where_no_webhook_answers(policies: Objects, kubectl: Kubectl) -> None:
    """Of templates without the label, and of namespaces that have not opted in."""

    def is_warned(labels: dict[str, str], words: str) -> bool:
        """Ask again, for a while: the API server takes up one policy after the other."""
        namespace = policies.namespace("policed", labels)
        namespace.create(plain_deployment())
        label = ("-n", namespace.name, "label", "--dry-run=server", "deployment", "vllm", LABEL)
        return bool(poll(lambda: words in kubectl(*label), 30))

    assert is_warned(OPTED_IN, "is not in the pod template")
    assert is_warned({}, "has not opted in")
