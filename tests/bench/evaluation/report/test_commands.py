"""Laws of the commands that the page shows."""

import pytest

from bench.evaluation.report.commands import shown


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (
            "/x/.cache/weighbridge/parts/ctr-v2-004c/ctr --address /tmp/weighbridge-containerd-ab_1/containerd.sock",
            "ctr --address $RUN/containerd.sock",
        ),
        (
            "pull --hosts-dir /dev/shm/weighbridge-evaluation-a_b/registry/hosts 127.0.0.1:44565/images/base:v1",
            "pull --hosts-dir $MEMORY/registry/hosts $HOST/images/base:v1",
        ),
        (
            "/opt/wt/.venv/bin/python -m puller /home/x/.cache/weighbridge/bench/weighbridge-evaluation-zz/run/model",
            "python -m puller $DISK/run/model",
        ),
        ("oras pull 10.200.1.2:5000/models/phi-4:v1 -o /models", "oras pull $HOST/models/phi-4:v1 -o /models"),
    ],
)
def test_paths_and_ports_of_one_run_have_names(command: str, wanted: str) -> None:
    """Two runs of the same row show the same command."""
    assert shown(command) == wanted
