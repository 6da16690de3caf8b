"""Pods as large as an API server takes, and records that were forged to be large: a second is far more than enough."""

import json
import time
from typing import Any

import pytest

from registry.errors import Fault
from webhook.contract import MODEL, STATUS
from webhook.injection.inject import Injection, inject

from .test_second_pass import CATALOG, SETTINGS, Pod

MANY = 3000
_SECONDS = 3  # of this process on a core: an admission has five, and a tenth is usual
RECORD = {
    "version": 1,
    "model": "phi-4",
    "source": "registry.example.com/models/phi-4:v1",
    "origin": "catalog",
    "containers": ["a"],
    "mountPath": "/m",
    "volume": "emptydir",
}


def _numbered(prefix: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"{prefix}{number}", **fields} for number in range(MANY)]


SPECS: dict[str, dict[str, Any]] = {
    "containers": {"containers": _numbered("c")},
    "native sidecars": {"initContainers": _numbered("i", restartPolicy="Always"), "containers": [{"name": "a"}]},
    "volumes": {"volumes": _numbered("v"), "containers": _numbered("c", volumeMounts=[{"mountPath": "/x"}])},
    "variables": {"containers": [{"name": "a", "env": _numbered("e", value="$(x)") * 10}]},
    "mounts": {"containers": [{"name": "a", "volumeMounts": [{"mountPath": f"/{n}"} for n in range(MANY)]}]},
    "arguments": {"containers": [{"name": "a", "args": ["a"] * 100_000}]},
    "tolerations": {"containers": [{"name": "a"}], "tolerations": [{"key": str(n)} for n in range(MANY * 5)]},
    "accelerators": {
        "containers": [{"name": "a", "resources": {"limits": {f"nvidia.com/gpu{n}": 1 for n in range(MANY * 5)}}}]
    },
    "claims": {"containers": _numbered("c", resources={"claims": [{"name": "gpu"}]})},
    "secrets": {"containers": [{"name": "a"}], "imagePullSecrets": _numbered("s") * 5},
    "puller's variables": {
        "initContainers": [{"name": "weighbridge-puller", "env": _numbered("e", value="v") * 5}],
        "containers": [{"name": "a"}],
    },
}
RECORDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tolerations": {"tolerations": [{"key": str(n), "operator": "Exists"} for n in range(MANY)]},
    "variables": {"env": {"a": {f"E{n}": "v" for n in range(MANY)}}},
    "secrets": {"imagePullSecrets": [f"k{n}" for n in range(MANY)]},
    "arguments": {"args": {"a": ["a"] * MANY + ["b", "a"]}},
    "containers": {"containers": [f"c{n}" for n in range(MANY)]},
    "puller's variables": {"pullerEnv": {f"E{n}": "v" for n in range(MANY)}},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_pod_of_any_size_is_answered_in_time(spec: dict[str, Any], record: dict[str, Any]) -> None:
    """No list is searched for each entry of another."""
    annotations = {STATUS.name: json.dumps(RECORD | record)}
    pod: Pod = {"metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": annotations}, "spec": spec}
    started = time.process_time()
    try:
        outcome = inject(pod, CATALOG, SETTINGS)
        if isinstance(outcome, Injection):
            inject(outcome.pod, CATALOG, SETTINGS)
    except Fault as fault:
        assert fault.hint  # noqa: PT017 - refused in time is answered in time
    assert time.process_time() - started < _SECONDS
