"""The server's settings, held against the gunicorn that is installed."""

import datetime as dt
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import certs.files
import certs.issue
import certs.names
from tests.parts.process import Process, poll
from webhook.contract import MODEL

from .test_review import request_body
from .test_tls import NOW

_READY_SECONDS = 30
_MORE_THAN_A_PIPE_TAKES = 6000
"""Lines of decisions: 64 KiB hold some three hundred, and some thousands wait."""


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


def test_a_log_that_nobody_reads_holds_up_no_admission(tmp_path: Path) -> None:
    """The container runtime reads it, and may hang; what the pipe does not take is dropped and counted."""
    bundle = certs.issue.issue(certs.names.Names.parse("localhost", "n", [], ["127.0.0.1"]), dt.datetime.now(dt.UTC))
    certs.files.write_bundle(bundle.without_ca_key(), tmp_path / "tls")
    environ = {
        "PATH": os.environ["PATH"],
        "WEIGHBRIDGE_TLS_DIRECTORY": str(tmp_path / "tls"),
        "WEIGHBRIDGE_LISTEN": "127.0.0.1:0",
        "WEIGHBRIDGE_PROBE_LISTEN": "127.0.0.1:0",
        "WEIGHBRIDGE_RESOLVE_REGISTRIES": "none",
    }
    body = json.dumps(request_body({"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"containers": []}}))
    unread, written = os.pipe()
    log = tmp_path / "words"
    with log.open("wb") as words:
        server = subprocess.Popen([sys.executable, "-m", "webhook"], stdout=written, stderr=words, env=environ)
    try:
        os.close(written)
        assert poll(lambda: "metrics at: http" in log.read_text(), _READY_SECONDS)
        port, probes = (int(port) for port in re.findall(r" at: https?://.*:(\d+)", log.read_text()))
        trusted = ssl.create_default_context(cadata=bundle.ca_certificate.decode())
        with closing(http.client.HTTPSConnection("127.0.0.1", port, context=trusted, timeout=30)) as client:
            for _ in range(_MORE_THAN_A_PIPE_TAKES):
                client.request("POST", "/mutate/pods", body, {"Content-Type": "application/json"})
                answer = client.getresponse()
                assert (answer.status, bool(answer.read())) == (200, True)
        with closing(http.client.HTTPConnection("127.0.0.1", probes, timeout=30)) as client:
            client.request("GET", "/metrics")
            metrics = client.getresponse().read().decode()
        dropped = re.search(r"^weighbridge_log_dropped_lines (\S+)", metrics, re.MULTILINE)
        assert dropped is not None
        assert float(dropped[1]) > 0
    finally:
        server.terminate()
        os.close(unread)
        assert server.wait(_READY_SECONDS) == 0


def test_wrong_settings_end_the_program_before_it_serves(tmp_path: Path) -> None:
    """The message says which variable, without a traceback, and the exit code means wrong usage."""
    found = _run("webhook", [], tmp_path, WEIGHBRIDGE_NAME_TAG_FORM="perhaps")
    assert found.returncode == 2
    assert "error: WEIGHBRIDGE_NAME_TAG_FORM: wanted true or false, not 'perhaps' [settings.invalid]" in found.stderr
    assert "Traceback" not in found.stderr
