"""What a pod's message advises: Secrets, annotations and the operator's settings, never a terminal's options."""

import errno
import json
import os
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import puller
import registry
from puller.errors import DiskFailed, disk_errors
from puller.pod.hints import HINTS, in_pod, pod_hint
from puller.settings import Settings
from registry.errors import Fault, Unauthorized
from tests.fakes.faults import status
from tests.fakes.registry import fake_registry
from tests.puller.test_container import run

SETTINGS = Settings(source="x", destination="/weighbridge/volume/phi-4")
TERMINAL = re.compile(r"docker login|hf auth|--(?!name )\w+|\bHF_TOKEN\b|include and exclude|HTTPS?_PROXY as|~/")
"""What only a person at a terminal can do."""


def faults() -> Iterator[type[Fault]]:
    """Yield every error of the two rooms whose code runs in a pod."""
    for room in (registry, puller):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    waiting, seen = [*Fault.__subclasses__()], set()
    while waiting:
        fault = waiting.pop()
        waiting += fault.__subclasses__()
        if fault not in seen and fault.__module__.startswith(("registry", "puller")):
            seen.add(fault)
            yield fault


@pytest.mark.parametrize("fault", list(faults()), ids=lambda fault: fault.__name__)
def test_no_pod_is_told_what_only_a_terminal_can_do(fault: type[Fault]) -> None:
    """A pod's user writes manifests; the rest is the platform team's."""
    hint = pod_hint(fault("x"), SETTINGS) or fault.hint
    assert hint
    assert not TERMINAL.search(hint)


def test_every_hint_of_a_pod_fits_into_a_termination_message() -> None:
    """Beside the code and the facts."""
    assert [kind for kind, hint in HINTS.items() if len(hint) > 300] == []


def test_a_volume_that_may_not_be_written_names_who_and_whose(tmp_path: Path) -> None:
    """The user, the groups, the folder's owner and mode: one of them must change."""
    tmp_path.chmod(0o2750)
    settings = Settings(source="x", destination=str(tmp_path / "phi-4"))
    with pytest.raises(DiskFailed) as caught, disk_errors():
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))
    hint = pod_hint(caught.value, settings)
    assert f"uid {os.geteuid()}" in hint
    assert "mode 2750" in hint
    assert "spec.securityContext.fsGroup" in hint


def test_a_missing_pull_secret_is_named_as_the_pod_names_it() -> None:
    """Its path in the puller says nothing to anybody."""
    said = in_pod("no credentials are in /weighbridge/credentials/regcred/config.json: no such file")
    assert said == "no credentials are in the Secret regcred, which is missing or has no .dockerconfigjson"
    assert in_pod("nothing of ours") == "nothing of ours"


def test_sizes_are_written_as_people_read_them() -> None:
    """Only those that are too long to read."""
    assert in_pod("the model needs 1048576002 bytes more") == "the model needs 1.0 GB more"
    assert in_pod("512 bytes") == "512 bytes"


def test_a_refused_pull_advises_a_secret(tmp_path: Path) -> None:
    """In the log, and in the message that `kubectl describe pod` shows."""
    log = tmp_path / "termination-log"
    log.touch()
    with fake_registry() as fake:
        fake.fail(status(401), path="/manifests/")
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"), termination_log=str(log))
        done = run(settings)
    message = json.loads(log.read_text())
    assert (done.returncode, message["code"]) == (1, Unauthorized.code)
    assert "weighbridge.dev/pull-secrets" in message["hint"]
    assert message["hint"] in done.stderr
