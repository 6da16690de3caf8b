"""Laws of the pods."""

import pytest

from bench.evaluation.starts.pods import MODELCAR, STARTS, Sources

_SOURCES = Sources(
    engine="registry/engine:v1",
    weights_image="registry/weights:v1",
    oras_image="localhost/oras:1",
    raw="registry/raw@sha256:1",
    zstd="registry/zstd@sha256:2",
    node_folder="/models",
    memory_bytes=1 << 30,
)


@pytest.mark.parametrize("way", STARTS)
def test_every_way_starts_the_same_engine_within_the_same_memory(way: str) -> None:
    """Rows differ in how weights come, and in nothing else."""
    (engine, *_) = STARTS[way].pod(_SOURCES)["spec"]["containers"]
    assert engine["image"] == _SOURCES.engine
    assert engine["resources"]["limits"] == {"memory": str(1 << 30)}
    assert engine["args"][1].endswith("/phi-4")


@pytest.mark.parametrize("way", [way for way in STARTS if way.startswith("weighbridge")])
def test_our_pods_are_labelled_and_have_nothing_injected_by_hand(way: str) -> None:
    """What the webhook does is part of what is measured."""
    pod = STARTS[way].pod(_SOURCES)
    assert pod["metadata"]["labels"] == {"weighbridge.dev/model": "phi-4"}
    assert "initContainers" not in pod["spec"]
    assert len(pod["spec"]["containers"]) == 1


def test_a_modelcar_links_its_own_root_after_the_apis_expansion() -> None:
    """The API makes one dollar sign of two, and the shell needs two for its process id."""
    car = STARTS[MODELCAR].pod(_SOURCES)["spec"]["containers"][1]
    assert car["command"][2].replace("$$", "$").startswith("ln -sf /proc/$$/root/models/phi-4 ")
