"""The server's settings, held against the gunicorn that is installed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import certs.files
import certs.issue
import certs.names
from tests.parts.process import Process

from .test_tls import NOW

_READY_SECONDS = 30


def _run(module: str, arguments: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "WEIGHBRIDGE_TLS_DIRECTORY": str(folder)} | variables
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_gunicorn_takes_every_setting(tmp_path: Path) -> None:
    """The settings that matter arrive under the names that this gunicorn knows."""
    names = certs.names.Names.parse("w", "n", [], [])
    certs.files.write_bundle(certs.issue.issue(names, NOW).without_ca_key(), tmp_path)
    found = _run("gunicorn", ["--config", "python:webhook.server.serving", "--print-config"], tmp_path)
    assert found.returncode == 0, found.stderr
    shown = dict(line.split("=", 1) for line in found.stdout.splitlines() if "=" in line)
    settings = {name.strip(): value.strip() for name, value in shown.items()}
    assert settings["worker_class"] == "webhook.server.worker.AdmissionWorker"
    assert (settings["threads"], settings["graceful_timeout"]) == ("32", "10")
    assert settings["control_socket_disable"] == "True"
    assert settings["certfile"] == str(tmp_path / "tls.crt")
    assert settings["bind"] in {"['[::]:10250']", "['0.0.0.0:10250']"}


def test_all_addresses_are_those_of_ipv4_and_of_ipv6(tmp_path: Path) -> None:
    """Kubelet and API server dial a pod by whichever its cluster has."""
    names = certs.names.Names.parse("w", "n", [], [])
    certs.files.write_bundle(certs.issue.issue(names, NOW).without_ca_key(), tmp_path)
    places = {"TLS_DIRECTORY": str(tmp_path), "LISTEN": ":0", "PROBE_LISTEN": ":0"}
    environ = {"PATH": os.environ["PATH"]} | {f"WEIGHBRIDGE_{name}": value for name, value in places.items()}
    with Process([sys.executable, "-m", "webhook"], tmp_path / "webhook.log", environ) as process:
        process.wait_until(lambda: "metrics at: http" in process.said(), _READY_SECONDS)
        ports = [int(port) for port in re.findall(r" at: https?://.*:(\d+)", process.said())]
        assert len(ports) == 2
        for port in ports:
            for host in ("127.0.0.1", *(("::1",) if socket.has_dualstack_ipv6() else ())):
                socket.create_connection((host, port), timeout=_READY_SECONDS).close()


def test_wrong_settings_end_the_program_before_it_serves(tmp_path: Path) -> None:
    """The message says which variable, without a traceback, and the exit code means wrong usage."""
    found = _run("webhook", [], tmp_path, WEIGHBRIDGE_NAME_TAG_FORM="perhaps")
    assert found.returncode == 2
    assert "error: WEIGHBRIDGE_NAME_TAG_FORM: wanted true or false, not 'perhaps' [settings.invalid]" in found.stderr
    assert "Traceback" not in found.stderr
