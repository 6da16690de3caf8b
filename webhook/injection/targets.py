"""Which containers get the model, and the puller's position among the init containers."""

from webhook.contract import CONTAINERS
from webhook.pod.podspec import Raw, app_containers, every_container, init_containers, mapping, name_of
from webhook.pod.resources import requested_accelerators
from webhook.refusals import EarlyContainers, UnknownContainers

_MESH_PROXIES = ("istio-proxy", "linkerd-proxy")


def choose_targets(pod: Raw, named: tuple[str, ...] | None, accelerators: tuple[str, ...]) -> list[Raw]:
    """Return the containers that get the model.

    Those that are named; else those that ask for an accelerator; else all but the init containers.
    Raises UnknownContainers and EarlyContainers.
    """
    if named is not None:
        return _by_name(pod, named)
    containers = app_containers(pod)
    with_accelerator = [one for one in containers if any(requested_accelerators(one, accelerators))]
    return with_accelerator or containers


def puller_index(pod: Raw) -> int:
    """Return the puller's index among the init containers.

    It is first, before containers that need the model or that cut off the network (istio-init). But a mesh's native
    sidecar carries all traffic after the redirection: then the puller is right after the proxy.
    """
    spec = mapping(pod, "spec").get("initContainers")
    proxies = [index for index, one in enumerate(spec) if _is_mesh_proxy(one)] if isinstance(spec, list) else []
    return proxies[-1] + 1 if proxies else 0


def _by_name(pod: Raw, named: tuple[str, ...]) -> list[Raw]:
    present = {name_of(container): container for container in every_container(pod)}
    unknown = [name for name in named if name not in present]
    if unknown:
        raise UnknownContainers(
            f"the pod has no container {' and no container '.join(unknown)}",
            hint=f"name some of {', '.join(filter(None, present))} in the annotation {CONTAINERS.name}",
        )
    early = {name_of(container) for container in init_containers(pod)[: puller_index(pod)]}
    for name in named:
        if name in early:
            raise EarlyContainers(f"the container {name} starts before the model can be pulled")
    return [present[name] for name in named]


def _is_mesh_proxy(container: object) -> bool:
    if not isinstance(container, dict):
        return False
    return name_of(container) in _MESH_PROXIES and container.get("restartPolicy") == "Always"
