"""What a webhook that is down does to those who asked for it, and to those who did not."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kubernetes.client.exceptions import ApiException

from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.objects import Namespace, Object, Objects

from .conftest import MODEL, OPTED_IN, labelled_pod

MODEL_LABEL = "weighbridge.dev/model"


@dataclass(frozen=True)
class Outage:
    """An API server whose webhook is away, and a namespace from before."""

    objects: Objects
    namespace: Namespace


@pytest.fixture(scope="module")
def outage(objects: Objects, configuration: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    """Register a webhook, and take its server away."""
    catalog = {MODEL: "oci://registry.example/models/tiny:v1"}
    with (
        running_webhook(
            tmp_path_factory.mktemp("outage"), catalog, {"PULLER_IMAGE": "registry.example/w:1"}
        ) as webhook,
        registered(objects, pointed_at(webhook, configuration), labelled_pod("probe")),
    ):
        namespace = objects.namespace("long", OPTED_IN)
        namespace.create(_deployment("long", MODEL, None))
        webhook.process.stop()
        yield Outage(objects, namespace)


@pytest.fixture
def objects_meanwhile(outage: Outage) -> Objects:
    """Return the objects of an API server whose webhook is away."""
    return outage.objects


@pytest.fixture
def long_labelled(outage: Outage) -> Namespace:
    """Return a namespace with the Deployment `long`, which was labelled before the outage."""
    return outage.namespace


@pytest.fixture
def opted_in(objects_meanwhile: Objects) -> Namespace:
    """Make a namespace that opted in."""
    return objects_meanwhile.namespace("outage", OPTED_IN)


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


def test_a_labelled_pod_in_a_namespace_that_did_not_opt_in_starts(objects_meanwhile: Objects) -> None:
    """The label alone means nothing elsewhere."""
    elsewhere = objects_meanwhile.namespace("elsewhere", {})

    assert "initContainers" not in elsewhere.create(labelled_pod("labelled"))["spec"]


def _deployment(name: str, own: str | None, template: str | None) -> Object:
    labels = {"app": name} | ({MODEL_LABEL: template} if template else {})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {MODEL_LABEL: own} if own else {}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": labelled_pod("")["spec"]},
        },
    }


def _changed(name: str, **parts: object) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}} | parts


@pytest.mark.parametrize("template", [None, MODEL])
def test_a_labelled_workload_waits_for_the_copy_of_its_label(opted_in: Namespace, template: str | None) -> None:
    """Made now, its pods would start without their model, and an apply after the outage would change nothing."""
    with pytest.raises(ApiException, match=r"failed calling webhook.*workloads\.weighbridge\.dev"):
        opted_in.create(_deployment("labelled", MODEL, template))


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {MODEL_LABEL: MODEL}},
        {"labels": {MODEL_LABEL: MODEL}, "annotations": {"weighbridge.dev/volume": "pvc:x"}},
    ],
)
def test_a_label_waits_when_it_is_set(opted_in: Namespace, metadata: Object) -> None:
    """`kubectl label` is an update, and the main way."""
    opted_in.create(_deployment("plain", None, None))
    with pytest.raises(ApiException, match=r"failed calling webhook.*workloads\.weighbridge\.dev"):
        opted_in.merge(_changed("plain", metadata={"name": "plain"} | metadata))


def test_updates_that_leave_our_keys_alone_wait_for_nobody(long_labelled: Namespace) -> None:
    """Images, scale, annotations of others and finalizers go on."""
    containers = [{"name": "server", "image": "registry.example/server:2"}]
    for parts in (
        {"spec": {"replicas": 3}},
        {"spec": {"template": {"spec": {"containers": containers}}}},
        {"metadata": {"name": "long", "annotations": {"example.com/x": "y"}}},
        {"metadata": {"name": "long", "finalizers": ["example.com/f"]}},
        {"metadata": {"name": "long", "finalizers": None}},
    ):
        long_labelled.merge(_changed("long", **parts))

    template = long_labelled.read("apps/v1", "Deployment", "long")["spec"]["template"]
    assert template["metadata"]["labels"][MODEL_LABEL] == MODEL


@pytest.mark.parametrize(
    "parts",
    [
        {"metadata": {"name": "long", "labels": {MODEL_LABEL: None}}},
        {"metadata": {"name": "long", "labels": {MODEL_LABEL: "other"}}},
        {"metadata": {"name": "long", "annotations": {"weighbridge.dev/mount-path": "/m"}}},
        {"spec": {"template": {"metadata": {"labels": {MODEL_LABEL: None}}}}},
    ],
)
def test_no_template_is_made_bare_meanwhile(long_labelled: Namespace, parts: Object) -> None:
    """What would part a workload from its template waits: the keys there, and the label here."""
    with pytest.raises(ApiException, match=r"failed calling webhook.*workloads\.weighbridge\.dev"):
        long_labelled.merge(_changed("long", **parts))
