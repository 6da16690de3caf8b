"""What an injection adds to a pod: volumes, the puller, mounts and environment, and the pod's own fields.

Tests: tests/webhook/test_second_pass.py
"""

from copy import deepcopy

from registry.source import ClaimSource, OciSource
from webhook.names import PULLER, SIDECAR, VOLUMES, is_our_container
from webhook.pod.credentials import add_identity, ca_volume, credentials_volume, token_volume
from webhook.pod.placement import is_well_placed
from webhook.pod.podspec import Raw, entries, extended_list, extended_mapping, mapping, name_of
from webhook.pod.quantities import quantity
from webhook.pod.scheduling.affinity import prefer
from webhook.pod.scheduling.autoscaler import allow_eviction
from webhook.pod.scheduling.tolerations import add_tolerations
from webhook.pod.volumes import claim_mount, claim_volume
from webhook.refusals import NameTaken
from webhook.settings import Settings

from .containers import wire_targets
from .engines import adapters_path
from .plan import Plan
from .previous import Earlier
from .pullers.overlap import OVERLAPS, tools_volume
from .pullers.puller import differences, puller_containers, renewed
from .record import write_status
from .status import Status

_AMOUNTS = ("storage", "sizeLimit")


def add_all(after: Raw, earlier: Earlier, plan: Plan, settings: Settings) -> None:
    """Add to `after` all that the plan needs and it lacks.

    Raises NameTaken for parts of our names that differ from the plan's, where no record says that we put them there.
    """
    _add_volumes(after, earlier, plan, settings)
    if plan.is_pulled:
        _add_pullers(after, earlier, plan, settings)
    elif earlier.pullers:
        _remove_pullers(after, earlier)
    wire_targets(after, _mounts(plan.status), plan.status)
    add_tolerations(after, plan.status.tolerations)
    _add_pod_fields(after, plan.status)
    write_status(after, plan.status)


def _add_volumes(after: Raw, earlier: Earlier, plan: Plan, settings: Settings) -> None:
    spec, wanted = mapping(after, "spec"), _volumes(plan, settings)
    held = entries(spec, "volumes")
    unwanted = [name_of(one) for one in held if name_of(one) in set(VOLUMES) - {volume["name"] for volume in wanted}]
    if unwanted and earlier.record is None:
        raise NameTaken(f"the pod already has a volume named {unwanted[0]}")
    if unwanted:
        held = spec["volumes"] = [one for one in held if name_of(one) not in unwanted]
    for volume in wanted:
        present = next((one for one in held if name_of(one) == volume["name"]), None)
        if present is None:
            extended_list(extended_mapping(after, "spec"), "volumes").append(volume)
        elif earlier.record is None and (not earlier.pullers or not contains(present, volume)):
            raise NameTaken(f"the pod already has a volume named {volume['name']}")
        elif not contains(present, volume):
            present.clear()
            present.update(volume)


def _volumes(plan: Plan, settings: Settings) -> list[Raw]:
    status = plan.status
    if isinstance(status.source, ClaimSource):
        return [claim_volume(status.source)]
    source = status.pinned_source
    reference = str(source.reference) if isinstance(source, OciSource) else ""
    found = [status.volume.definition(reference, settings.ephemeral_size, status.room)]
    if status.pull_secrets:
        found.append(credentials_volume(status.pull_secrets))
    if plan.is_pulled and settings.ca_config_map:
        found.append(ca_volume(*settings.ca_config_map))
    if plan.is_pulled and status.token_audience:
        found.append(token_volume(status.token_audience))
    if plan.is_pulled and status.overlap == OVERLAPS:
        found.append(tools_volume())
    return found


def _add_pullers(after: Raw, earlier: Earlier, plan: Plan, settings: Settings) -> None:
    planned = puller_containers(earlier.bare, plan, settings)
    present, record = earlier.pullers, earlier.record
    wanted = [name_of(one) for one in planned]
    names = [name_of(one) for one in present]
    if record is None and present and names != wanted:
        raise NameTaken(f"the pod already has a container named {names[0]}")
    found = planned
    if names == wanted:
        found = [_kept(*pair, earlier, plan) for pair in zip(present, planned, strict=True)]
    for one in found:
        if name_of(one) in (PULLER, SIDECAR):
            add_identity(one, earlier.bare, plan.server, plan.status.registries)
    _put(after, found, earlier.bare, plan, settings)


def _kept(present: Raw, planned: Raw, earlier: Earlier, plan: Plan) -> Raw:
    """Return a container of ours that is there, as it is to be; raise NameTaken for one that is not ours."""
    found, record = differences(present, planned), earlier.record
    if found and record is None:
        name = name_of(present)
        raise NameTaken(f"the pod already has a container named {name}, and its {found[0]} is not the injected one's")
    recorded = record or plan.status
    return renewed(present, planned, recorded) if found or recorded != plan.status else deepcopy(present)


def _remove_pullers(after: Raw, earlier: Earlier) -> None:
    """Remove the pullers of an earlier injection, where the kubelet mounts the model by itself."""
    if earlier.record is None:
        raise NameTaken(f"the pod already has a container named {name_of(earlier.pullers[0])}")
    spec = mapping(after, "spec")
    kept = [one for one in entries(spec, "initContainers") if not is_our_container(name_of(one))]
    if len(kept) < len(entries(spec, "initContainers")):
        spec["initContainers"] = kept


def _put(after: Raw, containers: list[Raw], bare: Raw, plan: Plan, settings: Settings) -> None:
    """Put our containers where the earlier ones stand, or to their planned place."""
    held = extended_list(extended_mapping(after, "spec"), "initContainers")
    names = [name_of(one) if isinstance(one, dict) else "" for one in held]
    ours = [index for index, name in enumerate(names) if is_our_container(name)]
    wanted = [name_of(one) for one in containers]
    if ours and [names[index] for index in ours] == wanted and ours[-1] - ours[0] == len(ours) - 1:
        targets = plan.status.containers
        on_claim = plan.status.volume.kind == "pvc"
        if is_well_placed(bare, ours[0], settings.all_sidecars, on_claim=on_claim, targets=targets):
            held[ours[0] : ours[-1] + 1] = containers
            return
    for index in reversed(ours):
        held.pop(index)
    held[plan.placement.index : plan.placement.index] = containers


def _mounts(status: Status) -> dict[str, list[Raw]]:
    """Return the mounts of each target: the model's, and that of its adapters."""
    found = {}
    for target in status.targets:
        if isinstance(status.source, ClaimSource):
            mounts = [claim_mount(status.source, target.mount_path)]
        elif status.volume.kind == "image":
            mounts = [status.volume.image_mount(target.mount_path)]
        else:
            mounts = [status.volume.app_mount(status.directory, target.mount_path)]
        if status.adapters:
            mounts.append(status.volume.app_mount(status.adapters_directory, adapters_path(target.mount_path)))
        found[target.name] = mounts
    return found


def _add_pod_fields(after: Raw, status: Status) -> None:
    spec = extended_mapping(after, "spec")
    if status.image_secrets:
        held = {name_of(one) for one in entries(spec, "imagePullSecrets")}
        missing = [{"name": name} for name in status.image_secrets if name not in held]
        if missing:
            extended_list(spec, "imagePullSecrets").extend(missing)
    if status.fs_group is not None:
        context = extended_mapping(spec, "securityContext")
        context.setdefault("fsGroup", status.fs_group)
        context.setdefault("fsGroupChangePolicy", "OnRootMismatch")
    prefer(spec, status.model, status.preferences)
    allow_eviction(after, status.evictable)


def contains(present: object, planned: object, key: str = "") -> bool:
    """Return whether a part is the planned one, with defaults that the API server filled in or without.

    `key` is the part's in its parent: the API server writes amounts of storage in a form of its own.
    """
    if isinstance(present, dict) and isinstance(planned, dict):
        return all(one in present and contains(present[one], value, one) for one, value in planned.items())
    if isinstance(present, list) and isinstance(planned, list):
        return len(present) == len(planned) and all(map(contains, present, planned))
    return present == planned or (key in _AMOUNTS and quantity(present) == quantity(planned))
