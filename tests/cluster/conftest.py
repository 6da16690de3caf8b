"""One cluster for all tests of this folder."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import Part

from .cluster import PARTS, Cluster, running_cluster
from .requirements import missing


@pytest.fixture(scope="session")
def programs(part: Part) -> Mapping[str, Path]:
    """Return the paths of a cluster's programs; what a machine lacks is a failure in CI and a skip elsewhere."""
    if lack := missing():
        if os.environ.get("CI"):
            pytest.fail(lack)
        pytest.skip(lack)  # a laptop without root, containerd and the rest
    return {name: part(name) for name in PARTS}


@pytest.fixture(scope="session")
def cluster(programs: Mapping[str, Path]) -> Iterator[Cluster]:
    """Run a cluster of one node."""
    with (
        tempfile.TemporaryDirectory(prefix="weighbridge-cluster-") as folder,
        running_cluster(programs, Path(folder)) as running,
    ):
        yield running
