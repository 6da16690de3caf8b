"""Resources: quantities, accelerators, and the puller's requests and limits."""

import re
from collections.abc import Iterator
from decimal import Decimal

from .podspec import Raw, every_container, mapping

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,2})?")
_SCALES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}

# The request decides where the pod fits. Memory is requested up to its limit, which costs a pod nothing
# beside its model server (a pod's request is the larger of init and application containers). A request of a
# whole CPU could keep a small pod off a busy node because of its first minute.
_CPU_REQUEST = "100m"


def quantity(value: object) -> Decimal | None:
    """Parse a Kubernetes quantity; None if it is invalid."""
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if match is None:
        return None
    number, suffix = match.groups()
    if suffix and suffix not in _SCALES:
        return Decimal(f"{number}{suffix}")
    return Decimal(number) * (_SCALES[suffix] if suffix else 1)


def is_accelerator(name: str, accelerators: tuple[str, ...]) -> bool:
    """Return whether a resource is extended (api/core/v1/helper), or named by the operator."""
    if name in accelerators:
        return True
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def requested_accelerators(container: Raw, accelerators: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of the accelerators of which a container requests more than zero."""
    resources = mapping(container, "resources")
    asked = mapping(resources, "requests") | mapping(resources, "limits")
    for name, amount in asked.items():
        if isinstance(name, str) and is_accelerator(name, accelerators) and (quantity(amount) or 0) > 0:
            yield name


def is_guaranteed(pod: Raw) -> bool:
    """Return whether every container limits cpu and memory and requests the same amounts (helper/qos)."""
    containers = every_container(pod)
    return bool(containers) and all(
        _is_exact(mapping(container, "resources"), name) for container in containers for name in ("cpu", "memory")
    )


def puller_resources(pod: Raw, configured: tuple[tuple[str, str], ...]) -> Raw:
    """Return the puller's resources in this pod; `pod` is as it was before the puller.

    Both requests and limits are set, because quotas refuse pods without them and a LimitRange would fill
    in its own. A Guaranteed pod stays Guaranteed. With resources at pod level nothing is added to them.
    """
    if mapping(mapping(pod, "spec"), "resources"):
        return {}
    limits = dict(configured)
    requests = dict(configured)
    if "cpu" in limits and not is_guaranteed(pod):
        requests["cpu"] = min(_CPU_REQUEST, limits["cpu"], key=lambda text: quantity(text) or 0)
    return {"requests": requests, "limits": limits}


def _is_exact(resources: Raw, name: str) -> bool:
    limit = quantity(mapping(resources, "limits").get(name))
    request = mapping(resources, "requests").get(name)
    # the API server sets an absent request to the limit
    return bool(limit) and (request is None or quantity(request) == limit)
