"""Whole files through `weighbridge inject`: inputs and outputs stand side by side in tests/golden.

`make golden` writes the outputs anew; the difference is for people to read.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from webhook.manifests.documents import read_manifests
from webhook.workloads.templates import TEMPLATES, template_of

FOLDER = Path(__file__).parents[1] / "golden"
CONFIGURATION = FOLDER / "configuration.yaml"
INPUTS = sorted(FOLDER.glob("*.in.*"))
_MADE_BY_OTHERS = {
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "PodTemplate": ("template",),
}
_PATHS = {"Pod": (), **TEMPLATES, **_MADE_BY_OTHERS}


def _expected(source: Path) -> Path:
    return source.with_name(source.name.replace(".in.", ".out."))


def _inject(source: Path) -> int:
    return weighbridge.main(["inject", "-f", str(source), "--config", str(CONFIGURATION), "--offline"])


def _objects(text: str) -> list[Any]:
    readable = [part for part in text.split("\n---") if "{{" not in part]
    return [manifest for part in readable for manifest in read_manifests(part) if isinstance(manifest, dict)]


@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_a_golden_file_comes_out_as_it_did(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The output of `inject` is what people last agreed to."""
    assert _inject(source) == 0
    found = capsys.readouterr().out
    if os.environ.get("WEIGHBRIDGE_GOLDEN") == "write":
        _expected(source).write_text(found, "utf-8")
    assert found == _expected(source).read_text("utf-8")


@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_a_golden_output_is_a_fixed_point(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Injecting what was injected changes no byte."""
    assert _inject(_expected(source)) == 0
    assert capsys.readouterr().out == _expected(source).read_text("utf-8")


@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_a_golden_output_reads_as_the_pods_that_were_decided_on(source: Path) -> None:
    """What kubectl reads from the written text has every record that is in it, whole."""
    seen = 0
    for manifest in _objects(_expected(source).read_text("utf-8")):
        if manifest.get("kind") not in _PATHS:
            continue
        pod = template_of(manifest, _PATHS[manifest["kind"]])
        record = pod["metadata"].get("annotations", {}).get("weighbridge.dev/status")
        if record is None:
            continue
        seen += 1
        status = json.loads(record)
        targets = [one for one in pod["spec"]["containers"] if one["name"] in status["containers"]]
        assert all(one["env"][0]["value"] == status["mountPath"] for one in targets)
        assert len(targets) == len(status["containers"])
    assert seen


def test_goldens_hold_each_input_and_nothing_else() -> None:
    """An output whose input is gone would never be looked at."""
    outputs = {path.name for path in FOLDER.glob("*.out.*")}
    assert outputs == {_expected(source).name for source in INPUTS}
