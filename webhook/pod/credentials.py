"""The puller's volumes beside that of the models: credentials for registries, and the operator's CAs.

Tests: tests/webhook/test_cases.py
"""

from webhook.names import CA_DIRECTORY, CA_VOLUME, CREDENTIALS_DIRECTORY, CREDENTIALS_VOLUME

from .podspec import Raw

_CA_FILE = "ca.crt"
CA_PATH = f"{CA_DIRECTORY}/{_CA_FILE}"
"""Where the puller reads the operator's CAs."""


def config_paths(pull_secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of each secret's docker config in the puller."""
    return tuple(f"{CREDENTIALS_DIRECTORY}/{name}/config.json" for name in pull_secrets)


def credentials_volume(pull_secrets: tuple[str, ...]) -> Raw:
    """Return the volume with the docker config of each secret."""
    # optional: an absent secret must not keep the pod from starting, because the kubelet's own
    # imagePullSecrets do not either; the puller says what the registry refused.
    sources = [
        {
            "secret": {
                "name": name,
                "optional": True,
                "items": [{"key": ".dockerconfigjson", "path": f"{name}/config.json"}],
            }
        }
        for name in pull_secrets
    ]
    return {"name": CREDENTIALS_VOLUME, "projected": {"sources": sources}}


def credentials_mount() -> Raw:
    """Return the puller's mount of the credentials."""
    return {"name": CREDENTIALS_VOLUME, "mountPath": CREDENTIALS_DIRECTORY, "readOnly": True}


def ca_volume(config_map: str, key: str) -> Raw:
    """Return the volume with the operator's CAs, from a ConfigMap in the pod's namespace."""
    # optional: a namespace without it starts pods as before, and the puller says that it is missing
    items = [{"key": key, "path": _CA_FILE}]
    return {"name": CA_VOLUME, "configMap": {"name": config_map, "optional": True, "items": items}}


def ca_mount() -> Raw:
    """Return the puller's mount of the operator's CAs."""
    return {"name": CA_VOLUME, "mountPath": CA_DIRECTORY, "readOnly": True}
