"""etcd, API server, controller manager and scheduler: the command of each."""

import json
from collections.abc import Mapping
from pathlib import Path

from .identities import Identities
from .network import NODE_ADDRESS, SERVICE_RANGE

Programs = Mapping[str, Path]
Commands = dict[str, list[str | Path]]

_ETCD = "http://127.0.0.1:2379"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "RequestResponse", "verbs": ["create"], "resources": [{"resources": ["pods"]}]},
        {"level": "RequestResponse", "verbs": ["patch"], "resources": [{"resources": ["pods/status"]}]},
        {"level": "None"},
    ],
}


def control_plane(programs: Programs, identities: Identities, folder: Path) -> Commands:
    """Return the commands, in the order in which they start; they wait for each other by themselves."""
    (folder / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))
    flags = {
        "etcd": _etcd(folder),
        "kube-apiserver": _api_server(identities, folder),
        "kube-controller-manager": _controller_manager(identities),
        "kube-scheduler": {"kubeconfig": identities.kubeconfig("scheduler"), "leader-elect": "false"},
    }
    return {
        name: [programs[name], *(f"--{flag}={value}" for flag, value in ones.items())] for name, ones in flags.items()
    }


def _etcd(folder: Path) -> dict[str, object]:
    return {
        "data-dir": folder / "etcd",
        "listen-client-urls": _ETCD,
        "advertise-client-urls": _ETCD,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",  # nothing here outlives the tests
        "log-level": "warn",
    }


def _api_server(identities: Identities, folder: Path) -> dict[str, object]:
    return {
        "etcd-servers": _ETCD,
        "advertise-address": NODE_ADDRESS,  # pods reach it there by its Service
        "kubelet-preferred-address-types": "InternalIP",  # no name is resolved here
        "tls-cert-file": identities.certificate,
        "tls-private-key-file": identities.key,
        "token-auth-file": identities.tokens,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": identities.certificate,
        "service-account-signing-key-file": identities.key,
        "service-cluster-ip-range": SERVICE_RANGE,
        "feature-gates": "ImageVolume=true",
        "audit-policy-file": folder / "audit-policy.json",
        "audit-log-path": folder / "audit.log",
        "audit-log-mode": "blocking-strict",
        "profiling": "false",
    }


def _controller_manager(identities: Identities) -> dict[str, object]:
    return {
        "kubeconfig": identities.kubeconfig("controller-manager"),
        "use-service-account-credentials": "true",  # else it lacks rights, and the not-ready taint stays
        "service-account-private-key-file": identities.key,
        "root-ca-file": identities.ca,
        "kube-api-qps": "500",  # with the default of 20 the first ServiceAccount comes seconds later
        "kube-api-burst": "1000",
        "pvclaimbinder-sync-period": "1s",
        "leader-elect": "false",
    }
