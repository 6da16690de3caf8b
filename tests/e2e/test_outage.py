"""What a webhook that is down does to those who asked for it, and to those who did not."""

from collections.abc import Iterator

import pytest
from kubernetes.client.exceptions import ApiException

from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.objects import Namespace, Object, Objects

from .conftest import MODEL, OPTED_IN, labelled_pod


@pytest.fixture(scope="module")
def outage(objects: Objects, configuration: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Register a webhook, and take its server away."""
    catalog = {MODEL: "oci://registry.example/models/tiny:v1"}
    with (
        running_webhook(
            tmp_path_factory.mktemp("outage"), catalog, {"PULLER_IMAGE": "registry.example/w:1"}
        ) as webhook,
        registered(objects, pointed_at(webhook, configuration), labelled_pod("probe")),
    ):
        webhook.process.stop()
        yield objects


@pytest.fixture
def opted_in(outage: Objects) -> Namespace:
    """Make a namespace that opted in."""
    return outage.namespace("outage", OPTED_IN)


def test_a_labelled_pod_waits_rather_than_start_without_its_weights(opted_in: Namespace) -> None:
    """The refusal names the webhook, so that whoever reads it knows where to look."""
    with pytest.raises(ApiException, match=r"failed calling webhook.*pods\.weighbridge\.dev"):
        opted_in.create(labelled_pod("labelled"))


def test_a_pod_without_the_label_never_notices(opted_in: Namespace) -> None:
    """Opting a namespace in costs nothing to the pods that ask for nothing."""
    pod = labelled_pod("plain")
    del pod["metadata"]["labels"]

    assert opted_in.create(pod)["metadata"]["name"] == "plain"


def test_a_pod_that_opted_out_starts(opted_in: Namespace) -> None:
    """There is a way past a broken webhook, and it is one label."""
    pod = labelled_pod("out")
    pod["metadata"]["labels"]["weighbridge.dev/injection"] = "disabled"

    assert "initContainers" not in opted_in.create(pod)["spec"]


def test_a_labelled_pod_in_a_namespace_that_did_not_opt_in_starts(outage: Objects) -> None:
    """The label alone means nothing elsewhere."""
    elsewhere = outage.namespace("elsewhere", {})

    assert "initContainers" not in elsewhere.create(labelled_pod("labelled"))["spec"]


def test_a_workload_with_the_label_can_still_be_applied(opted_in: Namespace) -> None:
    """Its pods are what waits: a rollout is never refused for our sake."""
    template = {"metadata": {"labels": {"app": "server"}}, "spec": labelled_pod("")["spec"]}
    spec = {"selector": {"matchLabels": {"app": "server"}}, "template": template}
    metadata = {"name": "rollout", "labels": {"weighbridge.dev/model": MODEL}}

    made = opted_in.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})

    assert made["metadata"]["name"] == "rollout"
