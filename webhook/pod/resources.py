"""The puller's resources, which are lent to it by the container that serves the model.

A pod's effective request is the larger of its init and its application containers (with native sidecars on both
sides), so up to what one container of the pod has the puller costs nothing, whether in scheduling, quota or limits.
Requests and limits are lent as a pair: what a LimitRange allows the one container it allows the other.

Storage is limited only where the server's is: the kubelet sums its limits, an init container's too, and evicts the pod
at any time that has written more, logs and caches included (podEphemeralStorageLimitEviction).

Tests: tests/webhook/test_resources.py
"""

from dataclasses import dataclass
from decimal import Decimal

from webhook.quotes import quoted
from webhook.refusals import BadResources

from .podspec import Raw, app_containers, every_container, init_containers, mapping
from .quantities import quantity

STORAGE = "ephemeral-storage"
LENT = ("cpu", "memory", STORAGE)
_QOS = ("cpu", "memory")  # what makes a pod Guaranteed, Burstable or BestEffort (helper/qos)

NEEDED_BYTES = (58 + 2 * 16) << 20
"""The puller's peak with all its connections; with less memory it opens fewer (puller/store/memory.py)."""

Amounts = tuple[tuple[str, str], ...]
"""Amounts by resource, sorted."""


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Requests and limits of cpu, memory and ephemeral storage, each sorted by name.

    Two are equal if their amounts are, however they are written: the API server writes 0.5 as 500m.
    """

    requests: Amounts = ()
    limits: Amounts = ()

    @classmethod
    def of(cls, container: Raw) -> "Resources":
        """Return what a container states; extended resources are not lent."""
        stated = mapping(container, "resources")
        return cls(_amounts(mapping(stated, "requests")), _amounts(mapping(stated, "limits")))

    def to_raw(self) -> Raw:
        """Return the container's `resources`."""
        stated = {"requests": dict(self.requests), "limits": dict(self.limits)}
        return {kind: amounts for kind, amounts in stated.items() if amounts}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resources):
            return NotImplemented
        return _read(self.requests) == _read(other.requests) and _read(self.limits) == _read(other.limits)

    def __hash__(self) -> int:
        return hash((len(self.requests), len(self.limits)))


def lend(pod: Raw, server: Raw, asked: Amounts, cap: Amounts) -> Resources:
    """Return the puller's resources in this pod: what the user asked for, else the server's, up to the operator's cap.

    The pod's QoS class stays, unless the user asks for what a BestEffort pod does not state. Raises BadResources for
    amounts above the pod's own.
    """
    lent = _capped(pod, Resources.of(server), cap)
    _check_pod_level(pod, asked)
    requests, limits = dict(lent.requests), dict(lent.limits)
    guaranteed = is_guaranteed(pod)
    for name, amount in asked:
        if name == STORAGE and not quantity(amount):
            limits.pop(name, None)
        elif name != STORAGE or name in limits:
            limits[name] = amount
        is_exact = guaranteed or name == STORAGE or name not in requests
        wanted = amount if is_exact else _smaller(requests[name], amount)
        requests[name] = _smaller(wanted, _left_of_pod(pod, name) or wanted)
    return Resources(tuple(sorted(requests.items())), tuple(sorted(limits.items())))


def memory_of(pod: Raw, puller: Resources) -> str:
    """Return the memory that a puller may use, by its own limit or the pod's; empty where neither says."""
    pod_level = _of_pod(pod, "limits").get("memory")
    limits = [amount for amount in (dict(puller.limits).get("memory"), pod_level) if quantity(amount) is not None]
    return str(min(limits, key=lambda amount: quantity(amount) or 0)) if limits else ""


def storage_limit(pod: Raw, puller: Resources) -> Decimal | None:
    """Return what a pod may write with a puller in it before the kubelet evicts it; None where nothing limits it.

    The kubelet adds the limits of containers that run side by side, of which those without one count as nothing.
    """
    found = [(one, quantity(dict(Resources.of(one).limits).get(STORAGE))) for one in every_container(pod)]
    apps = {id(one) for one in app_containers(pod)}
    once = [quantity(dict(puller.limits).get(STORAGE)) or Decimal(0)]
    together = Decimal(0)
    for one, amount in found:
        if id(one) in apps or one.get("restartPolicy") == "Always":
            together += amount or 0
        else:
            once.append(amount or Decimal(0))
    return max(together, *once) or None


def is_guaranteed(pod: Raw) -> bool:
    """Return whether the pod limits cpu and memory and requests the same: in every container, or as a whole."""
    if mapping(mapping(pod, "spec"), "resources"):
        return all(_is_exact(mapping(mapping(pod, "spec"), "resources"), name) for name in _QOS)
    containers = every_container(pod)
    return bool(containers) and all(
        _is_exact(mapping(container, "resources"), name) for container in containers for name in _QOS
    )


def is_best_effort(pod: Raw) -> bool:
    """Return whether nothing in the pod states an amount of cpu or memory above zero."""
    stated = [mapping(part, "resources") for part in (mapping(pod, "spec"), *every_container(pod))]
    amounts = [mapping(one, kind).get(name) for one in stated for kind in ("requests", "limits") for name in _QOS]
    return not any((quantity(amount) or 0) > 0 for amount in amounts)


def _left_of_pod(pod: Raw, name: str) -> str:
    """Return what the pod's own request leaves beside native sidecars; empty if it has none.

    The API server takes no pod whose containers request more together than the pod does (KEP-2837).
    """
    total = quantity(_of_pod(pod, "requests").get(name))
    if total is None:
        return ""
    sidecars = [one for one in init_containers(pod) if one.get("restartPolicy") == "Always"]
    stated = [quantity(dict(Resources.of(one).requests).get(name)) or Decimal(0) for one in sidecars]
    return f"{max(total - sum(stated), Decimal(0)).normalize():f}"


def _of_pod(pod: Raw, kind: str) -> dict[str, str]:
    return dict(_amounts(mapping(mapping(mapping(pod, "spec"), "resources"), kind)))


def _capped(pod: Raw, lent: Resources, cap: Amounts) -> Resources:
    """Return a loan within the operator's cap; what is limited by the cap alone requests nothing."""
    requests, limits = dict(lent.requests), dict(lent.limits)
    for name, amount in cap:
        if name in _QOS and is_best_effort(pod):
            continue
        if name == STORAGE:
            _lower(requests, name, amount)
            _lower(limits, name, amount)
            if not quantity(amount):
                limits.pop(name, None)
            continue
        most = _of_pod(pod, "limits").get(name, amount)  # above which no container's limit may be
        limits[name] = _smaller(limits.get(name, most), amount)
        requests[name] = _smaller(requests[name], amount) if name in requests else _absent(name, lent, amount)
    return Resources(tuple(sorted(requests.items())), tuple(sorted(limits.items())))


def _lower(amounts: dict[str, str], name: str, most: str) -> None:
    if name in amounts:
        amounts[name] = _smaller(amounts[name], most)


def _absent(name: str, lent: Resources, amount: str) -> str:
    # an absent request is the limit's amount to the API server; what the server does not state must not be added
    limits = dict(lent.limits)
    return _smaller(limits[name], amount) if name in limits else "0"


def _check_pod_level(pod: Raw, asked: Amounts) -> None:
    limits = _of_pod(pod, "limits")
    for name, amount in asked:
        most = quantity(limits.get(name))
        if most is not None and (quantity(amount) or 0) > most:
            raise BadResources(
                f"weighbridge.dev/puller-resources asks for {name} {amount}, and the pod limits it to "
                f"{quoted(limits[name])} (spec.resources)"
            )


def _amounts(stated: Raw) -> Amounts:
    return tuple(sorted((name, str(stated[name])) for name in LENT if quantity(stated.get(name)) is not None))


def _read(amounts: Amounts) -> dict[str, Decimal | None]:
    return {name: quantity(amount) for name, amount in amounts}


def _smaller(one: str, other: str) -> str:
    return min(one, other, key=lambda amount: quantity(amount) or Decimal(0))


def _is_exact(resources: Raw, name: str) -> bool:
    limit = quantity(mapping(resources, "limits").get(name))
    request = mapping(resources, "requests").get(name)
    # the API server sets an absent request to the limit
    return bool(limit) and (request is None or quantity(request) == limit)
