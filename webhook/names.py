"""Our own names in a pod, and the rules for names that users write.

Tests: tests/webhook/test_refusals.py
"""

import re
from ipaddress import ip_address

DOMAIN = "weighbridge.dev/"
"""What the names of our labels and annotations begin with."""

PULLER = "weighbridge-puller"
SIDECAR, WARM, READY = "weighbridge-pull", "weighbridge-warm", "weighbridge-ready"
"""In place of the puller where the pull goes beside the engine's image."""

MODEL_VOLUME = "weighbridge-model"
CREDENTIALS_VOLUME = "weighbridge-credentials"
CA_VOLUME = "weighbridge-ca"
TOKEN_VOLUME = "weighbridge-token"  # noqa: S105 - a volume
TOOLS_VOLUME = "weighbridge-tools"
VOLUMES = (MODEL_VOLUME, CREDENTIALS_VOLUME, CA_VOLUME, TOKEN_VOLUME, TOOLS_VOLUME)

DIRECTORY = "/weighbridge"
VOLUME_DIRECTORY = f"{DIRECTORY}/volume"
CACHE_DIRECTORY = f"{VOLUME_DIRECTORY}/.cache"  # no model has this name: labels begin with a letter or a digit
CREDENTIALS_DIRECTORY = f"{DIRECTORY}/credentials"
CA_DIRECTORY = f"{DIRECTORY}/ca"
TOKEN_DIRECTORY = f"{DIRECTORY}/token"
TOOLS_DIRECTORY = f"{DIRECTORY}/tools"

_MORE_WARM = re.compile(rf"{WARM}-[2-9]")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_SUBDOMAIN_LIMIT = 253
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_our_container(name: str) -> bool:
    """Return whether a container's name is that of one of ours."""
    return name in (PULLER, SIDECAR, WARM, READY) or bool(_MORE_WARM.fullmatch(name))


def is_label_value(text: str) -> bool:
    """Return whether `text` is a label value that is not empty (apimachinery, validate/content)."""
    return bool(_LABEL_VALUE.fullmatch(text))


def is_subdomain(text: str) -> bool:
    """Return whether `text` is a DNS-1123 subdomain, as claims and secrets are named."""
    return len(text) <= _SUBDOMAIN_LIMIT and bool(_SUBDOMAIN.fullmatch(text))


def is_container_name(text: str) -> bool:
    """Return whether `text` is a DNS-1123 label, as containers are named."""
    return bool(_DNS_LABEL.fullmatch(text))


def is_adapter_name(text: str) -> bool:
    """Return whether `text` can name an adapter, which is a folder and part of a variable's name."""
    return is_label_value(text)


def is_secret_key(text: str) -> bool:
    """Return whether `text` can be a key of a secret (apimachinery, IsConfigMapKey)."""
    return bool(_SECRET_KEY.fullmatch(text)) and not text.startswith("..") and text != "."


def split_names(text: str) -> tuple[str, ...]:
    """Split a comma-separated list, without blanks and repetitions."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
