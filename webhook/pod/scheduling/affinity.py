"""Nodes that have a model already: preferred, never required, so that a full node keeps no pod waiting. Pure.

A node has it where a pod of the same model runs, or where its operator labelled it: `model.weighbridge.dev/NAME`.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable

from webhook.names import DOMAIN
from webhook.pod.podspec import Raw, entries, mapping

_WEIGHT = 50
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
KINDS = ("nodeAffinity", "podAffinity")


def unstated(spec: Raw, model: str) -> tuple[str, ...]:
    """Return the kinds of affinity under which a pod does not prefer such nodes yet."""
    return tuple(kind for kind in KINDS if _term(kind, model) not in _terms(spec, kind))


def prefer(spec: Raw, model: str, kinds: Iterable[str]) -> None:
    """Add our term of each kind, unless it is there."""
    for kind in kinds:
        if _term(kind, model) not in _terms(spec, kind):
            _put(spec, kind, [*_terms(spec, kind), _term(kind, model)])


def without_preferences(spec: Raw, model: str, kinds: Iterable[str]) -> None:
    """Remove our term of each kind, and what is empty then."""
    for kind in kinds:
        if _term(kind, model) in _terms(spec, kind):
            _put(spec, kind, [term for term in _terms(spec, kind) if term != _term(kind, model)])


def _put(spec: Raw, kind: str, terms: list[Raw]) -> None:
    """Put terms in the place of those that are there, and remove what is empty then."""
    affinity = dict(mapping(spec, "affinity"))
    held = {**mapping(affinity, kind), _PREFERRED: terms}
    affinity[kind] = {key: value for key, value in held.items() if value}
    found = {key: value for key, value in affinity.items() if value}
    if found:
        spec["affinity"] = found
    else:
        spec.pop("affinity", None)


def _terms(spec: Raw, kind: str) -> list[Raw]:
    return entries(mapping(mapping(spec, "affinity"), kind), _PREFERRED)


def _term(kind: str, model: str) -> Raw:
    if kind == "nodeAffinity":
        labelled = {"key": f"model.{DOMAIN}{model}", "operator": "Exists"}
        return {"weight": _WEIGHT, "preference": {"matchExpressions": [labelled]}}
    selector = {"matchLabels": {f"{DOMAIN}model": model}}
    return {
        "weight": _WEIGHT,
        "podAffinityTerm": {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"},
    }
