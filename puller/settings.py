"""What one pull needs: the webhook writes it into the pod, the puller reads it there."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from registry.access.defaults import HOSTS_DIRECTORY
from registry.errors import Fault
from registry.source import parse_source

PREFIX = "WEIGHBRIDGE_PULL_"
MIB = 1 << 20
_PARTS, _ESCAPED, _SPECIAL = (
    re.compile(r"(?:[^,\\]|\\.|\\$)+", re.DOTALL),
    re.compile(r"\\(.)", re.DOTALL),
    re.compile(r"[,\\]"),
)
"""The syntax of several values in one variable: commas between them, a backslash before a comma within a value."""

_SWITCH = {"true": True, "false": False}


class BadSettings(Fault):
    """An environment that does not make settings."""

    code = "settings.invalid"
    hint = "set the variable that is named; in a pod the webhook writes it, so do not edit its container by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One pull, whole. Variable names come from the fields: `source` is WEIGHBRIDGE_PULL_SOURCE.

    Law: Settings.from_env(settings.to_env()) == settings.
    """

    source: str
    """Where the model is: oci://…, layout://… or hf://…"""

    destination: str
    """The model directory, which appears whole or not at all; its parent must exist on the same volume."""

    include: tuple[str, ...] = ()
    """Globs of the files to pull; none means all."""

    exclude: tuple[str, ...] = ()
    """Globs of the files to leave."""

    hub_cache: str = ""
    """The Hugging Face cache that is written around the destination, a folder in it; empty means none."""

    adapters: tuple[str, ...] = ()
    """LoRA adapters that are pulled too, each as NAME=SOURCE."""

    adapters_dir: str = ""
    """The folder that gets a folder for each adapter."""

    base_path: str = ""
    """The path by which engines are given the base model, which adapters' configs must name.

    `{snapshot}` in it stands for the snapshot's path in the Hugging Face cache.
    """

    image_path: str = ""
    """The folder of an image that holds the model; empty means the folders where packers put models."""

    connections: int = 16
    """The most connections that are open at once."""

    processes: int = 0
    """The most processes that share them; 0 means as many as the cores and the work are worth, where TLS is spoken."""

    piece_bytes: int = 16 * MIB
    """How much of a blob one request asks for, where the artifact has no chunks."""

    docker_configs: tuple[str, ...] = ()
    """Docker config files whose credentials are merged; if two have credentials for a registry, the first wins."""

    token_file: str = ""
    """A file with a token of the pod's ServiceAccount, which the source's registry gets as a bearer token."""

    signatures: str = ""
    """The operator's policy: whose signatures models must have, by prefixes of sources (TOML); empty asks for none."""

    require_signature: bool = False
    """Whether a signature is required even where the policy only warns, or asks for none."""

    plain_http: tuple[str, ...] = ()
    """Registries (host or host:port) that speak HTTP; loopback ones do anyway."""

    cache: str = ""
    """A folder of models that pulls share, on a volume that outlives them; empty means none."""

    cache_bytes: int = 0
    """How large the cache may grow before models without a directory are let go; 0 means as large as its volume."""

    cache_keep_days: int = 0
    """How many days after its last start a pod's directory may be let go, too; 0 means never."""

    trust_group: bool = False
    """Whether files that members of this process's groups can have written are trusted without being hashed."""

    rehash: bool = False
    """Whether existing files are always hashed, even where no other user can have written them."""

    lock_seconds: int = 60
    """How long to wait for another pull of the same model that shows no sign of life."""

    deadline_seconds: int = 0
    """How long the whole pull may take; 0 means no limit."""

    sync: bool = False
    """Whether the data is synced to disk before it is published: for volumes that outlive the pod."""

    xet: bool = False
    """Whether hf_xet fetches the large files of hf:// sources, with gigabytes of memory, in place of ranges."""

    ca_file: str = ""
    """A PEM file of CAs that are trusted in addition to the system's."""

    hosts_dir: str = HOSTS_DIRECTORY
    """The folder that configures mirrors, by containerd's hosts.toml convention; no such folder means no mirrors."""

    mirrors: str = ""
    """Mirrors for one registry or many: TOML tables, named like the folders of `hosts_dir`, which they override."""

    tools: str = ""
    """The folder that a sidecar shares with the container that waits for it (puller/overlap/); empty means neither."""

    termination_log: str = "/dev/termination-log"
    """The file for the closing message, for `kubectl describe pod`; it is not created if it does not exist."""

    @property
    def selection(self) -> tuple[str, ...]:
        """What is selected of an artifact: two pulls of one digest with the same selection make the same model."""
        marks = (
            ("include", self.include),
            ("exclude", self.exclude),
            ("image-path", (self.image_path,)),
            ("base-path", (self.base_path,)),
        )
        return tuple(f"{mark}={value}" for mark, values in marks for value in values if value)

    @property
    def signature_mark(self) -> str:
        """A text that a receipt must have where a signature is required: that of the policy which its model passed.

        Empty where the policy requires none of any source: one may be the parent of a model that needs none itself.
        Raises BadSignaturePolicy.
        """
        if not self.signatures and not self.require_signature:
            return ""
        from registry.signatures.policy import parse_policy, rule_for  # noqa: PLC0415 - few pulls have a policy

        rule = rule_for(self.signatures, parse_source(self.source), is_required=self.require_signature)
        rules = parse_policy(self.signatures).values() if self.signatures else ()
        if not any(one.mode == "require" for one in (rule, *rules)):
            return ""
        return hashlib.sha256(f"{self.require_signature} {self.signatures}".encode()).hexdigest()[:16]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read settings from `environ`; raise BadSettings, which names the variable."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            text = environ.get(name)
            if text is not None:
                values[field.name] = _parse(name, text, field.type)
            elif field.default is MISSING:
                raise BadSettings(f"the environment variable {name} is not set")
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """Return the environment that `from_env` reads, defaults left out."""
        return {
            PREFIX + field.name.upper(): _format(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


def selection_suffix(selection: tuple[str, ...]) -> str:
    """Return the suffix of a selection's folders; "" where everything is selected."""
    return f"-{hashlib.sha256(repr(selection).encode()).hexdigest()[:8]}" if selection else ""


def _parse(name: str, text: str, kind: object) -> object:
    if kind is str:
        return text
    if kind is bool:
        if text not in _SWITCH:
            raise BadSettings(f"{name}={text!r}: wanted true or false")
        return _SWITCH[text]
    if kind is int:
        if not text.isdecimal() or int(text) < 1:
            raise BadSettings(f"{name}={text!r}: wanted a whole number from 1 up")
        return int(text)
    return tuple(filter(None, (_ESCAPED.sub(r"\1", part) for part in _PARTS.findall(text))))


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(_SPECIAL.sub(r"\\\g<0>", part) for part in value) if isinstance(value, tuple) else str(value)
