"""Where the puller stands among the init containers, and the user that gets it past a service mesh.

Before a container that cuts the network off; right after native sidecars that carry the network, or serve the claim
that the model lies on. With a CNI plugin and a proxy that starts with the application there is no such place: there
the proxy's own user passes, whose traffic is not redirected.

Tests: tests/webhook/test_targets.py
"""

from dataclasses import dataclass

from .podspec import Raw, annotations, init_containers, mapping, name_of
from .sidecars import Role, Sidecars, is_native, redirects_before

_INTERCEPTION = "sidecar.istio.io/interceptionMode"


@dataclass(frozen=True, slots=True)
class Placement:
    """The puller's index among the init containers. `user` is a proxy's, or None where the network is open.

    `blocked_by` names a proxy whose user is not known, so that the puller has no network.
    """

    index: int
    user: int | None = None
    blocked_by: str = ""


def place(pod: Raw, sidecars: Sidecars, *, on_claim: bool) -> Placement:
    """Return the puller's place in a pod that does not have it yet."""
    index = _index(pod, sidecars, on_claim=on_claim)
    if not _is_cut_off(pod, index, sidecars):
        return Placement(index)
    for container, sidecar in sidecars.late_proxies(pod):
        user = mapping(container, "securityContext").get("runAsUser", sidecar.user)
        if isinstance(user, int) and user > 0:
            return Placement(index, user)
        return Placement(index, blocked_by=str(container.get("name")))
    return Placement(index)


def is_well_placed(pod: Raw, present: int, sidecars: Sidecars, *, on_claim: bool, targets: tuple[str, ...]) -> bool:
    """Return whether the puller may stay at index `present`; `pod` is the pod without it.

    Others may have put containers before or after it since: that harms only where it needs one of them, or one of
    them needs it.
    """
    wanted = place(pod, sidecars, on_claim=on_claim)
    if present < wanted.index:
        return False
    between = init_containers(pod)[wanted.index : present]
    named = frozenset(targets)
    return not any(name_of(one) in named or sidecars.has_role(one, "redirect") for one in between)


def _index(pod: Raw, sidecars: Sidecars, *, on_claim: bool) -> int:
    needed: tuple[Role, ...] = ("proxy", "volume") if on_claim else ("proxy",)
    return max(
        (
            index + 1
            for index, one in enumerate(init_containers(pod))
            if is_native(one) and sidecars.has_role(one, *needed)
        ),
        default=0,
    )


def _is_cut_off(pod: Raw, index: int, sidecars: Sidecars) -> bool:
    """Return whether all traffic goes to a proxy that has not started when the puller runs."""
    before = init_containers(pod)[:index]
    if any(is_native(one) and sidecars.has_role(one, "proxy") for one in before):
        return False
    if redirects_before(pod, index, sidecars):
        return True
    if annotations(pod).get(_INTERCEPTION) == "NONE":
        return False
    # no init container redirects, so a CNI plugin does, before any container starts
    return not any(sidecars.has_role(one, "redirect") for one in init_containers(pod))
