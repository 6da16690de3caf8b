"""The plan of an injection: all decisions for one pod, made of the pod's own parts alone.

Tests: tests/webhook/test_inject.py
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from registry.signatures.policy import rule_for
from registry.source import ClaimSource, Source
from webhook.catalog import Catalog
from webhook.names import MODEL_VOLUME, TOOLS_VOLUME
from webhook.pod.mounts import check_free, read_only_volumes
from webhook.pod.placement import Placement, place
from webhook.pod.podspec import Raw, mapping, name_of
from webhook.pod.resources import lend
from webhook.pod.scheduling.affinity import unstated
from webhook.pod.scheduling.autoscaler import unlisted
from webhook.pod.scheduling.tolerations import Toleration, needed
from webhook.pod.security import ClaimGroup, claim_group
from webhook.pod.service_account import has_passed_admission, own_secrets
from webhook.request import Request
from webhook.resolving.answer import Ask, Code, ask_nobody
from webhook.resolving.sizing import with_storage
from webhook.settings import Settings
from webhook.values.annotation import MOST_SECRETS, Engine

from .answers import ask_registries
from .containers import planned_targets
from .engines import adapters_path
from .feasibility import check_feasible, has_puller
from .pullers.overlap import OVERLAPS, images_of, reason_against
from .pullers.variables import shared_variables
from .resolve import Resolution, resolve
from .status import Status
from .targets import choose_targets, server_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The decisions, which become the record, and what is derived from the pod anew on each pass."""

    status: Status
    placement: Placement
    server: Raw
    group: ClaimGroup
    engine: Engine | None
    unknown: Code | None = None
    """Why the source's tag was not resolved."""

    is_hidden: bool = False
    """Whether the pod is refused unless its account brings secrets."""

    unsigned: tuple[str, ...] = ()
    """What lacks a signature that the operator's policy looks for."""

    @property
    def is_pulled(self) -> bool:
        """Whether anything is pulled: the kubelet mounts claims and images by itself."""
        return has_puller(self.status.source, self.status.volume)


def make_plan(
    bare: Raw, catalog: Catalog, settings: Settings, ask: Ask = ask_nobody, record: Status | None = None
) -> Plan:
    """Return the plan for a pod without our own additions. `record` is of an earlier pass over the same pod.

    1. Read the request, find the model's source, and ask what its tag means; refuse what they show cannot work.
    2. Place the puller, and choose the containers that get the model.
    3. Decide what is added to these, and to the pod.

    Raises a Refusal, or another Fault of the source.
    """
    # 1.
    request = Request.read(bare)
    found = resolve(request, catalog, settings)
    check_feasible(bare, request, found.source, settings)
    answers = ask_registries(bare, found, request, settings, ask, record)
    is_pulled = has_puller(found.source, request.volume)
    # 2.
    placement = place(bare, settings.all_sidecars, on_claim=request.volume.kind == "pvc")
    chosen = choose_targets(bare, request.container_names, placement.index if is_pulled else 0, settings)
    paths = _mount_paths(bare, request, found, chosen)
    server = server_of(bare, chosen, paths, settings.accelerators)
    # 3.
    status = Status(
        model=request.model,
        source=found.source,
        origin=found.origin,
        targets=planned_targets(chosen, paths, server, request, answers.pin or found.source.digest),
        volume=request.volume,
        layout=request.layout,
        adapters=request.adapters,
        include=request.include,
        exclude=request.exclude,
        image_secrets=_image_secrets(bare, request, found.source, settings),
        tolerations=_tolerations(bare, request, found, settings),
        pin=None if found.source.digest else answers.pin,
        content_bytes=answers.content_bytes,
        adapter_pins=answers.adapter_pins(request),
    )
    group = claim_group(bare, server, request.volume.name) if request.volume.is_claim and is_pulled else ClaimGroup()
    if is_pulled:
        status = _with_puller(replace(status, fs_group=group.group), bare, server, request, settings)
    return Plan(
        status=status,
        placement=placement,
        server=server,
        group=group,
        engine=request.engine,
        unknown=answers.unknown,
        is_hidden=answers.is_hidden,
        unsigned=answers.unsigned,
    )


def _on_the_node(status: Status) -> Iterator[str]:
    if status.volume.holds_node:
        yield MODEL_VOLUME
    if status.overlap == OVERLAPS:
        yield TOOLS_VOLUME


def _preferences(bare: Raw, status: Status, settings: Settings) -> tuple[str, ...]:
    if not settings.prefer_nodes_with_model or status.volume.kind != "hostpath":
        return ()
    return unstated(mapping(bare, "spec"), status.model)


def _overlap(status: Status, bare: Raw, request: Request, settings: Settings) -> str:
    """Return `on` where the model is pulled beside the engine's image, else why not where anybody asked for it."""
    asked = request.overlap or settings.overlap
    against = reason_against(bare, asked, status.volume, images_of(bare, status.containers))
    if not against:
        return OVERLAPS
    return "" if asked == "never" else against


def _with_puller(status: Status, bare: Raw, server: Raw, request: Request, settings: Settings) -> Status:
    status = replace(status, overlap=_overlap(status, bare, request, settings))
    return replace(
        status,
        token_audience=request.token_audience,
        require_signature=request.require_signature,
        signatures=rule_for(settings.signatures, status.source, is_required=request.require_signature).mode,
        pull_secrets=own_secrets(bare)[:MOST_SECRETS] if request.pull_secrets is None else request.pull_secrets,
        variables=shared_variables(status.source, status.adapters, settings),
        resources=with_storage(
            lend(bare, server, request.puller_resources, settings.puller_resources),
            status.room if status.volume.kind == "emptydir" else "",
            settings.puller_resources,
        ),
        evictable=unlisted(bare, _on_the_node(status)),
        preferences=_preferences(bare, status, settings),
        image=settings.puller_image,
    )


def _mount_paths(bare: Raw, request: Request, found: Resolution, chosen: list[Raw]) -> dict[str, str]:
    """Return where each chosen container gets the model; raise where something is in the way."""
    default = request.mount_path or found.mount_path or f"/models/{request.model}"
    own = {named.container: named.mount_path for named in request.containers or ()}
    paths = {name_of(one): own.get(name_of(one)) or default for one in chosen}
    fixed = read_only_volumes(bare)
    for container in chosen:
        path = paths[name_of(container)]
        check_free(container, path, fixed)
        if request.adapters:
            check_free(container, adapters_path(path), fixed)
    return paths


def _image_secrets(bare: Raw, request: Request, source: Source, settings: Settings) -> tuple[str, ...]:
    """Return the secrets that the kubelet needs for the puller's image, or for an image volume."""
    if isinstance(source, ClaimSource):
        return ()
    wanted = (request.pull_secrets or ()) if request.volume.kind == "image" else settings.puller_pull_secrets
    own = own_secrets(bare)
    # Where the pod has none, the API server copies its ServiceAccount's; an entry written before that would keep
    # them out.
    if not own and not has_passed_admission(bare):
        return ()
    return tuple(name for name in wanted if name not in own)


def _tolerations(bare: Raw, request: Request, found: Resolution, settings: Settings) -> tuple[Toleration, ...]:
    return needed(
        bare,
        request.tolerations,
        is_gpu_model=found.gpu,
        accelerators=settings.accelerators,
        extra=settings.tolerations,
    )
