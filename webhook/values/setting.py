"""The values of the operator's settings, each parsed from its variable's text. Every parser raises ValueError.

Tests: tests/webhook/test_settings.py
"""

from collections.abc import Callable
from typing import Any

from registry.errors import Fault
from registry.mirrors.pod_text import check_text
from registry.net.origin import Origin
from registry.signatures.errors import BadSignaturePolicy
from registry.signatures.keys import PublicKey
from registry.signatures.policy import parse_policy
from registry.source import parse_source
from webhook.names import is_address, is_secret_key, is_subdomain, split_names
from webhook.pod.quantities import quantity
from webhook.pod.resources import Amounts
from webhook.pod.scheduling.tolerations import Toleration
from webhook.pod.sidecars import Sidecar
from webhook.pod.volumes import is_host_path

from .annotation import parse_amounts

_SWITCH = {"true": True, "false": False}

HUB_TOKEN_KEY = "HF_TOKEN"  # noqa: S105 - a key's name
"""Where in its Secret the hub's token is, unless the operator says otherwise."""

CA_KEY = "ca.crt"
"""Where in its ConfigMap the CAs are, unless the operator says otherwise."""

_MOST_PROCESSES = 16
"""As many as a puller opens connections."""

_CERTIFICATES = ("mounted", "built-in")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def _switch(text: str) -> bool:
    if text not in _SWITCH:
        raise ValueError(f"wanted true or false, not {text!r}")
    return _SWITCH[text]


def _check_open(text: str, what: str) -> None:
    """Raise ValueError for an address with a user part, without its words: settings are printed, and stand in pods."""
    if "@" in text:
        raise ValueError(f"{what} with a user or a password would be shown to all who may read pods: leave it out")


def _prefix(text: str) -> str:
    _check_open(text, "a prefix")
    prefix = text.rstrip("/")
    if prefix:
        try:
            parse_source(f"{prefix}/model:latest")
        except Fault as error:
            raise ValueError(f"{text!r} is no prefix: {error}") from error
    return prefix


def _registries(text: str) -> tuple[str, ...] | None:
    if text == "none":
        return None
    _check_open(text, "a registry")
    found = split_names(text)
    for name in found:
        try:
            parse_source(f"{name}/model:latest")
        except Fault as error:
            raise ValueError(f"{name!r} is no registry's HOST[:PORT]") from error
        if "/" in name:
            raise ValueError(f"{name!r} is no registry's HOST[:PORT]")
    return found


def _overlap(text: str) -> str:
    if text not in ("auto", "never"):
        raise ValueError(f"{text!r}: wanted auto or never")
    return text


def _signatures(text: str) -> str:
    try:
        for rule in parse_policy(text).values():
            for key in rule.keys:
                PublicKey.parse(key)
    except BadSignaturePolicy as fault:
        raise ValueError(str(fault)) from None
    return text


def _mirrors(text: str) -> str:
    try:
        check_text(text)
    except Fault as error:
        raise ValueError(str(error)) from error
    return text


def _endpoint(text: str) -> str:
    _check_open(text, "a hub")
    if text:
        try:
            Origin.of(text)
        except Fault as error:
            raise ValueError(f"{text!r} is no http or https URL") from error
    return text.rstrip("/")


def _key_of(default: str) -> Callable[[str], tuple[str, str] | None]:
    """Return a parser of `NAME` or `NAME/KEY`, an object of the pod's namespace and its key."""

    def parse(text: str) -> tuple[str, str] | None:
        if not text:
            return None
        name, slash, key = text.partition("/")
        if not is_subdomain(name) or (slash and not is_secret_key(key)):
            raise ValueError(f"{text!r} is not NAME or NAME/KEY")
        return name, key or default

    return parse


def _certificates(text: str) -> str:
    if text not in _CERTIFICATES:
        raise ValueError(f"wanted {' or '.join(_CERTIFICATES)}, not {text!r}")
    return text


def _pull_policy(text: str) -> str:
    if text not in _PULL_POLICIES:
        raise ValueError(f"wanted {', '.join(_PULL_POLICIES)}, not {text!r}")
    return text


def _secrets(text: str) -> tuple[str, ...]:
    found = split_names(text)
    for name in found:
        if not is_subdomain(name):
            raise ValueError(f"{name!r} is not a valid Secret name")
    return found


def _sidecars(text: str) -> tuple[Sidecar, ...]:
    return tuple(Sidecar.parse(part) for part in split_names(text))


def _host_paths(text: str) -> tuple[str, ...]:
    found = split_names(text)
    for path in found:
        if not is_host_path(path):
            raise ValueError(f"{path!r} is not an absolute path in its normal form")
    return found


def _size(text: str) -> str:
    if not (quantity(text) or 0) > 0:
        raise ValueError(f"{text!r} is not a size such as 100Gi")
    return text


def _bytes(text: str) -> int:
    size = quantity(text)
    if size is None or size < 0 or size != int(size):
        raise ValueError(f"{text!r} is not a size such as 500Gi")
    return int(size)


def _proxy(text: str) -> str:
    _check_open(text, "a proxy")
    try:
        is_right = not text or Origin.of(text).scheme == "http"
    except Fault:
        is_right = False
    if not is_right:
        raise ValueError(f"{text!r} is not http://HOST:PORT")
    return text


def _whole(unit: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"{text!r} is not a whole number of {unit}")
        return int(text)

    return parse


def _processes(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST_PROCESSES):
        raise ValueError(f"{text!r} is not a number of processes up to {_MOST_PROCESSES}, or 0")
    return int(text)


def _tolerations(text: str) -> tuple[Toleration, ...]:
    return tuple(Toleration.parse(part) for part in split_names(text))


def _amounts(text: str) -> Amounts:
    try:
        return parse_amounts(text) if text else ()
    except Fault as error:
        raise ValueError(str(error)) from error


def _certificate_names(text: str) -> tuple[str, ...]:
    names = split_names(text)
    for name in names:
        if not is_address(name) and not is_subdomain(name.removeprefix("*.")):
            raise ValueError(f"{name!r} is neither a DNS name, in lower case, nor an IP address")
    return names


def _listen(text: str) -> str:
    _, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"{text!r} is neither HOST:PORT nor :PORT")
    return text


PARSERS: dict[str, Callable[[str], Any]] = {
    "default_prefix": _prefix,
    "resolve_registries": _registries,
    "puller_pull_policy": _pull_policy,
    "puller_pull_secrets": _secrets,
    "puller_debug": _switch,
    "name_tag_form": _switch,
    "sidecars": _sidecars,
    "host_paths": _host_paths,
    "prefer_nodes_with_model": _switch,
    "ephemeral_size": _size,
    "http_proxy": _proxy,
    "https_proxy": _proxy,
    "ca_config_map": _key_of(CA_KEY),
    "cache_bytes": _bytes,
    "cache_keep_days": _whole("days"),
    "pull_deadline_seconds": _whole("seconds"),
    "mirrors": _mirrors,
    "signatures": _signatures,
    "overlap": _overlap,
    "hub_endpoint": _endpoint,
    "hub_token_secret": _key_of(HUB_TOKEN_KEY),
    "accelerators": split_names,
    "tolerations": _tolerations,
    "plain_http": split_names,
    "trust_group": _switch,
    "puller_resources": _amounts,
    "puller_processes": _processes,
    "certificates": _certificates,
    "certificate_names": _certificate_names,
    "listen": _listen,
    "probe_listen": lambda text: text and _listen(text),
}
