"""What the webhook would do with a manifest: for files, without an API server.

A workload's keys are copied first and its template is then injected, so that the result shows the pods that will run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from webhook.catalog import Catalog
from webhook.injection.inject import NO_LABEL, Injection, Skip, inject
from webhook.patch import Operation, diff
from webhook.pod.podspec import Raw, mapping
from webhook.settings import Settings
from webhook.warnings import warnings
from webhook.workloads.change import Change
from webhook.workloads.propagate import propagate
from webhook.workloads.templates import MADE_BY_OTHERS, TEMPLATES, template_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """The operations that make the injected manifest, and a message of one line."""

    summary: str
    operations: list[Operation] = field(default_factory=list)
    warnings: tuple[str, ...] = ()


def title(manifest: Any, default_namespace: str = "") -> str:
    """Return a manifest's name for messages: `Deployment/chat/vllm`."""
    if not isinstance(manifest, dict):
        return "no object"
    metadata = mapping(manifest, "metadata")
    name = metadata.get("name") or metadata.get("generateName") or ""
    parts = [manifest.get("kind") or "no kind", metadata.get("namespace") or default_namespace, name]
    return "/".join(str(part) for part in parts if part)


def members(manifest: Any) -> Iterator[tuple[str, Any]]:
    """Yield the objects in a manifest with their JSON pointers: itself, or a List's items."""
    if isinstance(manifest, dict) and manifest.get("kind") == "List" and isinstance(manifest.get("items"), list):
        for index, item in enumerate(manifest["items"]):
            yield f"/items/{index}", item
    else:
        yield "", manifest


def admit_manifest(manifest: Any, catalog: Catalog, settings: Settings) -> Outcome:
    """Return the outcome of one object; raise the Refusal that the webhook would answer with."""
    if not isinstance(manifest, dict):
        return Outcome("left alone")
    kind = manifest.get("kind")
    if kind == "Pod":
        return _admit_template(manifest, (), manifest, catalog, settings)
    if kind in TEMPLATES:
        labelled = propagate(Change(kind=kind, new=manifest)).workload
        return _admit_template(manifest, TEMPLATES[kind], labelled, catalog, settings)
    if kind in MADE_BY_OTHERS:
        return _admit_template(manifest, MADE_BY_OTHERS[kind], manifest, catalog, settings)
    return Outcome("left alone")


def _admit_template(
    manifest: Raw, path: tuple[str, ...], labelled: Raw, catalog: Catalog, settings: Settings
) -> Outcome:
    """Inject the pod at `path` in `labelled`; return operations that start from `manifest`."""
    pod = template_of(labelled, path)
    result = inject(pod, catalog, settings)
    if isinstance(result, Skip):
        summary = "left alone" if result is NO_LABEL else f"left alone: {result.reason} [{result.code}]"
        return Outcome(summary, diff(manifest, labelled))
    after = _replaced(labelled, path, result.pod)
    return Outcome(_words(result), diff(manifest, after), (*warnings(manifest, pod), *result.warnings))


def _replaced(parent: Raw, path: tuple[str, ...], pod: Raw) -> Raw:
    if not path:
        return pod
    return parent | {path[0]: _replaced(parent[path[0]], path[1:], pod)}


def _words(injection: Injection) -> str:
    status = injection.status
    return f"injected {status.model} from {status.source} ({status.origin}) into {', '.join(status.containers)}"
