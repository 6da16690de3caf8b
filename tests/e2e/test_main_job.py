"""The main job: one label, and the weights are on disk before the container starts."""

import base64
import copy
import json
from pathlib import Path

import pytest

from tests.parts.apiserver import ApiServer
from tests.parts.distribution import PASSWORD, USER, Registry
from tests.parts.objects import Namespace, Object

from .conftest import MODEL, labelled_pod, push
from .kubelet import Node

PULLER = "weighbridge-puller"


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _seen_by(node: Node, pod: Object, container: str = "server") -> dict[str, bytes]:
    """Return the files that a container finds at the place that its environment names."""
    (found,) = [one for one in pod["spec"]["containers"] if one["name"] == container]
    environ = {one["name"]: one["value"] for one in found["env"]}
    (mount,) = [one for one in found["volumeMounts"] if one["mountPath"] == environ["WEIGHBRIDGE_MODEL_PATH"]]
    assert mount["readOnly"]
    return _tree(node.mounted(pod, mount))


def test_a_pod_with_one_label_finds_every_byte_of_the_model(namespace: Namespace, model: Path, node: Node) -> None:
    """What was pushed is what the container sees: the promise, from push to read."""
    namespace.create(labelled_pod("one"))
    pod = namespace.read("v1", "Pod", "one")

    done = node.run(pod, PULLER)

    assert done.returncode == 0, done.stderr
    assert _seen_by(node, pod) == _tree(model)


def test_the_audit_log_shows_who_changed_the_pod_and_how(namespace: Namespace, api_server: ApiServer) -> None:
    """The change is our webhook's, in one patch, and takes nothing away."""
    namespace.create(labelled_pod("audited"))

    (event,) = api_server.audited("create", namespace.name, "audited")
    notes = event["annotations"]
    mutations = [json.loads(text) for key, text in notes.items() if key.startswith("mutation.webhook")]
    assert [one["mutated"] for one in mutations if one["webhook"] == "pods.weighbridge.dev"] == [True]
    patches = [json.loads(text) for key, text in notes.items() if key.startswith("patch.webhook")]
    assert {operation["op"] for operation in patches[0]["patch"]} == {"add"}


def test_a_label_on_a_deployment_reaches_its_pods_and_its_removal_leaves_them_as_they_were(
    namespace: Namespace, model: Path, node: Node
) -> None:
    """`kubectl label deployment` is all that a user does, and undoing it undoes all."""
    plain = _deployment("rollout")
    namespace.create(plain)
    before = namespace.read("apps/v1", "Deployment", "rollout")["spec"]["template"]

    labelled = namespace.merge(_labels("rollout", MODEL))["spec"]["template"]
    assert labelled["metadata"]["labels"]["weighbridge.dev/model"] == MODEL
    pod = namespace.create(_pod_of(labelled, "rollout-1"))
    done = node.run(pod, PULLER)
    assert done.returncode == 0, done.stderr
    assert _seen_by(node, pod) == _tree(model)

    assert namespace.merge(_labels("rollout", None))["spec"]["template"] == before


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("batch/v1", "Job"), ("batch/v1", "CronJob")],
)
def test_every_kind_of_workload_hands_its_label_to_its_pods(api_version: str, kind: str, namespace: Namespace) -> None:
    """Whatever makes the pods, one label on it is enough."""
    made = namespace.create(_workload(api_version, kind))

    spec = made["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else made["spec"]
    assert spec["template"]["metadata"]["labels"]["weighbridge.dev/model"] == MODEL


def test_a_shared_claim_is_filled_once_and_then_needs_no_registry(
    namespace: Namespace, node: Node, model: Path, pushed: str, registry: Registry
) -> None:
    """The second pod on the claim finds the pinned model there, and asks nobody for it."""
    pods = []
    for name in ("first", "second"):
        pod = labelled_pod(name)
        pod["metadata"]["annotations"] = {
            "weighbridge.dev/volume": "pvc:cache/team-a",
            "weighbridge.dev/source": pushed,
        }
        pods.append(namespace.create(pod))

    assert node.run(pods[0], PULLER).returncode == 0
    requests = registry.process.said().count("http.request.uri")
    assert requests > 0
    assert node.run(pods[1], PULLER).returncode == 0

    assert registry.process.said().count("http.request.uri") == requests
    assert _seen_by(node, pods[1]) == _tree(model)


@pytest.fixture
def login(basic_registry: Registry, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Push the model to the private registry, and give the docker config that opens it."""
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config = json.dumps({"auths": {basic_registry.address: {"auth": pair}}})
    (tmp_path / "config.json").write_text(config)
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(tmp_path))
        push(model, f"{basic_registry.address}/models/private:v1")
    return config


def test_the_pods_own_pull_secrets_open_a_private_registry(
    namespace: Namespace, model: Path, login: str, tmp_path: Path
) -> None:
    """The puller reads the docker configs of the pod's secrets; one that is absent is passed over."""
    wish = labelled_pod("private", "private")
    wish["spec"]["imagePullSecrets"] = [{"name": "absent"}, {"name": "reader"}]
    pod = namespace.create(wish)
    reader = {".dockerconfigjson": base64.b64encode(login.encode()).decode()}
    node = Node(tmp_path / "node", {"reader": reader})

    refused = Node(tmp_path / "other node").run(pod, PULLER)
    let_in = node.run(pod, PULLER)

    assert refused.returncode == 1
    assert "registry.unauthorized" in refused.stderr
    assert let_in.returncode == 0, let_in.stderr
    assert _seen_by(node, pod) == _tree(model)


def _labels(name: str, model: str | None) -> Object:
    metadata = {"name": name, "labels": {"weighbridge.dev/model": model}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


def _template() -> Object:
    return {"metadata": {"labels": {"app": "server"}}, "spec": labelled_pod("")["spec"]}


def _deployment(name: str) -> Object:
    spec = {"selector": {"matchLabels": {"app": "server"}}, "template": _template()}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _workload(api_version: str, kind: str) -> Object:
    template = _template()
    spec: Object = {"template": template}
    if api_version == "apps/v1":
        spec["selector"] = {"matchLabels": {"app": "server"}}
    else:
        template["spec"]["restartPolicy"] = "Never"
    if kind == "StatefulSet":
        spec["serviceName"] = "server"
    if kind == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    metadata = {"name": kind.lower(), "labels": {"weighbridge.dev/model": MODEL}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _pod_of(template: Object, name: str) -> Object:
    """Do what a ReplicaSet does with its template."""
    pod = copy.deepcopy(template)
    pod["metadata"] = {"name": name, "labels": template["metadata"]["labels"]} | {
        key: value for key, value in template["metadata"].items() if key == "annotations"
    }
    return {"apiVersion": "v1", "kind": "Pod", **pod}
