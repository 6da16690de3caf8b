"""`weighbridge explain -f`: which step decided what, or why there is no model."""

import json
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from webhook.catalog import Catalog
from webhook.manifests.explain import Cluster, Explanation, explain_manifest
from webhook.settings import Settings

CATALOG = Catalog.read({"phi-4": "{source: 'oci://registry.example.com/phi-4:v1', gpu: true}"})
POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "chat", "namespace": "team", "labels": {"weighbridge.dev/model": "phi-4"}},
    "spec": {"containers": [{"name": "server"}]},
}
OPTED_IN = {"kind": "Namespace", "metadata": {"name": "team", "labels": {"weighbridge.dev/injection": "enabled"}}}


def _explain(manifest: dict[str, Any], *others: dict[str, Any]) -> Explanation:
    cluster = Cluster.of(others, CATALOG, Settings())
    (found,) = explain_manifest(manifest, cluster)
    return found


def _labelled(**labels: str) -> dict[str, Any]:
    return POD | {"metadata": POD["metadata"] | {"labels": {f"weighbridge.dev/{key}": v for key, v in labels.items()}}}


def test_a_pod_with_its_model_is_explained_step_by_step() -> None:
    """Label, namespace, opt-out, source, volume, container, tolerations, puller."""
    found = _explain(POD, OPTED_IN)
    steps = dict(found.steps)
    assert (found.result, found.code) == ("injected", "injected")
    assert steps["namespace"] == "team has opted in"
    assert steps["source"] == "oci://registry.example.com/phi-4:v1, from the catalog"
    assert "its tag may move" in steps["digest"]
    assert steps["volume"] == "emptydir"
    assert "server sees it at /models/phi-4, with WEIGHBRIDGE_MODEL_PATH" in steps["container"]
    assert steps["engine"] == "none in server, by command and image"
    assert steps["tolerations"] == "nvidia.com/gpu, amd.com/gpu"


@pytest.mark.parametrize(
    ("manifest", "result", "code", "step", "words"),
    [
        (_labelled(), "skipped", "no-label", "label", "is missing: set it on the pod"),
        (_labelled(model="phi-4", injection="disabled"), "skipped", "disabled", "opt-out", "opts the pod out"),
        (_labelled(model="phi-5"), "refused", "model.unknown", "hint", "did you mean phi-4?"),
    ],
)
def test_why_not_is_answered_by_the_step_that_said_so(
    manifest: dict[str, Any], result: str, code: str, step: str, words: str
) -> None:
    """Each verdict has its code, and the step says what to mend."""
    found = _explain(manifest, OPTED_IN)
    assert (found.result, found.code) == (result, code)
    assert words in dict(found.steps)[step]


@pytest.mark.parametrize(
    ("others", "words", "code"),
    [
        ((), "is in no file", "injected"),
        (({"kind": "Namespace", "metadata": {"name": "team"}},), "has not opted in", "not-opted-in"),
    ],
)
def test_a_namespace_that_has_not_opted_in_is_a_reason(
    others: tuple[dict[str, Any], ...], words: str, code: str
) -> None:
    """The command that opts it in is there; a namespace that nobody showed may have opted in."""
    found = _explain(POD, *others)
    said = dict(found.steps)["namespace"]
    assert words in said
    assert "kubectl label namespace team weighbridge.dev/injection=enabled" in said
    assert found.code == code


def test_no_label_opts_a_namespace_of_the_systems_in() -> None:
    """The webhook's rules leave them out."""
    assert _explain(POD | {"metadata": POD["metadata"] | {"namespace": "kube-system"}}).code == "not-opted-in"


def test_where_the_label_came_from_is_said() -> None:
    """From the workload, from the template itself, or nowhere though the object has it."""
    template = {"metadata": {}, "spec": POD["spec"]}
    for kind, words in (
        ("Deployment", "copied from the workload"),
        ("Rollout", "is missing: set it in the pod template"),
    ):
        manifest = {"kind": kind, "metadata": POD["metadata"], "spec": {"template": template}}
        assert words in dict(_explain(manifest).steps)["label"]
    by_itself = {"kind": "Rollout", "metadata": {}, "spec": {"template": {**POD}}}
    assert "in the template itself" in dict(_explain(by_itself).steps)["label"]


def test_the_verb_prints_text_or_json_and_fails_for_a_refused_pod(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chart beside the manifests that names none of our keys is passed over."""
    file = tmp_path / "deploy.json"
    file.write_text(json.dumps(_labelled(model="nobody")) + json.dumps(OPTED_IN))
    (tmp_path / "chart.yaml").write_text("{{- if x }}\n")
    arguments = ["explain", "-f", str(tmp_path)]
    assert weighbridge.main(arguments) == 1
    assert capsys.readouterr().out.startswith("Pod/team/chat: refused: ")
    assert weighbridge.main([*arguments, "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["object"], found["result"], found["code"]) == ("Pod/team/chat", "refused", "model.unknown")
