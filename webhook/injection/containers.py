"""The application's containers: the model's mounts, environment and arguments.

Tests: tests/webhook/test_inject.py
"""

from registry.digest import Digest
from webhook.contract import ENGINE_ARGS
from webhook.pod.podspec import Raw, entries, every_container, extended_list, name_of
from webhook.quotes import quoted
from webhook.refusals import BadEngineArgs
from webhook.request import Request

from .engines import Mounted, engine_of, environment, ignores_arguments
from .status import Status, Target

_MOST_AFTER = 256  # arguments that other plugins may have added after ours


def planned_targets(
    chosen: list[Raw], paths: dict[str, str], server: Raw, request: Request, digest: Digest | None
) -> tuple[Target, ...]:
    """Return the targets with all that is added to them. Raises BadEngineArgs."""
    return tuple(_target(container, paths[name_of(container)], server, request, digest) for container in chosen)


def _target(container: Raw, mount_path: str, server: Raw, request: Request, digest: Digest | None) -> Target:
    mounted = Mounted(
        model=request.model,
        layout=request.layout,
        mount_path=mount_path,
        adapters=request.adapters,
        include=request.include,
    )
    wanted = environment(request.engine or engine_of(container), mounted)
    if digest:
        wanted["WEIGHBRIDGE_MODEL_DIGEST"] = str(digest)
    present = {name_of(one) for one in entries(container, "env")}
    added = tuple((name, escaped(value)) for name, value in wanted.items() if name not in present)
    arguments = request.engine_args if container is server else ()
    if arguments and ignores_arguments(container):
        raise BadEngineArgs(
            f"{ENGINE_ARGS.name}: the container {quoted(name_of(container))} runs a shell's script, which takes none",
            hint='write them into the script, or have it read "$@" and name a word for its $0 behind it',
        )
    return Target(name_of(container), mount_path, added, arguments)


def wire_targets(pod: Raw, mounts: dict[str, list[Raw]], status: Status) -> None:
    """Add mounts, environment and arguments to the targets, unless they are there; `mounts` is by container."""
    targets = {target.name: target for target in status.targets}
    for container in every_container(pod):
        target = targets.get(name_of(container))
        if target is not None:
            _add_mounts(container, mounts[target.name])
            _add_environment(container, target)
            _add_arguments(container, target)


def _add_mounts(container: Raw, mounts: list[Raw]) -> None:
    taken = {one.get("mountPath") for one in entries(container, "volumeMounts")}
    missing = [mount for mount in mounts if mount["mountPath"] not in taken]
    if missing:
        extended_list(container, "volumeMounts").extend(missing)


def _add_environment(container: Raw, target: Target) -> None:
    present = {name_of(one) for one in entries(container, "env")}
    missing = [{"name": name, "value": value} for name, value in target.environment if name not in present]
    if missing:
        # first, because $(WEIGHBRIDGE_MODEL_PATH) is expanded only in variables after it and in arguments
        extended_list(container, "env")[:0] = missing


def _add_arguments(container: Raw, target: Target) -> None:
    added = list(target.arguments)
    if added and place_of_arguments(container, target) is None:
        extended_list(container, "args").extend(added)


def place_of_arguments(container: Raw, target: Target) -> int | None:
    """Return the index of the arguments that we added to a container's own; None if they are not there.

    Other plugins may have added some after them. The search ends after a while, for both lists may be long.
    """
    present, added = container.get("args"), list(target.arguments)
    if not isinstance(present, list) or not added:
        return None
    last = len(present) - len(added)
    starts = range(last, max(last - _MOST_AFTER, 0) - 1, -1)
    return next((start for start in starts if present[start : start + len(added)] == added), None)


def escaped(value: str) -> str:
    """Return a value that the kubelet reads as it is: it expands $(NAME), and reads $$ as one $."""
    return value.replace("$", "$$")
