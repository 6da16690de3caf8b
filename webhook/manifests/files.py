"""What the webhook would do with a manifest: for files, without an API server.

A workload's keys are copied first and its template is then injected, so that the result shows the pods that will run.

Tests: tests/webhook/test_documents.py
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.catalog import Catalog
from webhook.injection.inject import NO_LABEL, Injection, Skip, inject
from webhook.pod.podspec import Raw, app_containers, mapping
from webhook.pod.service_account import before_admission, with_alias_of
from webhook.resolving.answer import Ask, ask_nobody
from webhook.settings import Settings
from webhook.warnings import warnings
from webhook.workloads.advice import advise
from webhook.workloads.change import Change
from webhook.workloads.propagate import propagate
from webhook.workloads.templates import TEMPLATES, Steps, find_templates, written

_OURS = ("apps/v1", "batch/v1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A manifest as it comes out, and a message of one line."""

    manifest: Any
    summary: str
    warnings: tuple[str, ...] = ()


def title(manifest: Any, default_namespace: str = "") -> str:
    """Return a manifest's name for messages: `Deployment/chat/vllm`."""
    if not isinstance(manifest, dict):
        return "no object"
    metadata = mapping(manifest, "metadata")
    name = metadata.get("name") or metadata.get("generateName") or ""
    parts = [manifest.get("kind") or "no kind", metadata.get("namespace") or default_namespace, name]
    return "/".join(str(part) for part in parts if part)


def members(manifest: Any) -> Iterator[tuple[Steps, Any]]:
    """Yield the objects in a manifest with the steps that lead to them: itself, or the items of a list of any kind.

    An item of a DeploymentList may leave its kind out, as the API server does.
    """
    kind = str(manifest.get("kind")) if isinstance(manifest, dict) else ""
    if not kind.endswith("List") or not isinstance(manifest.get("items"), list):
        yield (), manifest
        return
    implied = {"apiVersion": manifest.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    for index, item in enumerate(manifest["items"]):
        for steps, member in members(implied | item if isinstance(item, dict) else item):
            yield ("items", index, *steps), member


def replaced(value: Any, steps: Steps, new: Any) -> Any:
    """Return a copy of a value with another one where the steps lead."""
    if not steps:
        return new
    step, others = steps[0], steps[1:]
    changed = value.copy()
    changed[step] = replaced(value[step], others, new)
    return changed


def is_followed(manifest: Raw) -> bool:
    """Return whether the webhook copies this object's keys to its template."""
    return manifest.get("kind") in TEMPLATES and manifest.get("apiVersion", _OURS[0]) in _OURS


def labelled(manifest: Raw) -> tuple[Raw, tuple[str, ...]]:
    """Return a manifest as the workloads webhook leaves it, and the warnings of it and of advice."""
    kind = str(manifest.get("kind"))
    if is_followed(manifest):
        outcome = propagate(Change(kind=kind, new=manifest))
        return outcome.workload, outcome.warnings
    advice = () if kind in ("Pod", "Namespace") else tuple(advise(kind, manifest, None))
    return manifest, advice


def admit_manifest(manifest: Any, catalog: Catalog, settings: Settings, ask: Ask = ask_nobody) -> Outcome:
    """Return the outcome of one object; raise the Refusal that the webhook would answer with."""
    if not isinstance(manifest, dict):
        return Outcome(manifest, "left alone")
    after, told = labelled(manifest)
    summaries: list[str] = []
    pods: list[Raw] = []
    for steps, template in list(find_templates(after)):
        result = inject(before_admission(template) if steps else template, catalog, settings, ask)
        if isinstance(result, Injection):
            told = (*told, *result.warnings, *_told_of_containers(template))
            after = replaced(after, steps, with_alias_of(template, result.pod))
        if result is not NO_LABEL:
            pods.append(template)
        summaries.append(_words(result, steps))
    told = (*told, *warnings(manifest, *pods))
    unlike = [summary for summary in dict.fromkeys(summaries) if summary != "left alone"]
    return Outcome(after, "; ".join(unlike) or "left alone", tuple(dict.fromkeys(told)))


def _told_of_containers(template: Raw) -> tuple[str, ...]:
    return () if app_containers(template) else ("the pod has no containers, and the API server will refuse it",)


def _words(result: Injection | Skip, steps: Steps) -> str:
    if isinstance(result, Skip):
        return "left alone" if result is NO_LABEL else f"left alone: {result.reason} [{result.code}]"
    status = result.status
    into = ", ".join(status.containers) or "no container"
    where = f" of {written(steps)}" if len(steps) > len(TEMPLATES["CronJob"]) else ""
    return f"injected {status.model} from {status.source} ({status.origin}) into {into}{where}"
