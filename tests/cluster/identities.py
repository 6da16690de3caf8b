"""Who is who in a cluster: the API server's certificate, and a kubeconfig with a bearer token for each caller."""

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names

from .network import API_ADDRESS, NODE_ADDRESS

NODE = "node-1"
API_URL = f"https://{NODE_ADDRESS}:6443"

_CALLERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "kubelet": (f"system:node:{NODE}", "system:nodes"),
    "guest": ("guest", ""),
}
"""User and group of each, as the API server's own roles know them; the guest may do what anybody may."""


@dataclass(frozen=True)
class Identities:
    """The folder with the files."""

    folder: Path

    def kubeconfig(self, caller: str) -> Path:
        """Return a caller's kubeconfig."""
        return self.folder / f"{caller}.kubeconfig"

    @property
    def ca(self) -> Path:
        """Return the file with the CA of the API server."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """Return the file with the API server's certificate, whose key signs the tokens of ServiceAccounts, too."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """Return the file with its key."""
        return self.folder / "tls.key"

    @property
    def tokens(self) -> Path:
        """Return the file that tells the API server whose token is whose."""
        return self.folder / "tokens.csv"


def make_identities(folder: Path) -> Identities:
    """Write certificates, tokens and kubeconfigs to a new folder."""
    addresses = ["127.0.0.1", NODE_ADDRESS, API_ADDRESS]
    names = Names.parse("kubernetes", "default", ["kubernetes.default", "localhost"], addresses)
    write_bundle(issue(names, dt.datetime.now(dt.UTC)), folder)
    identities = Identities(folder)
    lines = []
    for caller, (user, group) in _CALLERS.items():
        token = secrets.token_urlsafe()
        lines.append(f'{token},{user},{user},"{group}"' if group else f"{token},{user},{user}")
        identities.kubeconfig(caller).write_text(json.dumps(_kubeconfig(identities, token)))  # JSON is YAML
    identities.tokens.write_text("\n".join(lines) + "\n")
    return identities


def _kubeconfig(identities: Identities, token: str) -> dict[str, object]:
    server = {"server": API_URL, "certificate-authority": str(identities.ca)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "caller", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "caller"}}],
        "current-context": "test",
    }
