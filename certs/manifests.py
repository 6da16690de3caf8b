"""A bundle's manifests for the cluster: the serving Secret, and the CA for the API server.

Tests: tests/certs/test_command.py
"""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from .bundle import Bundle
from .chain import authorities_of

CONFIGURATION = "admission.weighbridge.dev"
WEBHOOKS = (
    "pods.weighbridge.dev",
    "workloads.weighbridge.dev",
    "updates.weighbridge.dev",
    "advice.weighbridge.dev",
    "namespaces.advice.weighbridge.dev",
    "opt-in.advice.weighbridge.dev",
)
SECRET = "weighbridge-tls"  # noqa: S105 - the Secret's name
FIELD_MANAGER = "weighbridge-certs"


def secret(bundle: Bundle, namespace: str) -> dict[str, Any]:
    """Return the Secret that the webhook mounts; the CA's key is in it when the bundle still has it."""
    content = {"ca.crt": bundle.ca_certificate, "tls.crt": bundle.certificate, "tls.key": bundle.key}
    if bundle.ca_key:
        content["ca.key"] = bundle.ca_key
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": SECRET,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "weighbridge", "app.kubernetes.io/component": "webhook"},
        },
        "data": {name: _base64(pem) for name, pem in content.items()},
    }


def bundle_in(document: Mapping[str, Any]) -> Bundle | None:
    """Return the material in a Secret, with no CA where none is in it; None without a certificate or its key."""
    stored = document.get("data") or {}
    ca, certificate, key, ca_key = (_pem(stored.get(name)) for name in ("ca.crt", "tls.crt", "tls.key", "ca.key"))
    if not certificate or not key:
        return None
    return Bundle(ca_certificate=ca, ca_key=ca_key or None, certificate=certificate, key=key)


def trust(bundle: Bundle, webhooks: Sequence[str] = WEBHOOKS) -> dict[str, Any]:
    """Return the fragment of the MutatingWebhookConfiguration that only holds the CAs to trust, for some webhooks.

    It is for server-side apply under FIELD_MANAGER: that manager then owns only the caBundle fields, so an
    apply of the manifests, which have no caBundle, does not change them.
    """
    ca = {"caBundle": _base64(bundle.ca_certificate)}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": CONFIGURATION},
        "webhooks": [{"name": name, "clientConfig": ca.copy()} for name in webhooks],
    }


def to_yaml(*documents: dict[str, Any]) -> str:
    """Return documents as one YAML stream."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # declared None, read as a bool
    yaml.explicit_start = True
    yaml.width = 1 << 16  # a folded base64 line is hard to copy
    stream = io.StringIO()
    yaml.dump_all(documents, stream)
    return stream.getvalue()


def ca_bundle_in(webhook: Mapping[str, Any]) -> bytes:
    """Return the CAs in PEM that the API server trusts for a webhook; nothing where it has none that can be read."""
    pem = _pem((webhook.get("clientConfig") or {}).get("caBundle"))
    try:
        return pem if authorities_of(pem) else b""
    except ValueError:
        return b""


def _pem(text: object) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
