"""Admissions go on, whatever becomes of the webhook's certificate and of its replicas."""

import base64
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from certs.issue import issue
from certs.manifests import SECRET, secret
from certs.names import Names
from certs.renewal import is_signed
from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.identities import NODE
from tests.cluster.install import DEPLOYMENT, NAMESPACE, Install
from tests.parts.objects import Object
from tests.parts.process import Process

_REQUESTS = 3000
_PODS = "app.kubernetes.io/component=webhook"
_OLD = dt.timedelta(days=2500)
"""Of the CA's ten years more than two thirds."""

_SERVED = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], 10250)))"


@contextmanager
def _load(cluster: Cluster, namespace: str, image: str, folder: Path) -> Iterator[dict[str, Object]]:
    """Have pods admitted until the block ends; the outcome is in the dictionary then."""
    stop, outcome = folder / "stop", dict[str, Object]()
    words: list[str | Path] = [sys.executable, "-m", "tests.cluster.load", cluster.identities.kubeconfig("admin")]
    command = cluster.isolation.command([*words, namespace, image, stop])
    with Process(command, folder / "load.log") as process:
        yield outcome
        stop.touch()
        outcome["load"] = json.loads(process.wait_until(lambda: _last_line(process), 60))


def _last_line(process: Process) -> str:
    said = process.said()
    return said if said.endswith("}\n") else ""


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
    with _load(cluster, namespace, "localhost/engine:1", tmp_path) as outcome:
        assert _served(cluster) == [aged, aged]
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

    load = outcome["load"]
    show(
        f"{load['failed']} of {load['requests']} admissions failed, in {time.monotonic() - began:.0f} s; "
        f"{load['perSecond']:.0f} a second, median {load['median'] * 1e3:.0f} ms, p99 {load['p99'] * 1e3:.0f} ms, "
        f"slowest {load['slowest']:.1f} s; rotation from 0 s, restart from {restart:.0f} s, drain from {drain:.0f} s, "
        f"a replica killed after {loss:.0f} s"
    )
    assert is_signed(leaf, ca)
    assert not is_signed(aged, ca)
    assert load["failures"] == []
    assert load["requests"] >= _REQUESTS
