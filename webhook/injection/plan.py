"""The plan of an injection: all decisions for one pod, made of the pod's own parts alone."""

from dataclasses import dataclass

from registry.source import ClaimSource, OciSource, Source
from webhook.catalog import Catalog
from webhook.contract import ADAPTERS, EXCLUDE, INCLUDE, LAYOUT, SOURCE, VOLUME, Request
from webhook.names import PULLER, is_subdomain
from webhook.pod.mounts import check_free
from webhook.pod.operating_system import sign_of_windows
from webhook.pod.placement import Placement, place
from webhook.pod.podspec import Raw, annotations, app_containers, entries, mapping, name_of
from webhook.pod.resources import Resources, lend, server_of
from webhook.pod.security import ClaimGroup, claim_group
from webhook.pod.service_account import has_passed_admission
from webhook.pod.tolerations import Toleration, needed
from webhook.pod.volumes import Volume
from webhook.quotes import quoted
from webhook.refusals import BadAdapters, BadVolume, NameTaken, NoImageVolume, UnknownLayout, WrongSystem
from webhook.settings import Settings
from webhook.values.annotation import Engine

from .containers import planned_targets
from .engines import adapters_path
from .resolve import Resolution, resolve
from .status import Status
from .targets import choose_targets
from .variables import shared_variables


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The decisions, which become the record, and what is derived from the pod anew on each pass."""

    status: Status
    placement: Placement
    server: Raw
    group: ClaimGroup
    engine: Engine | None

    @property
    def has_puller(self) -> bool:
        """Whether anything is pulled: the kubelet mounts claims and images by itself."""
        return is_pulled(self.status.source, self.status.volume)


def make_plan(bare: Raw, catalog: Catalog, settings: Settings) -> Plan:
    """Return the plan for a pod without our own additions. Raises a Refusal, or another Fault of the source."""
    request = Request.read(bare)
    _check_pod(bare)
    found = resolve(request, catalog, settings)
    volume = request.volume
    _check_source(bare, request, found.source, settings)
    pulled = is_pulled(found.source, volume)
    placement = place(bare, settings.all_sidecars, on_claim=volume.kind == "pvc")
    names = None if request.containers is None else tuple(named.container for named in request.containers)
    index = placement.index if pulled else 0
    chosen = choose_targets(bare, names, index, settings.accelerators, settings.all_sidecars)
    paths = _mount_paths(request, found, chosen)
    _check_paths(bare, chosen, paths, request)
    server = server_of(bare, chosen, settings.accelerators)
    group = claim_group(bare, server) if volume.is_claim and pulled else ClaimGroup()
    status = Status(
        model=request.model,
        source=found.source,
        origin=found.origin,
        targets=planned_targets(chosen, paths, server, request, found.source),
        volume=volume,
        layout=request.layout,
        adapters=request.adapters,
        include=request.include,
        exclude=request.exclude,
        pull_secrets=_pull_secrets(bare, request) if pulled else (),
        image_secrets=_image_secrets(bare, request, found.source, volume, settings),
        variables=shared_variables(found.source, request.adapters, settings) if pulled else (),
        tolerations=_tolerations(bare, request, found, settings),
        resources=lend(bare, server, request.puller_resources, settings.puller_resources) if pulled else Resources(),
        fs_group=group.group,
        is_evictable=volume.holds_node and pulled,
        image=settings.puller_image if pulled else "",
    )
    return Plan(status=status, placement=placement, server=server, group=group, engine=request.engine)


def is_pulled(source: Source, volume: Volume) -> bool:
    """Return whether a puller brings the model: the kubelet mounts claims and images by itself."""
    return volume.is_pulled_to and not isinstance(source, ClaimSource)


def _check_pod(bare: Raw) -> None:
    sign = sign_of_windows(bare)
    if sign:
        raise WrongSystem(f"the pod runs on Windows ({sign})")
    if any(name_of(container) == PULLER for container in app_containers(bare)):
        raise NameTaken(f"the pod already has a container named {PULLER}")


def _check_source(bare: Raw, request: Request, source: Source, settings: Settings) -> None:
    """Refuse what the request itself shows cannot work."""
    volume = request.volume
    if isinstance(source, ClaimSource):
        _check_claim(bare, request)
    if volume.kind == "image":
        _check_image(request, source)
    if volume.kind == "hostpath" and not any(_is_below(volume.name, prefix) for prefix in settings.host_paths):
        allowed = ", ".join(settings.host_paths) or "none"
        raise BadVolume(
            f"{VOLUME.name} is {quoted(volume)}, and the operator allows folders of nodes below: {allowed}",
            hint="take another volume, or ask your platform team (WEIGHBRIDGE_HOST_PATHS)",
        )


def _check_claim(bare: Raw, request: Request) -> None:
    source = "a model on a claim (pvc://) is mounted as it is"
    if VOLUME.name in annotations(bare):
        raise BadVolume(f"{source}, so {VOLUME.name} has no meaning", hint=f"remove {VOLUME.name}")
    if request.layout != "files":
        raise UnknownLayout(f"{source}, so {LAYOUT.name} cannot be {request.layout}", hint=f"remove {LAYOUT.name}")
    if request.adapters:
        raise BadAdapters(f"{source}, so no puller brings adapters", hint=f"remove {ADAPTERS.name}")


def _check_image(request: Request, source: Source) -> None:
    if not isinstance(source, OciSource):
        raise NoImageVolume(f"{VOLUME.name} is image, and {SOURCE.name} is {quoted(source)}, which is no image")
    stated = {
        LAYOUT.name: request.layout != "files",
        ADAPTERS.name: request.adapters,
        INCLUDE.name: request.include,
        EXCLUDE.name: request.exclude,
    }
    for name, is_stated in stated.items():
        if is_stated:
            raise NoImageVolume(f"{VOLUME.name} is image, which is mounted as it is, so {name} has no meaning")


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix.rstrip('/')}/")


def _mount_paths(request: Request, found: Resolution, chosen: list[Raw]) -> dict[str, str]:
    default = request.mount_path or found.mount_path or f"/models/{request.model}"
    own = {named.container: named.mount_path for named in request.containers or ()}
    return {name_of(one): own.get(name_of(one)) or default for one in chosen}


def _check_paths(bare: Raw, chosen: list[Raw], paths: dict[str, str], request: Request) -> None:
    for container in chosen:
        path = paths[name_of(container)]
        check_free(bare, container, path)
        if request.adapters:
            check_free(bare, container, adapters_path(path))


def _pull_secrets(bare: Raw, request: Request) -> tuple[str, ...]:
    return _own_secrets(bare) if request.pull_secrets is None else request.pull_secrets


def _own_secrets(bare: Raw) -> tuple[str, ...]:
    # A name that no secret can have is skipped, as the kubelet does for its own pulls.
    names = (name_of(reference) for reference in entries(mapping(bare, "spec"), "imagePullSecrets"))
    return tuple(dict.fromkeys(name for name in names if is_subdomain(name)))


def _image_secrets(bare: Raw, request: Request, source: Source, volume: Volume, settings: Settings) -> tuple[str, ...]:
    """Return the secrets that the kubelet needs for the puller's image, or for an image volume."""
    if isinstance(source, ClaimSource):
        return ()
    wanted = (request.pull_secrets or ()) if volume.kind == "image" else settings.puller_pull_secrets
    own = _own_secrets(bare)
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
