"""Streams of documents, cut and joined."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.catalog import Catalog
from webhook.contract import MODEL
from webhook.injection.inject import Injection, inject
from webhook.manifests.documents import Document, change_document, read_manifests
from webhook.manifests.files import Outcome, admit_manifest
from webhook.manifests.stream import split_documents
from webhook.manifests.written import Style
from webhook.resolving.answer import Unknown
from webhook.settings import Settings
from webhook.workloads.change import Change
from webhook.workloads.propagate import propagate

from .test_cases import CASES

CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v1"})
POD = "kind: Pod\nmetadata: {labels: {weighbridge.dev/model: phi-4}}\nspec: {containers: [{name: a}]}\n"


def inject_document(text: str, catalog: Catalog, settings: Settings) -> Document:
    """Inject the one document of a text."""
    (part,) = split_documents(text)
    return change_document(part, lambda manifest: admit_manifest(manifest, catalog, settings))


def _text(document: str) -> str:
    return inject_document(document, CATALOG, Settings()).text


@given(st.lists(st.sampled_from(["---\n", "--- # x\n", "---x\n", "a: 1\n", " ---\n", "\n", "# c\n", "---"])))
def test_the_parts_of_a_stream_are_the_stream(lines: list[str]) -> None:
    """Cutting loses nothing, and each part but the first begins with a separator."""
    stream = "".join(lines)
    parts = [part.text for part in split_documents(stream)]
    assert "".join(parts) == stream
    assert all(part.startswith("---") for part in parts[1:])


def test_separators_in_texts_do_not_cut() -> None:
    """An indented separator is text, and so is a word that begins with dashes."""
    assert len(split_documents("a: |\n  ---\n  b\n---- c\n---\nd: 1\n")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# weighbridge.dev/model\n",
        "--- # weighbridge.dev/model",
        "just text about weighbridge.dev/model\n",
        "[weighbridge.dev/model]\n",
        "{'a':   weighbridge.dev/model}  # not JSON\n",
        '{"weighbridge.dev/model":  1}',
        "{{ not yaml }}\n",
        "a:   weighbridge.dev/model",
    ],
)
def test_what_asks_for_nothing_stays_as_it_is(text: str) -> None:
    """Documents that are no Kubernetes objects come out byte for byte."""
    assert _text(text) == text


def test_line_ends_of_windows_stay() -> None:
    """A file with CRLF is still one after its change."""
    found = _text(POD.replace("\n", "\r\n"))
    assert "weighbridge-puller" in found
    assert found.count("\n") == found.count("\r\n")


def test_a_value_on_the_separators_line_stays_a_document_of_its_own() -> None:
    """A document may begin on the line of its separator, which must not be lost."""
    found = _text("--- " + "{" + POD.replace("\n", ", ").rstrip(", ") + "}\n")
    assert found.startswith("--- {kind: Pod")
    assert "weighbridge-puller" in found


def test_a_document_that_cannot_be_read_is_refused_if_it_names_us() -> None:
    """Somebody wanted a model there, and must know that there is none."""
    (result,) = inject_document("weighbridge.dev/model: a: b", CATALOG, Settings()).results
    assert not isinstance(result.outcome, Outcome)
    assert result.outcome.code == "document.invalid"


@pytest.mark.parametrize("is_yaml", [False, True])
def test_a_key_whose_slash_is_escaped_is_ours(*, is_yaml: bool) -> None:
    """As PHP and others write JSON, and as YAML may have it in quotes."""
    pod = {"kind": "Pod", "metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"containers": [{"name": "a"}]}}
    text = POD.replace(MODEL.name, f'"{MODEL.name}"') if is_yaml else json.dumps(pod)
    (after,) = read_manifests(_text(text.replace("/", "\\/")))
    expected = inject(pod, CATALOG, Settings())
    assert isinstance(expected, Injection)
    assert after == expected.pod


def test_a_list_refuses_its_members_one_by_one() -> None:
    """Each object of a List has its own result."""
    bad = POD.replace("phi-4", "nobody")
    text = json.dumps({"kind": "List", "items": [*read_manifests(POD), *read_manifests(bad)]})
    first, second = inject_document(text, CATALOG, Settings()).results
    assert isinstance(first.outcome, Outcome)
    assert not isinstance(second.outcome, Outcome)
    assert second.outcome.code == "model.unknown"


@pytest.mark.parametrize("case", [case for case in CASES if case.expect_pod], ids=lambda case: case.name)
def test_a_file_holds_just_the_pod_that_the_webhook_makes(case: Any) -> None:
    """Kubectl reads from the output the very values of the patched pod, in YAML as in JSON."""
    wanted = admit_manifest(case.pod, case.catalog, case.settings).manifest
    block = "\n".join(Style().block(case.pod, 0)) + "\n"
    for text in (block, Style().line(case.pod), json.dumps(case.pod), json.dumps(case.pod, indent=4)):
        document = inject_document(text, case.catalog, case.settings)
        assert list(read_manifests(document.text)) == [wanted]


def test_a_stray_key_on_a_workload_is_warned_of() -> None:
    """Keys that do nothing are found where people write them."""
    metadata = {"labels": {"weighbridge.dev/model": "phi-4"}, "annotations": {"weighbridge.dev/mountpath": "/m"}}
    manifest = {"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": {}}}}
    (warning,) = admit_manifest(manifest, CATALOG, Settings()).warnings
    assert "did you mean weighbridge.dev/mount-path?" in warning


def test_a_workloads_template_is_labelled_and_then_injected() -> None:
    """The output shows the pods that will run: both webhooks' work, in their order."""
    template = {"metadata": {}, "spec": {"containers": [{"name": "a"}]}}
    manifest = {
        "kind": "Deployment",
        "metadata": {"labels": {"weighbridge.dev/model": "phi-4"}},
        "spec": {"template": template},
    }
    outcome = admit_manifest(manifest, CATALOG, Settings())
    labelled = propagate(Change(kind="Deployment", new=manifest)).workload["spec"]["template"]
    pod = inject(labelled, CATALOG, Settings())
    found = outcome.manifest["spec"]["template"]
    assert found == getattr(pod, "pod", None)


STREAM = json.dumps({"kind": "ConfigMap"}) + json.dumps(next(iter(read_manifests(POD))), indent=2) + "\n"


def test_a_template_from_a_cluster_names_its_account_twice_and_has_no_secrets_of_it() -> None:
    """The API server writes both names into templates, too: an entry of ours would keep the account's secrets out."""
    account = {"serviceAccountName": "chat", "serviceAccount": "chat"}
    template = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {**account, "containers": [{"name": "a"}]}}
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"template": template}}
    settings = Settings(puller_pull_secrets=("mirror",))
    (part,) = split_documents(json.dumps(workload))
    document = change_document(
        part, lambda one: admit_manifest(one, CATALOG, settings, lambda _: (Unknown("not-found"),))
    )
    (after,) = read_manifests(document.text)
    spec = after["spec"]["template"]["spec"]
    assert {key: spec[key] for key in account} == account
    assert "imagePullSecrets" not in spec
    (result,) = document.results
    assert isinstance(result.outcome, Outcome)
    assert [warning.partition("]")[0] for warning in result.outcome.warnings] == ["[source.hidden"]


def test_json_objects_one_after_another_are_documents_each() -> None:
    """Kubectl takes a stream of them, and so do we."""
    first, second = split_documents(STREAM)
    assert first.text + second.text == STREAM
    assert "weighbridge-puller" in _text(second.text)


@pytest.mark.parametrize("manifest", [POD, STREAM])
def test_a_byte_order_mark_stays_and_hinders_nobody(manifest: str) -> None:
    """Editors of Windows write one."""
    parts = split_documents(f"\ufeff{manifest}")
    texts = [change_document(part, lambda one: admit_manifest(one, CATALOG, Settings())).text for part in parts]
    assert texts[0] == "\ufeff"
    assert "weighbridge-puller" in "".join(texts)


LABELLED = {"metadata": {"labels": {"weighbridge.dev/model": "phi-4"}}, "spec": {"containers": [{"name": "a"}]}}


@pytest.mark.parametrize(
    ("kind", "spec", "count"),
    [
        ("Rollout", {"template": LABELLED}, 1),
        ("LeaderWorkerSet", {"leaderWorkerTemplate": {"leaderTemplate": LABELLED, "workerTemplate": LABELLED}}, 2),
        ("JobSet", {"replicatedJobs": [{"template": {"spec": {"template": LABELLED}}}] * 3}, 3),
        ("Job", {"tasks": [{"template": LABELLED}]}, 1),
    ],
)
def test_a_labelled_template_is_injected_in_whatever_kind(kind: str, spec: Any, count: int) -> None:
    """Its pods come by the pods webhook, so the file has to show it."""
    manifest = {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    found = json.dumps(admit_manifest(manifest, CATALOG, Settings()).manifest)
    assert found.count('"weighbridge-puller"') == count


@pytest.mark.parametrize("kind", ["Rollout", "ReplicaSet"])
def test_the_label_on_a_kind_that_hands_none_on_is_told_of(kind: str) -> None:
    """It does nothing there, in a file as in a cluster."""
    metadata = {"labels": {"weighbridge.dev/model": "phi-4"}}
    template: Any = {"metadata": {}, "spec": {"containers": []}}
    outcome = admit_manifest({"kind": kind, "metadata": metadata, "spec": {"template": template}}, CATALOG, Settings())
    assert "spec.template.metadata.labels" in outcome.warnings[0]


def test_the_items_of_any_list_are_objects() -> None:
    """The kind that a list implies for its items is not written into them."""
    pods = json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [LABELLED]})
    (found,) = json.loads(inject_document(pods, CATALOG, Settings()).text)["items"]
    assert "kind" not in found
    assert found["spec"]["initContainers"]
    nested = {"kind": "List", "items": [{"kind": "PodList", "items": [LABELLED]}]}
    assert "weighbridge-puller" in inject_document(json.dumps(nested), CATALOG, Settings()).text


def test_a_pod_without_containers_is_told_of() -> None:
    """The API server will refuse it, and nobody gets the model."""
    outcome = admit_manifest(LABELLED | {"kind": "Pod", "spec": {"containers": []}}, CATALOG, Settings())
    assert "into no container" in outcome.summary
    assert "no containers" in outcome.warnings[0]


@pytest.mark.parametrize("text", ["name: {{ .Release.Name }}\n", "{{- if x }}\na: b\n{{- end }}\n", "? [a]\n: b\n"])
def test_a_chart_that_was_not_rendered_is_refused(text: str) -> None:
    """Whoever pipes a template in learns that it has to be rendered."""
    (result,) = inject_document(f"# weighbridge.dev/model\n{text}", CATALOG, Settings()).results
    assert not isinstance(result.outcome, Outcome)
    assert result.outcome.code == "document.invalid"
