"""What one pod asks for, read from its keys.

Tests: tests/webhook/test_contract.py
"""

from dataclasses import dataclass

from registry.source import Source

from . import contract
from .pod.podspec import Raw
from .pod.resources import Amounts
from .pod.scheduling.tolerations import Mode
from .pod.volumes import Volume
from .refusals import BadModelName
from .values.annotation import Adapter, Engine, Layout, Named, Overlap


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What one pod asks for; None means the webhook's default."""

    model: str
    source: Source | None
    mount_path: str | None
    volume: Volume
    containers: tuple[Named, ...] | None
    layout: Layout
    engine: Engine | None
    engine_args: tuple[str, ...]
    adapters: tuple[Adapter, ...]
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    tolerations: Mode
    pull_secrets: tuple[str, ...] | None
    puller_resources: Amounts
    token_audience: str
    require_signature: bool
    overlap: Overlap | None

    @property
    def container_names(self) -> tuple[str, ...] | None:
        """The names of the containers that are to get the model; None where nobody said."""
        return None if self.containers is None else tuple(named.container for named in self.containers)

    @classmethod
    def read(cls, pod: Raw) -> "Request":
        """Parse a pod that has the model label; raise the Refusal of the first key that is wrong."""
        model = contract.MODEL.read(pod)
        if model is None:
            raise BadModelName(f"the pod has no label {contract.MODEL.name}")
        return cls(
            model=model,
            source=contract.SOURCE.read(pod),
            mount_path=contract.MOUNT_PATH.read(pod),
            volume=contract.VOLUME.read(pod) or Volume(),
            containers=contract.CONTAINERS.read(pod),
            layout=contract.LAYOUT.read(pod) or "files",
            engine=contract.ENGINE.read(pod),
            engine_args=contract.ENGINE_ARGS.read(pod) or (),
            adapters=contract.ADAPTERS.read(pod) or (),
            include=contract.INCLUDE.read(pod) or (),
            exclude=contract.EXCLUDE.read(pod) or (),
            tolerations=contract.TOLERATIONS.read(pod) or "auto",
            pull_secrets=contract.PULL_SECRETS.read(pod),
            puller_resources=contract.PULLER_RESOURCES.read(pod) or (),
            token_audience=contract.TOKEN_AUDIENCE.read(pod) or "",
            overlap=contract.OVERLAP.read(pod),
            require_signature=contract.REQUIRE_SIGNATURE.read(pod) or False,
        )
