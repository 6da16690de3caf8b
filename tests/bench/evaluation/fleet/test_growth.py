"""Laws of the model of growth."""

import pytest

from bench.evaluation.fleet.growth import GROWING, PEERS, Lines, last_seconds, measured_lines, origin_models
from bench.evaluation.fleet.ways import ALONE, CLAIM, HOST_PATH, PULL_THROUGH
from bench.evaluation.report.results import Cell, Section

_LINES = Lines(model=1e9, origin=1e8, node=1e9, mirror=5e8)


@pytest.mark.parametrize("way", GROWING)
def test_no_fleet_is_faster_than_a_smaller_one(way: str) -> None:
    """More pods never make the last one earlier."""
    seconds = [last_seconds(way, pods, _LINES) for pods in (4, 8, 32, 100, 1000)]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("way", GROWING)
def test_no_pod_is_ready_before_the_model_can_come_over_the_origins_line(way: str) -> None:
    """Whatever is between, each byte leaves the origin at least once."""
    assert last_seconds(way, 4, _LINES) >= _LINES.model / _LINES.origin
    assert origin_models(way, 4, _LINES) >= 1


@pytest.mark.parametrize(
    ("way", "seconds", "models"),
    [(ALONE, 320, 32), (HOST_PATH, 80, 8), (CLAIM, 10, 1), (PULL_THROUGH, 64, 1), (PEERS, 10, 1)],
)
def test_thirty_two_pods_by_each_way(way: str, seconds: float, models: float) -> None:
    """A model of 1 GB, an origin of 100 MB/s, four pods a node, and a mirror of 500 MB/s."""
    assert last_seconds(way, 32, _LINES) == pytest.approx(seconds)
    assert origin_models(way, 32, _LINES) == models


def test_the_constants_are_those_of_the_measured_fleet() -> None:
    """What a pull takes beside its bytes, the share of the line, and how often an empty cache asked the origin."""
    runs = {
        ALONE: {"last_seconds": 105.0},
        CLAIM: {"last_seconds": 15.0},
        PULL_THROUGH: {"last_seconds": 30.0, "origin_models": 3.0},
    }
    cells = [Cell("8 pods", way, "", runs=[figures]) for way, figures in runs.items()]
    lines = measured_lines(Section("fleet", cells, size=1_000_000_000), line=1e8)
    assert lines is not None
    assert lines.begin_seconds == pytest.approx(5)
    assert lines.share == pytest.approx(0.8)
    assert lines.cold_copies(8) == 3.0
    assert last_seconds(ALONE, 8, lines) == pytest.approx(105)


def test_without_a_measured_fleet_there_are_no_constants() -> None:
    """Paper alone is no evaluation."""
    assert measured_lines(Section("fleet", failure="needs root")) is None
