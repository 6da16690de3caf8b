"""What to tell whoever puts our label where it does nothing.

Tests: tests/webhook/test_advice.py
"""

from collections.abc import Iterator

from webhook.contract import INJECTION, MODEL
from webhook.pod.podspec import Raw, entries, labels, mapping

from .templates import find_templates, written

_ENABLED = "enabled"
_SHOWN = 3


def advise_opt_in(namespace: str) -> Iterator[str]:
    """Yield advice on a labelled object in a namespace that has not opted in."""
    command = f"kubectl label namespace {namespace} {INJECTION.name}={_ENABLED}"
    yield f"{MODEL.name} does nothing here: the namespace has not opted in; {command}"


def advise(kind: str, new: Raw, old: Raw | None) -> Iterator[str]:
    """Yield advice on a pod that exists, on a namespace, or on an object of a kind that hands no label on."""
    if kind == "Namespace":
        yield from _of_namespace(new, old or {})
    elif kind == "Pod":
        yield from _of_running_pod(new, old)
    elif MODEL.held(new) is not None:
        yield from _of_kind(kind, new)


def _of_namespace(new: Raw, old: Raw) -> Iterator[str]:
    is_in, was_in = (INJECTION.held(namespace) == _ENABLED for namespace in (new, old))
    name = mapping(new, "metadata").get("name")
    if is_in and not was_in:
        command = f"kubectl -n {name} rollout restart deployment,statefulset,daemonset -l {MODEL.name}"
        yield f"workloads that exist get their model with their next change, such as: {command}"
    if was_in and not is_in:
        yield f"pods that {name} makes from now on get no model, whatever their labels say"


def _of_running_pod(new: Raw, old: Raw | None) -> Iterator[str]:
    if old is None or MODEL.held(new) == MODEL.held(old):
        return
    owners = entries(mapping(new, "metadata"), "ownerReferences")
    owner = next((f"{one.get('kind')} {one.get('name')}" for one in owners if one.get("controller")), None)
    made = f"of what made it ({owner} or its own owner)" if owner else "before you create it anew"
    yield f"{MODEL.name} changes nothing in a pod that exists: the label counts when pods are made; set it {made}"


def _of_kind(kind: str, new: Raw) -> Iterator[str]:
    bare = [steps for steps, template in find_templates(new) if labels(template).get(MODEL.name) is None]
    places = ", ".join(f"{written(steps)}.metadata.labels" for steps in bare[:_SHOWN])
    kind = kind if kind and kind != "None" else "object without a kind"
    if bare:
        yield f"{MODEL.name} does nothing on a {kind} itself: put it into its pod template ({places})"
    elif not any(find_templates(new)):
        yield f"{MODEL.name} does nothing on a {kind} itself: put it on the pods that it makes"
