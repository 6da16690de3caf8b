"""The operator's settings for all pods, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from puller.settings import BadSettings as BadPullerSettings
from registry.version import VERSION

from .pod.scheduling.tolerations import Toleration
from .pod.sidecars import Sidecar, Sidecars
from .values.annotation import Overlap
from .values.setting import PARSERS

PREFIX = "WEIGHBRIDGE_"


class BadSettings(BadPullerSettings):
    """A configuration that does not make settings."""

    hint = "mend the variable, which comes from the ConfigMap weighbridge-config"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The webhook's settings, none of them secret. `puller_image` is WEIGHBRIDGE_PULLER_IMAGE."""

    # Not a name on a public hub, where another user could publish an image.
    puller_image: str = f"localhost/weighbridge:{VERSION}"
    """The image that the injected container runs."""

    puller_pull_policy: str = "IfNotPresent"
    """When nodes pull that image: Always, IfNotPresent or Never."""

    puller_pull_secrets: tuple[str, ...] = ()
    """Secrets in the pods' namespaces for pulling that image; they are not used for models."""

    puller_debug: bool = False
    """Whether pullers print tracebacks."""

    default_prefix: str = ""
    """Where a model that is in no catalog is looked for: PREFIX/NAME:latest; nowhere when empty."""

    resolve_registries: tuple[str, ...] | None = ()
    """Registries that are asked at admission beside those of the catalog and of the prefix; None: not even those."""

    name_tag_form: bool = False
    """Whether NAME may be written `name.tag`, which then means PREFIX/name:tag (split at the first dot)."""

    accelerators: tuple[str, ...] = ()
    """Resource names, or DRA device classes, that count as accelerators beside those that are known."""

    tolerations: tuple[Toleration, ...] = ()
    """Tolerations that GPU pods get beside those for their resources: `key[=value][:effect]`."""

    sidecars: tuple[Sidecar, ...] = ()
    """Sidecars beside those that are known: `NAME=redirect`, `NAME=validation`, `NAME=proxy:UID`, `NAME=volume`."""

    host_paths: tuple[str, ...] = ()
    """Folders of nodes below which pods may have `hostpath:` volumes; none by default."""

    prefer_nodes_with_model: bool = False
    """Whether pods on folders of nodes prefer nodes that have their model already."""

    ephemeral_size: str = "100Gi"
    """How large the claims of `ephemeral` volumes are, unless the model is known to need more."""

    http_proxy: str = ""
    """The proxy for http:// that pullers use: `http://HOST:PORT`."""

    https_proxy: str = ""
    """The proxy for https:// that pullers use."""

    no_proxy: str = ""
    """What they reach without a proxy, beside the cluster's own names."""

    ca_config_map: tuple[str, str] | None = None
    """The ConfigMap in the pod's namespace, and its key, with CAs that pullers trust: `name` or `name/key`."""

    cache_bytes: int = 0
    """From how many bytes in the cache of a claim or folder of a node on old versions are let go; 0 means never."""

    cache_keep_days: int = 0
    """How many days after the last start with it a model's directory there may go, too; 0 means never."""

    pull_deadline_seconds: int = 0
    """How long a whole pull may take; 0 means no limit."""

    plain_http: tuple[str, ...] = ()
    """Registries that speak HTTP."""

    mirrors: str = field(default="", repr=False)
    """What pullers ask before registries: a hosts.toml for each, as a TOML table under its registry's folder name."""

    overlap: Overlap = "never"
    """Whether models are pulled beside the engines' images where a pod does not say: `auto` or `never`."""

    signatures: str = field(default="", repr=False)
    """Whose signatures models must have: a TOML table for each prefix of sources, with keys and signatories."""

    hub_endpoint: str = ""
    """The Hugging Face hub's URL for pullers, such as a mirror's; empty means the public hub."""

    hub_token_secret: tuple[str, str] | None = None
    """The Secret in the pod's namespace, and its key, that holds a token for the hub: `name` or `name/key`."""

    trust_group: bool = False
    """Whether pullers believe, unhashed, what their groups can write on a claim, as fsGroup makes all of it."""

    puller_resources: tuple[tuple[str, str], ...] = ()
    """The most that a puller may use of what its pod lends it: `cpu=2,memory=512Mi`; empty means all of it."""

    puller_processes: int = 0
    """The most processes that a puller fetches by; 0 leaves the number to it."""

    catalog_directory: str = "/etc/weighbridge/catalog"
    """Where the ConfigMap weighbridge-catalog is mounted."""

    tls_directory: str = "/etc/weighbridge/tls"
    """Where tls.crt and tls.key are."""

    certificates: str = "mounted"
    """Where they come from: `mounted`, as files, or `built-in`: the webhook keeps a CA and a certificate itself."""

    certificate_names: tuple[str, ...] = ()
    """DNS names and IP addresses in the built-in certificate beside the Service's."""

    service_name: str = "weighbridge-webhook"
    """The Service by which the API server calls the webhook, for the built-in certificate."""

    service_account_directory: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    """Where the kubelet mounts the pod's token, for built-in certificates."""

    listen: str = ":10250"
    """HOST:PORT, or :PORT for all addresses; the control planes that filter ports let 10250 through to nodes."""

    probe_listen: str = ""
    """HOST:PORT or :PORT of probes and metrics, in the clear; empty means none beside those on `listen`."""

    @property
    def all_sidecars(self) -> Sidecars:
        """The operator's sidecars and those that are known."""
        return Sidecars.extended(self.sidecars)

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
                values[name] = PARSERS.get(name, str)(environ[variable].strip())
            except ValueError as error:
                raise BadSettings(f"{variable}: {error}") from error
        return cls(**values)


def variables() -> dict[str, str]:
    """Return each field's variable."""
    return {field.name: PREFIX + field.name.upper() for field in fields(Settings)}
