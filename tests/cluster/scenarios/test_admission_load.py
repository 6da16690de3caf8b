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
    words = [cluster.identities.kubeconfig("admin"), namespace, image, stop]
    command = cluster.isolation.command([sys.executable, "-m", "tests.cluster.load", *words])
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
    pods = cluster.read("pods", "-n", NAMESPACE, "-l", _PODS)["items"]
    addresses = [pod["status"]["podIP"] for pod in pods]
    texts = [cluster.run([sys.executable, "-c", _SERVED, address]) for address in addresses]
    return [x509.load_pem_x509_certificate(text.encode()) for text in texts]


@pytest.fixture
def aged(cluster: Cluster, installed: Install) -> None:
    """Have the webhook begin with a CA and a certificate that are due for succession."""
    names = Names.parse("weighbridge-webhook", NAMESPACE, [], [])
    bundle = issue(names, dt.datetime.now(dt.UTC) - _OLD, leaf_days=3600)
    cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=0")
    cluster.kubectl("-n", NAMESPACE, "wait", "pod", "--all", "--for=delete", "--timeout=60s")
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps(secret(bundle, NAMESPACE)))
    cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=2")
    installed.wait()


def _drain(cluster: Cluster, installed: Install) -> None:
    """Drain the only node of webhooks: the budget lets one go, and its successor comes when the node is back."""
    with pytest.raises(CommandFailed, match="disruption budget"):
        cluster.kubectl("drain", NODE, f"--pod-selector={_PODS}", "--timeout=10s")
    cluster.kubectl("uncordon", NODE)
    installed.wait()


@pytest.mark.usefixtures("aged", "pushed")
def test_no_admission_fails_through_a_new_authority_a_rolling_restart_a_drain_and_a_lost_replica(
    cluster: Cluster, installed: Install, namespace: str, show: Callable[[str], None], tmp_path: Path
) -> None:
    """Thousands of labelled pods are admitted through the Service meanwhile, over several connections."""
    former, _ = _certificates(cluster)
    began = time.monotonic()
    with _load(cluster, namespace, "localhost/engine:1", tmp_path) as outcome:
        cluster.wait("a new CA signs", lambda: _is_rotated(cluster), 180)
        ca, leaf = _certificates(cluster)
        cluster.wait("all serve it", lambda: all(one == leaf for one in _served(cluster)), 180)
        cluster.kubectl("-n", NAMESPACE, "rollout", "restart", DEPLOYMENT)
        installed.wait()
        _drain(cluster, installed)
        lost = cluster.read("pods", "-n", NAMESPACE, "-l", _PODS)["items"][0]["metadata"]["name"]
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", lost, "--grace-period=0", "--force")
        installed.wait()

    load = outcome["load"]
    show(
        f"{load['failed']} of {load['requests']} admissions failed, in {time.monotonic() - began:.0f} s; "
        f"{load['perSecond']:.0f} a second, median {load['median'] * 1e3:.0f} ms, p99 {load['p99'] * 1e3:.0f} ms, "
        f"slowest {load['slowest']:.1f} s"
    )
    assert ca != former
    assert is_signed(leaf, ca)
    assert load["failures"] == []
    assert load["requests"] >= _REQUESTS


def _is_rotated(cluster: Cluster) -> bool:
    ca, leaf = _certificates(cluster)
    return is_signed(leaf, ca) and ca.not_valid_before_utc > dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
