"""The benchmark itself, at a size that proves nothing but that it works."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parent.parent.parent
CASES = {
    "unshaped",
    "tls",
    "shaped_tls",
    "slow",
    "warm",
    "kaito",
    "capped",
    "shaped",
    "frugal",
    "disk",
    "killed",
    "pack",
    "zstd",
    "shared",
    "admission",
}


@pytest.fixture(scope="module")
def results(part: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the benchmark once, quickly."""
    part("registry")
    folder = tmp_path_factory.mktemp("bench")
    places = ["--results", str(folder / "results"), "--cache", str(folder / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *places], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / "results"


def test_every_case_leaves_its_measurements(results: Path) -> None:
    """Each case writes a JSON file, and in each one ours did its work."""
    found = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    assert set(found) == CASES
    assert [(name, failed) for name, case in found.items() for failed in failures_of_ours(case)] == []


def test_the_page_has_a_row_for_every_goal(results: Path) -> None:
    """A goal that could not be measured stands on the page too, with the reason."""
    page = (results / "README.md").read_text()
    goals = [goal for path in results.glob("*.json") for goal in json.loads(path.read_text())["goals"]]
    assert [goal["promise"] for goal in goals if f"| {goal['promise']} |" not in page] == []
    assert [goal["promise"] for goal in goals if goal["measured"] is None and not goal["remark"]] == []


def test_bytes_survive_every_kill_even_at_this_size(results: Path) -> None:
    """What no size excuses: nothing unverified is visible, and the end is right."""
    killed = json.loads((results / "killed.json").read_text())
    assert [goal["promise"] for goal in killed["goals"] if not goal["is_met"]] == []


def test_the_plot_is_well_formed(results: Path) -> None:
    """A plot is one SVG with a bar for each contestant."""
    series = json.loads((results / "unshaped.json").read_text())["series"]
    plots = sorted(results.glob("unshaped-*.svg"))
    trees = [ET.parse(plot) for plot in plots]  # noqa: S314 - our own plots
    bars = [len(tree.findall("{http://www.w3.org/2000/svg}rect")) for tree in trees]
    assert bars == [len(one["runs"]) for one in series.values()]


def failures_of_ours(case: dict[str, Any]) -> list[str]:
    """Return what our own programs failed with."""
    return [
        reason
        for series in case["series"].values()
        for name, reason in series["failures"].items()
        if name.startswith("weighbridge")
    ]
