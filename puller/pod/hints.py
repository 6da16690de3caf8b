"""What to do about a failure in a pod, where nobody has a terminal: the operator's settings, Secrets and annotations.

Errors carry the hint for a terminal. Whoever reads a pod's message mends a manifest, or asks who runs the cluster.
"""

import os
import re
import stat
from pathlib import Path

from puller.errors import (
    BadDestination,
    DeadlinePassed,
    DiskFailed,
    NoHubName,
    NoRoom,
    NothingSelected,
    Occupied,
    UnsupportedLayer,
)
from puller.settings import Settings
from registry import errors as registry
from registry.progress.stats import human
from registry.signatures import errors as signatures

_SECRETS = "a Secret (kubernetes.io/dockerconfigjson) in weighbridge.dev/pull-secrets or the pod's imagePullSecrets"
_BYTES = re.compile(r"\b(\d{5,18}) bytes\b")
_OPERATOR = "ask your platform team"

HINTS: dict[type[registry.Fault], str] = {
    registry.Unauthorized: f"name {_SECRETS} that may read the repository",
    registry.IdentityRefused: "let the identity that is named read the repository (docs/identity.md), or "
    f"name {_SECRETS}",
    registry.BadIdentity: f"mend the pod's identity (docs/identity.md), or name {_SECRETS}",
    signatures.SignatureMissing: "sign the digest that is named: the operator asks for it (docs/signatures.md)",
    signatures.BadSignature: "sign the artifact's digest again, as one of those whom the policy names "
    "(WEIGHBRIDGE_SIGNATURES; docs/signatures.md)",
    signatures.BadSignaturePolicy: f"{_OPERATOR} to mend WEIGHBRIDGE_SIGNATURES",
    registry.BadCredentials: f"mend the Secret (kubectl create secret docker-registry), or name another: {_SECRETS}",
    registry.HubUnauthorized: f"{_OPERATOR} for a Secret with a token of the hub (WEIGHBRIDGE_HUB_TOKEN_SECRET)",
    registry.HubGated: "accept the terms on the repository's page with the account whose token is in the hub's Secret "
    "(WEIGHBRIDGE_HUB_TOKEN_SECRET)",
    registry.BadHubAnswer: f"look at the repository's page; {_OPERATOR} if a mirror of the hub is configured "
    "(WEIGHBRIDGE_HUB_ENDPOINT)",
    registry.NotFound: "check the spelling in weighbridge.dev/source or in the catalog; many registries also answer so "
    "when credentials are missing",
    registry.BadCaFile: f"{_OPERATOR} to mend the ConfigMap with CAs (WEIGHBRIDGE_CA_CONFIG_MAP)",
    registry.Untrusted: f"{_OPERATOR} to trust the registry's CA (WEIGHBRIDGE_CA_CONFIG_MAP), or to name the registry "
    "in WEIGHBRIDGE_PLAIN_HTTP if it speaks no TLS",
    registry.BadMirrors: f"{_OPERATOR} to mend WEIGHBRIDGE_MIRRORS",
    registry.BadProxy: f"{_OPERATOR} to mend WEIGHBRIDGE_HTTPS_PROXY: it is http://HOST:PORT",
    registry.ProxyRefused: f"{_OPERATOR} to let the registry through the proxy, or to name it in WEIGHBRIDGE_NO_PROXY",
    registry.Unavailable: "the kubelet starts the puller again, which goes on where it was; if it stays so, see that "
    "the namespace may reach the registry (NetworkPolicy, proxy)",
    registry.BadManifest: "weighbridge.dev/source leads to something that is no model; look at it with `weighbridge "
    "inspect` from a terminal",
    registry.BadLayout: "name a registry or the hub in weighbridge.dev/source: no pod has this folder",
    registry.LayoutFailed: "name a registry or the hub in weighbridge.dev/source: no pod has this folder",
    registry.SourceUnsupported: "weighbridge.dev/source is oci://REGISTRY/REPOSITORY:TAG or hf://ORGANISATION/NAME",
    NothingSelected: "mend weighbridge.dev/include and weighbridge.dev/exclude: `weighbridge inspect` lists the files",
    NoHubName: "push the model with --name ORGANISATION/NAME, or set weighbridge.dev/layout to files",
    NoRoom: "give the claim or the node's disk more room (weighbridge.dev/puller-resources ephemeral-storage=…), or "
    "pull fewer files with weighbridge.dev/include",
    BadDestination: "give the model another claim, or another path in it, with weighbridge.dev/volume",
    Occupied: "remove that folder from the volume, or give the model another path with weighbridge.dev/volume",
    DeadlinePassed: f"the kubelet starts the puller again, which goes on where it was; {_OPERATOR} for more time "
    "(WEIGHBRIDGE_PULL_DEADLINE_SECONDS)",
    UnsupportedLayer: "pack the model again with `weighbridge push`, which writes raw ModelPack layers",
}


def pod_hint(error: BaseException, settings: Settings | None) -> str:
    """Return what to do about an error in a pod; empty if that is what the error says itself."""
    if isinstance(error, DiskFailed):
        return _hint_of_permissions(settings)
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), "")


def in_pod(text: str) -> str:
    """Return a message with names that users know in place of the puller's paths, and sizes as people read them."""
    root = "/weighbridge/credentials/"
    while root in text:
        before, _, rest = text.partition(root)
        name, _, after = rest.partition("/config.json")
        missing = after.removeprefix(": no such file")
        why = ", which is missing or has no .dockerconfigjson" if missing != after else ""
        text = f"{before}the Secret {name}{why}{missing}"
    return _BYTES.sub(lambda match: human(int(match[1])), text)


def _hint_of_permissions(settings: Settings | None) -> str:
    """Return who this process is and whose the volume is: one of them must change."""
    groups = ", ".join(map(str, sorted({os.getegid(), *os.getgroups()})))
    here = f"this is uid {os.geteuid()} with groups {groups}"
    volume = Path(settings.destination).parent if settings else Path()
    try:
        status = volume.stat()
    except OSError:
        return f"{here}; set spec.securityContext.fsGroup, or make the volume writable for it"
    whose = f"{volume} is uid {status.st_uid}'s, gid {status.st_gid}'s, mode {stat.S_IMODE(status.st_mode):04o}"
    return f"{here}, and {whose}: set spec.securityContext.fsGroup to {status.st_gid or 'a group'}, or chmod it to 2775"
