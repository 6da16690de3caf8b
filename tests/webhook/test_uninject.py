"""`uninject` takes out what `inject` put in, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from webhook.catalog import Catalog
from webhook.contract import STATUS
from webhook.manifests.files import admit_manifest
from webhook.manifests.uninject import uninject_manifest
from webhook.settings import Settings

from .test_cases import CASES
from .test_golden import CONFIGURATION, INPUTS


def _pruned(value: Any) -> Any:
    """Return a value without empty mappings and nulls, which mean to the API server what is not there."""
    if isinstance(value, dict):
        kept = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


# Some pods come with parts of an earlier injection, or with our names.
UNTOUCHED = [case for case in CASES if case.expect_pod and "weighbridge-" not in json.dumps(case.pod)]


@pytest.mark.parametrize(
    "case", [case for case in UNTOUCHED if STATUS.name not in json.dumps(case.pod)], ids=lambda case: case.name
)
def test_what_was_injected_is_taken_out_again(case: Any) -> None:
    """Law: the pod is what its author wrote."""
    injected = admit_manifest(case.pod, case.catalog, case.settings).manifest
    once = uninject_manifest(injected).manifest
    assert _pruned(once) == _pruned(case.pod)
    assert uninject_manifest(once).manifest is once


def test_a_list_comes_back_byte_for_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its objects are told apart by their kinds and names, so that no line of their authors' is written anew."""
    source = tmp_path / "list.yaml"
    source.write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- apiVersion: v1\n  kind: Pod\n  metadata: {name: one}  # no model\n  spec: {containers: [{name: a}]}\n"
        "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: two   # keep me\n"
        "    labels: {weighbridge.dev/model: phi-4}\n  spec:\n    containers:\n    - name: a  # and me\n",
        "utf-8",
    )
    assert weighbridge.main(["inject", "-f", str(source), "--config", str(CONFIGURATION), "--offline"]) == 0
    injected = tmp_path / "injected.yaml"
    injected.write_text(capsys.readouterr().out, "utf-8")
    assert "name: two   # keep me" in injected.read_text("utf-8")
    assert weighbridge.main(["uninject", "-f", str(injected)]) == 0
    assert capsys.readouterr().out == source.read_text("utf-8")


@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_files_come_back(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Injected and uninjected, a file says what it said, and nearly all of its lines are the very same."""
    assert weighbridge.main(["inject", "-f", str(source), "--config", str(CONFIGURATION), "--offline"]) == 0
    injected = tmp_path / source.name
    injected.write_text(capsys.readouterr().out, "utf-8")
    assert weighbridge.main(["uninject", "-f", str(injected)]) == 0
    found = capsys.readouterr().out.splitlines()
    lines = source.read_text("utf-8").splitlines()
    if "&" not in source.read_text("utf-8"):  # what aliases share was written out
        assert len([line for line in lines if line not in found]) <= 2


def test_a_workloads_copies_leave_its_template() -> None:
    """The label stays on the workload, whose author set it, and a value that was replaced comes back."""
    labels = {"weighbridge.dev/model": "phi-4"}
    template = {"metadata": {"labels": {"weighbridge.dev/model": "gemma"}}, "spec": {"containers": [{"name": "a"}]}}
    manifest = {"kind": "Deployment", "metadata": {"labels": labels}, "spec": {"template": template}}
    catalog = Catalog.read({name: f"oci://registry.example.com/{name}:v1" for name in ("phi-4", "gemma")})
    injected = admit_manifest(manifest, catalog, Settings()).manifest
    assert json.dumps(injected).count("weighbridge-puller") == 1
    assert uninject_manifest(injected).manifest == manifest


def test_what_was_never_injected_is_left_alone() -> None:
    """A container of the author's stays, and so does a document that is no object."""
    pod = {
        "kind": "Pod",
        "metadata": {"labels": {"weighbridge.dev/model": "x"}},
        "spec": {"containers": [{"name": "a"}]},
    }
    assert uninject_manifest(pod).manifest is pod
    assert uninject_manifest("text").manifest == "text"
