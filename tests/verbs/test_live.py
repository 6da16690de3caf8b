"""`weighbridge explain KIND/NAME`: an object of the cluster, in the words of `explain -f`, and what became of it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from tests.e2e.conftest import OPTED_IN, bare_pod, labelled_pod, plain_deployment
from tests.parts.objects import Namespace, Object

from .conftest import Install, set_status
from .test_pull_state import FAILED


@pytest.fixture
def team(install: Install) -> Namespace:
    """Make a namespace that opted in."""
    return install.objects.namespace("explain", OPTED_IN)


def deployment() -> Object:
    """Return a labelled Deployment."""
    made = plain_deployment()
    made["metadata"]["labels"] = {"weighbridge.dev/model": "phi-4"}
    return made


def explained(
    install: Install, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the one explanation that the verb prints as JSON, and its steps by name."""
    install.run("explain", "-o", "json", *arguments)
    (found,) = json.loads(capsys.readouterr().out)
    steps: dict[str, list[str]] = {}
    for step in found["steps"]:
        steps.setdefault(step["step"], []).append(step["found"])
    return found, steps


def guest_who_reads(install: Install, team: Namespace, folder: Path, *resources: str) -> Path:
    """Let a user read resources of the namespace, and nothing else; return the kubeconfig."""
    rbac = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": "reader"}}
    team.create(role | {"rules": [{"apiGroups": ["", "apps"], "resources": [*resources], "verbs": ["get", "list"]}]})
    reference = {"apiGroup": rbac, "kind": "Role", "name": "reader"}
    subject = {"apiGroup": rbac, "kind": "User", "name": "guest"}
    team.create(role | {"kind": "RoleBinding", "roleRef": reference, "subjects": [subject]})
    config = folder / "kubeconfig"
    config.write_text(
        install.server.kubeconfig.read_text().replace(install.server.admin_token, install.server.guest_token)
    )
    return config


def test_a_deployment_is_explained_with_its_pods(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which webhook, opt-in, catalog entry decided what, and how far each pod is, with its hint."""
    team.create(deployment())
    pod = labelled_pod("vllm-1", "phi-4")
    pod["metadata"]["labels"]["app"] = "vllm"
    container = {"name": "weighbridge-puller", "image": "x", "imageID": "x", "ready": False, "restartCount": 3}
    set_status(
        install.server,
        team.create(pod),
        {"initContainerStatuses": [container | {"state": {"terminated": FAILED}}]},
    )
    found, steps = explained(install, capsys, "deploy/vllm", "-n", team.name)
    assert (found["object"], found["code"]) == (f"Deployment/{team.name}/vllm (spec.template)", "injected")
    assert steps["namespace"] == [f"{team.name} has opted in"]
    assert "workloads.weighbridge.dev copies the label" in steps["webhook"][0]
    assert steps["source"][0].endswith(", from the catalog")
    assert steps["record"][0].startswith("vllm-1 was given phi-4 from oci://127.0.0.1")
    assert steps["pod"] == ["vllm-1: failing [registry.not-found]: GET …: 404"]
    assert steps["hint"] == ["check the spelling"]


@pytest.mark.parametrize("is_whole", [True, False])
def test_without_a_webhook_nobody_gets_a_model(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str], *, is_whole: bool
) -> None:
    """What it would do counts for nothing while the API server calls none; a pod that has its model keeps it."""
    team.create(deployment())
    team.create(labelled_pod("has-it", "phi-4"))

    def none_for_pods(configuration: Object) -> None:
        configuration["webhooks"] = [one for one in configuration["webhooks"] if not one["name"].startswith("pods.")]

    missing = install.absent(install.configuration)
    lacking = install.changed(install.configuration, none_for_pods)
    with missing if is_whole else lacking:
        found, _ = explained(install, capsys, "deploy/vllm", "-n", team.name)
        pod, _ = explained(install, capsys, "pod/has-it", "-n", team.name)

    assert (found["result"], found["code"]) == ("skipped", "not-installed")
    assert "calls no webhook of ours for pods" in found["verdict"]
    assert (pod["result"], pod["code"]) == ("injected", "not-installed")
    assert pod["verdict"].startswith("has its model; as a new pod it would get no model")


def test_what_the_controller_could_not_make_is_told(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the API server's words, from the events."""
    team.create(deployment())
    involved = {"kind": "ReplicaSet", "name": "vllm-5d9f", "namespace": team.name}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": involved}
    said = 'admission webhook "pods.weighbridge.dev" denied the request: [source.not-found] …'
    team.create(event | {"reason": "FailedCreate", "message": said, "type": "Warning"})
    found, steps = explained(install, capsys, "deployment/vllm", "-n", team.name)
    assert steps["refused"] == [said]
    assert (found["result"], found["verdict"], found["code"]) == ("refused", f"refused: {said}", "source.not-found")
    assert install.run("explain", "deployment/vllm", "-n", team.name) == 1


def test_a_pod_without_its_model_gets_none_any_more(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labelled after its creation, or created while no webhook was there; one without the label is told of it."""
    team.create(bare_pod("late"))
    team.merge(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "late",
                "labels": labelled_pod("")["metadata"]["labels"] | {"weighbridge.dev/model": "phi-4"},
            },
        }
    )
    found, steps = explained(install, capsys, "pod/late", "-n", team.name)
    assert (found["result"], found["code"]) == ("skipped", "not-injected")
    assert "without" in steps["pod"][0]
    install.objects.delete("v1", "Pod", "late", team.name)
    team.create(bare_pod("plain"))
    found, steps = explained(install, capsys, "po/plain", "-n", team.name)
    assert found["code"] == "no-label"


def test_a_user_without_rights_is_told_what_is_assumed(
    install: Install, team: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who may read pods alone sees what the catalog says, and that settings are not known."""
    team.create(labelled_pod("one", "phi-4"))
    config = guest_who_reads(install, team, tmp_path, "pods")
    assert weighbridge.main(["explain", "pod/one", "-n", team.name, "--kubeconfig", str(config)]) == 0
    said = capsys.readouterr().out
    assert "weighbridge-config is not known, and its defaults are assumed: get configmaps/weighbridge-config" in said
    assert f"{team.name} cannot be read by you: it must have the label" in said
    assert ", from the catalog" in said


def test_a_refusal_by_defaults_that_were_assumed_is_none(
    install: Install, team: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings that the user may not read may name a default prefix, and a folder of nodes."""
    made = deployment()
    made["metadata"]["labels"] = {"weighbridge.dev/model": "phi-9"}
    team.create(made)
    config = guest_who_reads(install, team, tmp_path, "pods", "deployments")
    arguments = ["explain", "deploy/vllm", "-n", team.name, "-o", "json"]
    assert weighbridge.main([*arguments, "--kubeconfig", str(config)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["result"], found["code"]) == ("unknown", "model.unknown")
    assert found["verdict"].startswith("perhaps refused: ")
    assert found["verdict"].endswith("; weighbridge-config may say otherwise")
    assert install.run(*arguments) == 1


def test_a_refusal_that_no_setting_lifts_is_one(
    install: Install, team: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever may read the settings or not."""
    made = deployment()
    made["metadata"]["labels"] = {"weighbridge.dev/model": "phi-4"}
    made["spec"]["template"]["metadata"]["annotations"] = {"weighbridge.dev/engine-args": "'unclosed"}
    team.create(made)
    config = guest_who_reads(install, team, tmp_path, "pods", "deployments")
    arguments = ["explain", "deploy/vllm", "-n", team.name, "-o", "json", "--kubeconfig", str(config)]
    assert weighbridge.main(arguments) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["result"], found["code"]) == ("refused", "engine-args.invalid")


def test_a_pod_with_its_model_is_not_called_refused(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a new pod would meet is another matter: here its name left the catalog."""
    team.create(labelled_pod("one", "phi-4"))
    catalog = install.read("v1", "ConfigMap", "weighbridge-catalog", "weighbridge-system")
    with install.changed(catalog, lambda one: one["data"].pop("phi-4")):
        found, steps = explained(install, capsys, "pod/one", "-n", team.name)
        assert (found["result"], found["code"]) == ("injected", "model.unknown")
        assert found["verdict"].startswith("has its model; as a new pod it would be refused: ")
        assert steps["pod"] == ["one: waiting: its containers have not begun"]
        assert install.run("explain", "pod/one", "-n", team.name) == 0


def test_a_key_that_is_no_setting_hides_neither_settings_nor_catalog(
    install: Install, team: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """The webhook ignores it, and so does whoever explains the webhook."""
    team.create(deployment())
    config = install.read("v1", "ConfigMap", "weighbridge-config", "weighbridge-system")
    for more, note in (
        ({"WEIGHBRIDGE_DEFAULT_PREFX": "x"}, "the webhook ignores WEIGHBRIDGE_DEFAULT_PREFX in weighbridge-config"),
        ({"WEIGHBRIDGE_CACHE_BYTES": "lots"}, "weighbridge-config is not known, and its defaults are assumed"),
    ):
        with install.changed(config, partial(_update, more)):
            found, steps = explained(install, capsys, "deploy/vllm", "-n", team.name)
            assert found["result"] == "injected"
            assert steps["source"][0].endswith(", from the catalog")
            assert steps["note"][0].startswith(note)


def _update(more: dict[str, str], config_map: Object) -> None:
    config_map["data"] = (config_map.get("data") or {}) | more


def test_objects_that_are_not_there_and_wrong_usage_are_told(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """One or the other: objects, or files."""
    assert install.run("explain", "pod/nobody", "-n", "default") == 1
    assert "get pods/nobody in the namespace default" in capsys.readouterr().err
    for arguments in ([], ["pod/a", "-f", "b.yaml"]):
        with pytest.raises(SystemExit) as caught:
            weighbridge.main(["explain", *arguments])
        assert caught.value.code == 2
        assert "either objects of the cluster" in capsys.readouterr().err
