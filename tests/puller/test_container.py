"""The initContainer's program, run as the kubelet runs it: environment in, exit code, words and message out."""

import json
import os
import subprocess
import sys
from pathlib import Path

from puller.settings import Settings
from registry.version import VERSION
from tests.fakes import faults
from tests.fakes.registry import fake_registry

from .models import offer, read_tree


def run(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """Run `python -m puller` with the environment of `settings`."""
    environ = {**os.environ, **settings.to_env()}
    command = [sys.executable, "-m", "puller"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_pull_leaves_the_model_and_a_message(tmp_path: Path) -> None:
    """Exit code 0; the termination message says what was pulled, for `kubectl describe pod`."""
    log = tmp_path / "termination-log"
    log.touch()
    with fake_registry() as fake:
        digest = offer(fake, {"config.json": b"{}"})
        destination = tmp_path / "model"
        done = run(Settings(source=fake.reference(), destination=str(destination), termination_log=str(log)))
    assert (done.returncode, done.stdout) == (0, "")
    assert read_tree(destination) == {"config.json": b"{}"}
    message = json.loads(log.read_text())
    assert (message["digest"], message["files"], message["bytes"]) == (str(digest), 1, 2)
    assert message["retries"] == 0
    assert str(digest) in done.stderr
    assert done.stderr.startswith(f"weighbridge {VERSION}: oci://")
    assert f" to {destination}, where " in done.stderr.splitlines()[0]


def test_retries_are_counted_in_the_message(tmp_path: Path) -> None:
    """Whoever asks why a pull was slow reads it without the log."""
    log = tmp_path / "termination-log"
    log.touch()
    with fake_registry() as fake:
        offer(fake, {"config.json": b"{}"})
        fake.fail(faults.status(503), path="/manifests/", times=2)
        done = run(Settings(source=fake.reference(), destination=str(tmp_path / "model"), termination_log=str(log)))
    assert done.returncode == 0
    assert json.loads(log.read_text())["retries"] == 2


def test_a_failed_pull_says_why_and_what_to_do(tmp_path: Path) -> None:
    """Exit code 1; code, facts and hint on stderr and in the termination message."""
    log = tmp_path / "termination-log"
    log.touch()
    with fake_registry() as fake:
        offer(fake, {"config.json": b"{}"})
        fake.fail(faults.flipped(0))
        destination = str(tmp_path / "model")
        done = run(Settings(source=fake.reference(), destination=destination, termination_log=str(log)))
    assert done.returncode == 1
    assert "[content.mismatch]" in done.stderr
    assert "hint: " in done.stderr
    assert json.loads(log.read_text())["code"] == "content.mismatch"
    assert not (tmp_path / "model").exists()


def test_an_environment_without_a_source_is_explained() -> None:
    """Settings that are no settings end like any other failure, without a traceback."""
    command = [sys.executable, "-m", "puller"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WEIGHBRIDGE_")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the environment variable WEIGHBRIDGE_PULL_SOURCE is not set")


def test_a_warm_start_loads_nothing_that_speaks_to_networks() -> None:
    """Half of a process's time to start would be theirs."""
    loaded = "[name for name in ('ssl', 'http.client', 'tarfile') if name in sys.modules]"
    ask = f"import sys, puller.container; print({loaded})"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_pull_of_files_as_they_are_loads_nothing_for_others(tmp_path: Path) -> None:
    """Modules for archives, caches, adapters and clouds would delay its first byte: Python names each that it loads."""
    with fake_registry() as fake:
        offer(fake, {"config.json": b"{}", "model.safetensors": bytes(1 << 20)})
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"), termination_log="")
        command = [sys.executable, "-X", "importtime", "-m", "puller"]
        environ = {**os.environ, **settings.to_env()}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "puller.update" in loaded
    needless = {"tarfile", "multiprocessing", "pickle", "encodings.idna", "zstandard"}
    needless |= {"puller.reuse.archives", "puller.unpack.untar"}
    needless |= {"puller.pod.hub_cache", "puller.pod.adapters", "registry.identity.endpoint", "registry.http.dates"}
    assert not loaded & needless
