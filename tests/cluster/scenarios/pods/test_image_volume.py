"""A model that was pushed as an image: the kubelet mounts it by itself, and a puller takes it as well."""

from pathlib import Path
from random import Random

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import deployment, digests, labelled, push, report, rolled_out

_WEIGHTS_BYTES = 6 << 20


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a model of a large file and small ones, in folders, with an empty one and a long name."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "tokenizer" / "deep").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer" / "vocab.json").write_text("{}\n")
    (folder / "tokenizer" / "deep" / f"{'long-' * 40}.json").touch()
    (folder / "model.safetensors").write_bytes(Random(3).randbytes(_WEIGHTS_BYTES))
    return folder


@pytest.mark.usefixtures("installed")
def test_the_kubelet_mounts_what_was_pushed_as_an_image_and_a_puller_brings_the_same_files(
    cluster: Cluster, engines: tuple[str, str], packed: Path, registry: ClusterRegistry, namespace: str
) -> None:
    """One reference for both; with the annotation `weighbridge.dev/volume: image` the pod has no container of ours.

    The files are mounted without the layers' other folders, and a user without rights reads them.
    """
    source = push(cluster, packed, f"{registry.address}/images/tiny:v1", "--as", "image")
    wish = labelled(deployment(engines[0]), "tiny", source=source, volume="image")
    cluster.apply(wish, namespace=namespace)
    (mounted,) = rolled_out(cluster, namespace)

    assert report(cluster, mounted)["files"] == digests(packed)
    assert "initContainers" not in mounted["spec"]
    assert [one["image"]["reference"] for one in mounted["spec"]["volumes"] if "image" in one] == [source]

    cluster.apply(labelled(deployment(engines[0]), "tiny", source=source), namespace=namespace)
    (pulled,) = rolled_out(cluster, namespace)

    assert report(cluster, pulled)["files"] == digests(packed)
    assert [one["name"] for one in pulled["spec"]["initContainers"]] == ["weighbridge-puller"]
