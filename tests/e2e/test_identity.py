"""The identity that a cloud's webhook gives to the application reaches the puller, in whatever order they run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.mesh import Pod, running_injector
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Object, Objects

from .conftest import OPTED_IN, labelled_pod
from .passes import as_new, pullers, stored

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
MOUNT_PATH = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
VARIABLES = {
    "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/models",
    "AWS_WEB_IDENTITY_TOKEN_FILE": f"{MOUNT_PATH}/token",
}


def add_role(pod: Pod) -> None:
    """Do as amazon-eks-pod-identity-webhook: variables and a mount for every container, and the token's volume."""
    source = {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}
    held = pod["spec"].setdefault("volumes", [])
    if all(volume["name"] != "aws-iam-token" for volume in held):
        held.append({"name": "aws-iam-token", "projected": {"sources": [source]}})
    for one in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        names = {variable["name"] for variable in one.get("env", [])}
        one.setdefault("env", []).extend(
            {"name": name, "value": value} for name, value in VARIABLES.items() if name not in names
        )
        mounts = one.setdefault("volumeMounts", [])
        if all(mount["name"] != "aws-iam-token" for mount in mounts):
            mounts.append({"name": "aws-iam-token", "mountPath": MOUNT_PATH, "readOnly": True})


def add_role_to_applications(pod: Pod) -> None:
    """Do so for the application's containers alone, as with Amazon's annotation that skips containers."""
    held = pod["spec"].pop("initContainers", None)
    add_role(pod)
    if held is not None:
        pod["spec"]["initContainers"] = held


def wish(model: str) -> Pod:
    """Return a pod as the ServiceAccount plugin leaves it, which is off here: tokens need an account."""
    pod = labelled_pod("first")
    pod["metadata"]["labels"]["weighbridge.dev/model"] = model
    pod["spec"]["serviceAccountName"] = "models"
    return pod


@pytest.fixture(scope="module")
def cloudy(api_server: ApiServer, configuration: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Register ours between Amazon's, each for namespaces that name it; none of those is called again."""
    objects = api_server.objects()
    with ExitStack() as running:
        catalog = {"tiny": f"oci://{ECR}/models/tiny:v1", "other": "oci://registry.example/models/tiny:v1"}
        webhook = running.enter_context(
            running_webhook(tmp_path_factory.mktemp("webhook"), catalog, {"PULLER_IMAGE": "registry.example/w:1"})
        )
        for place, add in (
            ("aaa-role", add_role),
            ("zzz-role", add_role),
            ("zzz-application", add_role_to_applications),
        ):
            other = running.enter_context(running_injector(tmp_path_factory.mktemp(place), add, place))
            other["webhooks"][0]["namespaceSelector"] = {"matchLabels": {place: "here"}}
            other["webhooks"][0]["reinvocationPolicy"] = "Never"
            objects.create(other)
        running.enter_context(registered(objects, pointed_at(webhook, configuration), labelled_pod("probe")))
        yield objects


@pytest.mark.parametrize("place", ["aaa-role", "zzz-role", "zzz-application"])
def test_the_puller_has_the_role_once_and_a_second_pass_changes_nothing(cloudy: Objects, place: str) -> None:
    """Called before ours, after it, or for the application alone: variables and mount come once, and stay."""
    namespace = cloudy.namespace("cloudy", OPTED_IN | {place: "here"})
    first = namespace.create(wish("tiny"))
    puller = first["spec"]["initContainers"][0]
    given = [one for one in puller["env"] if one["name"].startswith("AWS_")]
    assert {one["name"]: one["value"] for one in given} == VARIABLES
    assert len(given) == len(VARIABLES)
    mounts = [one for one in puller["volumeMounts"] if one["name"] == "aws-iam-token"]
    assert mounts == [{"name": "aws-iam-token", "mountPath": MOUNT_PATH, "readOnly": True}]
    assert pullers(first) == 1
    second = namespace.create(as_new(first, "second"))
    assert stored(second) == stored(first)


def test_a_registry_elsewhere_gets_nothing_of_the_role(cloudy: Objects) -> None:
    """The puller of a model from another registry has neither the role nor its token."""
    namespace = cloudy.namespace("cloudy", OPTED_IN | {"aaa-role": "here"})
    puller = namespace.create(wish("other"))["spec"]["initContainers"][0]
    assert [one for one in puller["env"] if one["name"].startswith("AWS_")] == []
    assert [one for one in puller["volumeMounts"] if one["name"] == "aws-iam-token"] == []
