"""The plan of an injection, which is kept on the pod as its record.

Tests: tests/webhook/test_inject.py
"""

from dataclasses import dataclass, field

from registry.digest import Digest
from registry.signatures.rule import Mode
from registry.source import OciSource, Source
from webhook.pod.resources import Resources
from webhook.pod.scheduling.tolerations import Toleration
from webhook.pod.volumes import Volume
from webhook.resolving.sizing import room
from webhook.values.annotation import Adapter, Layout

from .resolve import Origin


@dataclass(frozen=True, slots=True)
class Target:
    """A container that gets the model: its mount path, the variables and the arguments that are added."""

    name: str
    mount_path: str
    environment: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """All decisions for one pod, and all that is added to it; applying them again changes nothing.

    It holds no time, so that equal pods stay equal.
    """

    model: str
    source: Source
    origin: Origin
    targets: tuple[Target, ...]
    volume: Volume
    layout: Layout = "files"
    adapters: tuple[Adapter, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    image_secrets: tuple[str, ...] = ()
    """Secrets that are appended to the pod's imagePullSecrets."""

    token_audience: str = ""
    """The audience of the ServiceAccount's token that the source's registry gets; empty for no token."""

    overlap: str = ""
    """`on` where the model is pulled beside the engine's image, or why it is not although the pod asked; else empty."""

    require_signature: bool = False
    """Whether the pod asks for a signature, whatever the operator's policy asks for."""

    signatures: Mode = "off"
    """What is asked of the model's signatures, by the operator's policy and by the pod."""

    variables: tuple[tuple[str, str], ...] = ()
    """The puller's variables that other tools know, too: proxies, and the hub's address."""

    tolerations: tuple[Toleration, ...] = ()
    resources: Resources = field(default_factory=Resources)
    fs_group: int | None = None
    evictable: tuple[str, ...] = ()
    """Volumes of ours of which the cluster autoscaler is told that they keep no node."""

    preferences: tuple[str, ...] = ()
    """The kinds of affinity by which the pod prefers nodes that have the model, where we added them."""

    pin: Digest | None = None
    """The digest that the registry had for the source's tag at admission."""

    content_bytes: int | None = None
    """The bytes of the files, of the model and of its adapters, where their manifests told."""

    adapter_pins: tuple[Digest | None, ...] = ()
    """What `pin` is, for each of the adapters; empty where none of them has one."""

    image: str = ""
    """The puller's; empty where nothing is pulled."""

    @property
    def containers(self) -> tuple[str, ...]:
        """The names of the containers that get the model."""
        return tuple(target.name for target in self.targets)

    @property
    def mount_path(self) -> str:
        """The path at which the first of them sees it; empty if there is none."""
        return self.targets[0].mount_path if self.targets else ""

    @property
    def digest(self) -> Digest | None:
        """The digest that pins the source, by itself or since admission; or None."""
        return self.source.digest or self.pin

    @property
    def pinned_source(self) -> Source:
        """The source with the digest of admission, if there is one."""
        if self.pin is None or not isinstance(self.source, OciSource):
            return self.source
        return OciSource(self.source.reference.pinned(self.pin))

    @property
    def registries(self) -> tuple[str, ...]:
        """The registries of the source and of the adapters."""
        sources = (self.source, *(adapter.source for adapter in self.adapters))
        return tuple(source.reference.registry for source in sources if isinstance(source, OciSource))

    @property
    def pinned_adapters(self) -> tuple[Adapter, ...]:
        """The adapters with the digests of admission, where there are some."""
        pins = self.adapter_pins or (None,) * len(self.adapters)
        return tuple(adapter.pinned(pin) for adapter, pin in zip(self.adapters, pins, strict=True))

    @property
    def room(self) -> str:
        """The amount of storage that a volume of the pod's own needs; empty if it is not known, or not the pod's."""
        if self.content_bytes is None or not self.volume.is_the_pods_own:
            return ""
        return room(self.content_bytes)

    @property
    def directory(self) -> str:
        """The model's directory on the volume: of its own for each source, selection and layout."""
        selection = (f"include={','.join(self.include)}", f"exclude={','.join(self.exclude)}", f"layout={self.layout}")
        stated = selection if self.include or self.exclude or self.layout != "files" else ()
        return self.volume.directory(self.model, str(self.source), *stated)

    @property
    def adapters_directory(self) -> str:
        """The directory on the volume that holds a folder for each adapter; each is made for the base model's path."""
        base = (str(self.source), *map(str, self.adapters), *(target.mount_path for target in self.targets))
        return f".adapters/{self.volume.directory(self.model, *base)}"
