"""The operator's settings for all pods, read once from the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from puller.settings import BadSettings as BadPullerSettings
from registry.errors import Fault
from registry.mirrors.directory import check_text
from registry.net.origin import Origin
from registry.source import parse_source
from registry.version import VERSION

from .names import is_secret_key, is_subdomain, split_names
from .pod.resources import quantity
from .pod.tolerations import Toleration

PREFIX = "WEIGHBRIDGE_"

_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_SWITCH = {"true": True, "false": False}

HUB_TOKEN_KEY = "HF_TOKEN"  # noqa: S105 - a key's name
"""Where in its Secret the hub's token is, unless the operator says otherwise."""


class BadSettings(BadPullerSettings):
    """A configuration that does not make settings."""

    hint = "mend the variable, which comes from the ConfigMap weighbridge-config"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The webhook's settings, none of them secret. `puller_image` is WEIGHBRIDGE_PULLER_IMAGE."""

    # Not a name on a public hub, where another user could publish an image.
    puller_image: str = f"localhost/weighbridge:{VERSION}"
    """The image that the injected container runs."""

    default_prefix: str = ""
    """Where a model that is in no catalog is looked for: PREFIX/NAME:latest; nowhere when empty."""

    name_tag_form: bool = False
    """Whether NAME may be written `name.tag`, which then means PREFIX/name:tag (split at the first dot)."""

    accelerators: tuple[str, ...] = ()
    """Resource names that count as GPUs beside the extended ones."""

    tolerations: tuple[Toleration, ...] = ()
    """Tolerations that GPU pods get beside those for their resources: `key[=value][:effect]`."""

    plain_http: tuple[str, ...] = ()
    """Registries that speak HTTP."""

    mirrors: str = field(default="", repr=False)
    """What pullers ask before registries: a hosts.toml for each, as a TOML table under its registry's folder name."""

    hub_endpoint: str = ""
    """The Hugging Face hub's URL for pullers, such as a mirror's; empty means the public hub."""

    hub_token_secret: tuple[str, str] | None = None
    """The Secret in the pod's namespace, and its key, that holds a token for the hub: `name` or `name/key`."""

    trust_group: bool = False
    """Whether pullers believe, unhashed, what their groups can write on a claim, as fsGroup makes all of it."""

    puller_resources: tuple[tuple[str, str], ...] = (("cpu", "1"), ("memory", "512Mi"))
    """The puller's limits: `cpu=2,memory=512Mi,ephemeral-storage=1Gi`."""

    catalog_directory: str = "/etc/weighbridge/catalog"
    """Where the ConfigMap weighbridge-catalog is mounted."""

    tls_directory: str = "/etc/weighbridge/tls"
    """Where tls.crt and tls.key are."""

    listen: str = "0.0.0.0:10250"
    """Address and port; the control planes that filter ports let 10250 through to nodes."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Parse settings from `environ`; raise BadSettings that names the variable.

        Others with the same prefix are ignored: Kubernetes itself sets WEIGHBRIDGE_WEBHOOK_SERVICE_HOST.
        """
        values: dict[str, Any] = {}
        for name, variable in variables().items():
            if variable not in environ:
                continue
            try:
                values[name] = _PARSERS.get(name, str)(environ[variable].strip())
            except ValueError as error:
                raise BadSettings(f"{variable}: {error}") from error
        return cls(**values)


def variables() -> dict[str, str]:
    """Return each field's variable."""
    return {field.name: PREFIX + field.name.upper() for field in fields(Settings)}


def _switch(text: str) -> bool:
    if text not in _SWITCH:
        raise ValueError(f"wanted true or false, not {text!r}")
    return _SWITCH[text]


def _prefix(text: str) -> str:
    prefix = text.rstrip("/")
    if prefix:
        try:
            parse_source(f"{prefix}/model:latest")
        except Fault as error:
            raise ValueError(f"{text!r} is no prefix: {error}") from error
    return prefix


def _mirrors(text: str) -> str:
    try:
        check_text(text)
    except Fault as error:
        raise ValueError(str(error)) from error
    return text


def _endpoint(text: str) -> str:
    if text:
        try:
            Origin.of(text)
        except Fault as error:
            raise ValueError(f"{text!r} is no http or https URL") from error
    return text.rstrip("/")


def _token_secret(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    name, slash, key = text.partition("/")
    if not is_subdomain(name) or (slash and not is_secret_key(key)):
        raise ValueError(f"{text!r} is no secret: write NAME, or NAME/KEY")
    return name, key or HUB_TOKEN_KEY


def _tolerations(text: str) -> tuple[Toleration, ...]:
    return tuple(Toleration.parse(part) for part in split_names(text))


def _resources(text: str) -> tuple[tuple[str, str], ...]:
    amounts = dict(_resource(part) for part in split_names(text))
    if "memory" not in amounts:
        raise ValueError("a limit on memory is missing: write cpu=1,memory=512Mi")
    return tuple(sorted(amounts.items()))


def _resource(text: str) -> tuple[str, str]:
    name, _, amount = text.partition("=")
    if name not in _RESOURCES:
        raise ValueError(f"{name!r} is none of {', '.join(_RESOURCES)}")
    if not (quantity(amount) or 0) > 0:
        raise ValueError(f"{amount!r} is no amount of {name}")
    return name, amount


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{text!r} is not HOST:PORT")
    return text


_PARSERS: dict[str, Callable[[str], Any]] = {
    "default_prefix": _prefix,
    "name_tag_form": _switch,
    "mirrors": _mirrors,
    "hub_endpoint": _endpoint,
    "hub_token_secret": _token_secret,
    "accelerators": split_names,
    "tolerations": _tolerations,
    "plain_http": split_names,
    "trust_group": _switch,
    "puller_resources": _resources,
    "listen": _listen,
}
