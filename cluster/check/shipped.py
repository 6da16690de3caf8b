"""What deploy/base/admission.yaml says of each webhook, as far as an install depends on it.

Tests: tests/verbs/test_check.py
"""

from dataclasses import dataclass
from typing import Any

from webhook.contract import DISABLED, INJECTION, MODEL

Expression = tuple[str, str, tuple[str, ...]]
"""A key, an operator, and values in order."""

_OPTED_IN: Expression = (INJECTION.name, "In", ("enabled",))
_NO_SYSTEM: Expression = (
    "kubernetes.io/metadata.name",
    "NotIn",
    ("kube-node-lease", "kube-public", "kube-system", "weighbridge-system"),
)
_LABELLED: Expression = (MODEL.name, "Exists", ())
_NOT_OPTED_OUT: Expression = (INJECTION.name, "NotIn", (DISABLED,))


_WORKLOADS = frozenset({"deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"})
_IN = frozenset({_OPTED_IN, _NO_SYSTEM})
_OUT: Expression = (INJECTION.name, "NotIn", ("enabled",))

ADDED_BY_CLOUDS = frozenset({"control-plane", "kubernetes.azure.com/managedby"})
"""Keys of namespace selectors that AKS adds itself, and the manifests, too."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """One webhook: its failure policy, and the expressions and resources without which it sees the wrong things."""

    failure_policy: str
    namespaces: frozenset[Expression]
    objects: frozenset[Expression]
    resources: frozenset[str]
    conditions: frozenset[str] = frozenset()
    """The names of its matchConditions: without one the webhook is called for what it should not see."""


_ALIVE = "is-not-being-deleted"

SHIPPED: dict[str, Shipped] = {
    "pods.weighbridge.dev": Shipped("Fail", _IN, frozenset({_LABELLED, _NOT_OPTED_OUT}), frozenset({"pods"})),
    "workloads.weighbridge.dev": Shipped(
        "Fail", _IN, frozenset({_LABELLED}), _WORKLOADS, frozenset({_ALIVE, "changes-our-keys"})
    ),
    "updates.weighbridge.dev": Shipped(
        "Ignore", _IN, frozenset({_LABELLED}), _WORKLOADS, frozenset({_ALIVE, "changes-none-of-our-keys"})
    ),
    "advice.weighbridge.dev": Shipped(
        "Ignore",
        frozenset({_NO_SYSTEM}),
        frozenset({_LABELLED}),
        frozenset({"pods"}),
        frozenset({"is-set-by-a-user"}),
    ),
    "namespaces.advice.weighbridge.dev": Shipped(
        "Ignore",
        frozenset({_OUT, _NO_SYSTEM}),
        frozenset({_LABELLED, _NOT_OPTED_OUT}),
        _WORKLOADS | {"pods"},
        frozenset({_ALIVE, "is-not-made-by-a-controller"}),
    ),
    "opt-in.advice.weighbridge.dev": Shipped(
        "Ignore",
        frozenset(),
        frozenset({(INJECTION.name, "Exists", ())}),
        frozenset({"namespaces"}),
        frozenset({"changes-the-opt-in"}),
    ),
}


def expressions(selector: Any) -> frozenset[Expression]:
    """Return the expressions of a label selector; matchLabels count as `In` with one value."""
    found = selector if isinstance(selector, dict) else {}
    stated = [
        (str(one.get("key")), str(one.get("operator")), tuple(sorted(map(str, one.get("values") or ()))))
        for one in found.get("matchExpressions") or ()
    ]
    labelled = [(str(key), "In", (str(value),)) for key, value in (found.get("matchLabels") or {}).items()]
    return frozenset((*stated, *labelled))
