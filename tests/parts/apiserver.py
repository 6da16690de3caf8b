"""A real Kubernetes API server: etcd and kube-apiserver, no nodes and no controllers.

Pods are created directly: nothing here turns a Deployment into pods. Callers are known by bearer tokens:
the administrator, and a guest who is authenticated and nothing more.
"""

import datetime as dt
import json
import secrets
import ssl
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubernetes import client
from ruamel.yaml import YAML

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names

from .objects import Object, Objects
from .process import Process, free_port

_READY_SECONDS = 60
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "RequestResponse", "resources": [{"group": "", "resources": ["pods"]}]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class ApiServer:
    """An API server that is ready."""

    url: str
    ca_file: Path
    kubeconfig: Path
    """The administrator's; kubectl takes it."""

    audit_log: Path
    """One JSON event a line, for every request about pods, with what webhooks did to it."""

    admin_token: str
    guest_token: str
    """Of a user who is authenticated and in no other group."""

    def objects(self) -> Objects:
        """Return access to objects of any kind, as the administrator."""
        return Objects(self.client(), self.kubeconfig.with_name("discovery.json"))

    def client(self, token: str = "") -> client.ApiClient:
        """Return a client of the administrator, or of whoever has `token`."""
        configuration = client.Configuration(host=self.url)
        configuration.ssl_ca_cert = str(self.ca_file)
        configuration.api_key = {"authorization": f"Bearer {token or self.admin_token}"}
        return client.ApiClient(configuration)

    def audited(self, verb: str, namespace: str, name: str) -> list[Object]:
        """Return the audit events of one verb on one pod, the oldest first."""
        lines = self.audit_log.read_text().splitlines()
        events = [json.loads(line) for line in lines if namespace in line]  # most lines are others', and long
        wanted = (verb, namespace, name)
        return [event for event in events if wanted == (event["verb"], *_place(event))]


def _place(event: Object) -> tuple[str, str]:
    reference = event["objectRef"]
    return reference.get("namespace", ""), reference.get("name", "")


@contextmanager
def running_api_server(programs: Mapping[str, Path], folder: Path, plugins: Sequence[str] = ()) -> Iterator[ApiServer]:
    """Run etcd and kube-apiserver on loopback ports until the block ends.

    `programs` holds the paths of `etcd` and `kube-apiserver`; all their files go under `folder`. `plugins` are
    admission plugins beside those that are on by default.
    """
    with ExitStack() as running:
        etcd_url = running.enter_context(_running_etcd(programs["etcd"], folder))
        server = _prepare(folder)
        command: list[str | Path] = [programs["kube-apiserver"], *_flags(folder, etcd_url, server)]
        command += [f"--enable-admission-plugins={','.join(plugins)}"] if plugins else []
        process = running.enter_context(Process(command, folder / "kube-apiserver.log"))
        trusted = ssl.create_default_context(cafile=str(server.ca_file))
        process.wait_until(lambda: _answers(f"{server.url}/readyz", trusted), _READY_SECONDS)
        yield server


@contextmanager
def _running_etcd(program: Path, folder: Path) -> Iterator[str]:
    url, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = {
        "data-dir": folder / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "unsafe-no-fsync": "true",  # nothing here outlives the test
    }
    command: list[str | Path] = [program, *(f"--{name}={value}" for name, value in flags.items())]
    with Process(command, folder / "etcd.log") as process:
        process.wait_until(lambda: _answers(f"{url}/health"), _READY_SECONDS)
        yield url


def _prepare(folder: Path) -> ApiServer:
    """Write certificates, tokens, audit policy and kubeconfig, and say where the server will be."""
    bundle = issue(Names.parse("kubernetes", "default", ["localhost"], ["127.0.0.1"]), dt.datetime.now(dt.UTC))
    write_bundle(bundle, folder)
    server = ApiServer(
        url=f"https://127.0.0.1:{free_port()}",
        ca_file=folder / "ca.crt",
        kubeconfig=folder / "kubeconfig",
        audit_log=folder / "audit.log",
        admin_token=secrets.token_urlsafe(),
        guest_token=secrets.token_urlsafe(),
    )
    tokens = f"{server.admin_token},admin,admin,system:masters\n{server.guest_token},guest,guest\n"
    (folder / "tokens.csv").write_text(tokens)
    (folder / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))
    YAML(typ="safe", pure=True).dump(_kubeconfig(server), server.kubeconfig)
    server.audit_log.touch()
    return server


def _flags(folder: Path, etcd_url: str, server: ApiServer) -> list[str]:
    flags = {
        "etcd-servers": etcd_url,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",  # it would refuse to publish a loopback address
        "secure-port": server.url.rpartition(":")[2],
        "tls-cert-file": folder / "tls.crt",
        "tls-private-key-file": folder / "tls.key",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",  # no controller makes the accounts that it waits for
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "tls.crt",
        "service-account-signing-key-file": folder / "tls.key",
        "service-cluster-ip-range": "10.96.0.0/24",
        "audit-policy-file": folder / "audit-policy.json",
        "audit-log-path": server.audit_log,
        "audit-log-mode": "blocking-strict",  # an event is on disk before its request is answered
        "profiling": "false",
    }
    return [f"--{name}={value}" for name, value in flags.items()]


def _kubeconfig(server: ApiServer) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "t", "cluster": {"server": server.url, "certificate-authority": str(server.ca_file)}}],
        "users": [{"name": "admin", "user": {"token": server.admin_token}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "admin"}}],
        "current-context": "t",
    }


def _answers(url: str, trusted: ssl.SSLContext | None = None) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=trusted) as response:
            return bool(response.status == 200)
    except OSError:
        return False
