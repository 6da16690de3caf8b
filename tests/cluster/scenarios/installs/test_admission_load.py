"""Admissions go on, whatever becomes of the webhook's certificate and of its replicas."""

import base64
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509

from certs.chain import is_signed
from certs.issue import issue
from certs.manifests import SECRET, secret
from certs.names import Names
from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.identities import NODE
from tests.cluster.scenarios.install import DEPLOYMENT, NAMESPACE, Install
from tests.parts.objects import Object
from tests.parts.process import Process

_REQUESTS = 3000
_SOME = 500
_PODS = "app.kubernetes.io/component=webhook"
_OLD = dt.timedelta(days=2500)
"""Of the CA's ten years more than two thirds."""

_SERVED = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], 10250)))"


@dataclass
class _Load:
    process: Process
    outcome: Object = field(default_factory=dict)
    """What became of the requests; empty before the end."""

    def requests(self) -> int:
        """Return how many there were so far, in steps of a hundred."""
        lines = self.process.said().split()
        return int(lines[-1]) if lines else 0


@contextmanager
def _load(cluster: Cluster, namespace: str, folder: Path) -> Iterator[_Load]:
    """Have pods admitted until the block ends."""
    stop = folder / "stop"
    words: list[str | Path] = [cluster.identities.kubeconfig("admin"), namespace, "localhost/engine:1", stop]
    command = cluster.isolation.command([sys.executable, "-m", "tests.cluster.scenarios.installs.load", *words])
    with Process(command, folder / "load.log") as process:
        load = _Load(process)
        yield load
        stop.touch()
        process.wait_until(lambda: process.said().endswith("}\n"), 60)
        load.outcome |= json.loads(process.said().splitlines()[-1])


def _certificates(cluster: Cluster) -> tuple[x509.Certificate, x509.Certificate]:
    """Return the first CA in the Secret, and the certificate beside it."""
    content = cluster.read("secret", SECRET, "-n", NAMESPACE)["data"]
    ca, leaf = (x509.load_pem_x509_certificate(base64.b64decode(content[name])) for name in ("ca.crt", "tls.crt"))
    return ca, leaf


def _served(cluster: Cluster) -> list[x509.Certificate]:
    """Return the certificate that each replica serves."""
    addresses = [pod["status"]["podIP"] for pod in cluster.read("pods", "-n", NAMESPACE)["items"]]
    texts = [cluster.run([sys.executable, "-c", _SERVED, address]) for address in addresses]
    return [x509.load_pem_x509_certificate(text.encode()) for text in texts]


@pytest.fixture
def aged(cluster: Cluster, installed: Install) -> x509.Certificate:
    """Have the webhook begin with a CA and a certificate that are due for succession; return the certificate."""
    names = Names.parse("weighbridge-webhook", NAMESPACE, [], [])
    bundle = issue(names, dt.datetime.now(dt.UTC) - _OLD, leaf_days=3600)
    cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=0")
    cluster.kubectl("-n", NAMESPACE, "wait", "pod", "--all", "--for=delete", "--timeout=60s")
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps(secret(bundle, NAMESPACE)))
    cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=2")
    installed.wait()
    return x509.load_pem_x509_certificate(bundle.certificate)


def _drain(cluster: Cluster, installed: Install) -> None:
    """Drain the only node of webhooks: the budget lets one go, and its successor comes when the node is back."""
    with pytest.raises(CommandFailed, match="disruption budget"):
        cluster.kubectl("drain", NODE, f"--pod-selector={_PODS}", "--delete-emptydir-data", "--timeout=15s")
    cluster.kubectl("uncordon", NODE)
    installed.wait()


@pytest.mark.usefixtures("pushed")
def test_no_admission_fails_through_a_new_authority_a_rolling_restart_a_drain_and_a_lost_replica(
    cluster: Cluster,
    installed: Install,
    aged: x509.Certificate,
    namespace: str,
    show: Callable[[str], None],
    tmp_path: Path,
) -> None:
    """Thousands of labelled pods are admitted through the Service meanwhile, over several connections."""
    began = time.monotonic()
    with _load(cluster, namespace, tmp_path) as load:
        assert aged in _served(cluster)
        cluster.wait("a new CA signs", lambda: _certificates(cluster)[1] != aged, 180)
        ca, leaf = _certificates(cluster)
        cluster.wait("all serve it", lambda: all(one == leaf for one in _served(cluster)), 180)
        restart = time.monotonic() - began
        cluster.kubectl("-n", NAMESPACE, "rollout", "restart", DEPLOYMENT)
        installed.wait()
        drain = time.monotonic() - began
        _drain(cluster, installed)
        loss = time.monotonic() - began
        lost = cluster.read("pods", "-n", NAMESPACE)["items"][0]["metadata"]["name"]
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", lost, "--grace-period=0", "--force")
        installed.wait()

    said = load.outcome
    show(
        f"{said['failed']} of {said['requests']} admissions failed, in {time.monotonic() - began:.0f} s; "
        f"{said['perSecond']:.0f} a second, median {said['median'] * 1e3:.0f} ms, p99 {said['p99'] * 1e3:.0f} ms, "
        f"slowest {said['slowest']:.1f} s; rotation from 0 s, restart from {restart:.0f} s, drain from {drain:.0f} s, "
        f"a replica killed after {loss:.0f} s"
    )
    assert is_signed(leaf, ca)
    assert not is_signed(aged, ca)
    assert said["failures"] == []
    assert said["requests"] >= _REQUESTS


@pytest.mark.usefixtures("installed", "pushed")
def test_a_replica_that_crashes_costs_the_admissions_of_a_moment_and_none_after(
    cluster: Cluster, namespace: str, show: Callable[[str], None], tmp_path: Path
) -> None:
    """Whoever is refused then tries again, as controllers do; kube-proxy has left the replica out soon."""
    pod = cluster.read("pods", "-n", NAMESPACE)["items"][0]
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    began = time.monotonic()
    with _load(cluster, namespace, tmp_path) as load:
        cluster.wait("some are admitted", lambda: load.requests() >= _SOME)
        cluster.containerd("tasks", "kill", "--signal", "SIGKILL", container)
        crash = time.monotonic() - began
        cluster.wait("it is started again", lambda: _restarts(cluster, pod) > 0)
        seen = load.requests()
        cluster.wait("more are admitted", lambda: load.requests() >= seen + 3 * _SOME)

    said = load.outcome
    show(
        f"a replica that crashed: {said['failed']} of {said['requests']} admissions failed, the last one "
        f"{max(0.0, said['lastFailure'] - crash):.1f} s after it"
    )
    assert said["lastFailure"] < crash + 10


def _restarts(cluster: Cluster, pod: Object) -> int:
    found = cluster.read("pod", pod["metadata"]["name"], "-n", NAMESPACE)
    return int(found["status"]["containerStatuses"][0]["restartCount"])
