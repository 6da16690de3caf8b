"""All pods with the label, a row for each, and the workloads whose pods are refused. Pure.

Tests: tests/verbs/test_status.py
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.output import columns
from registry.printable import printable
from registry.progress.stats import human
from webhook.contract import MODEL
from webhook.injection.record import read_status
from webhook.pod.podspec import Raw, entries, labels, mapping, name_of
from webhook.workloads.templates import TEMPLATES, template_of

from .pull_state import PullState, pull_state, refused

_WORDS = 600
_LINE = 2000
_DIGEST = 19
_FAILED_CREATE = "FailedCreate"
_MADE_BY = {"Deployment": "ReplicaSet", "CronJob": "Job"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pod, or one workload without pods, as `kind` says."""

    kind: str
    namespace: str
    name: str
    model: str
    state: PullState
    source: str = ""
    volume: str = ""
    node: str = ""

    @property
    def title(self) -> str:
        """The object's name for messages."""
        return f"{self.kind.lower()}/{self.name} in {self.namespace}"

    @property
    def why(self) -> str:
        """What keeps it; empty where nothing does."""
        is_on_its_way = self.state.name == "pulling" and not self.state.code
        return "" if is_on_its_way or self.state.name == "terminating" else self.state.why

    def to_raw(self) -> dict[str, Any]:
        """Return the row as JSON has it; what is not known is left out."""
        state = self.state
        stated = {
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "model": self.model,
            "state": state.name,
            "code": state.code,
            "why": state.why,
            "hint": state.hint,
            "source": self.source,
            "digest": state.digest,
            "bytes": state.byte_count,
            "pullSeconds": state.pull_seconds,
            "readySeconds": state.ready_seconds,
            "volume": self.volume,
            "node": self.node,
        }
        return {key: value for key, value in stated.items() if value not in ("", None)}


def rows(pods: Iterable[Raw], workloads: Iterable[Raw], events: Iterable[Raw]) -> list[Row]:
    """Return a row for each labelled pod, and for each workload that asks for a model and whose pods are refused."""
    pods, events = [*pods], [*events]
    refused = [row for workload in workloads for row in _of_workload(workload, pods, events)]
    return sorted((*map(_of_pod, pods), *refused), key=lambda row: (row.namespace, row.model, row.kind, row.name))


def model_of(workload: Raw) -> str:
    """Return the model that a workload asks for, by its own label or its template's; empty if it asks for none."""
    template = template_of(workload, TEMPLATES.get(str(workload.get("kind")), ()))
    return str(labels(workload).get(MODEL.name) or labels(template).get(MODEL.name) or "")


def refusal_of(workload: Raw, events: Iterable[Raw], *, has_pods: bool) -> str:
    """Return why the pods of a workload are refused: the API server's words in its condition, or in its newest event.

    `events` come with the oldest first. They stay for an hour, and say nothing of a workload that has pods by now.
    """
    for condition in entries(mapping(workload, "status"), "conditions"):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return printable(str(condition.get("message") or ""), _WORDS)
    if has_pods:
        return ""
    metadata = mapping(workload, "metadata")
    for event in reversed([*events]):
        involved = mapping(event, "involvedObject")
        is_here = involved.get("namespace") == metadata.get("namespace")
        if event.get("reason") == _FAILED_CREATE and is_here and _is_of(involved, workload):
            return printable(str(event.get("message") or ""), _WORDS)
    return ""


def to_text(found: Sequence[Row], *, is_wide: bool) -> str:
    """Return a table for people, and below it what keeps pods from being ready, with what to do."""
    header = ["NAMESPACE", "POD", "MODEL", "STATE", "DIGEST", "SIZE", "PULLED", "READY", "NODE", "VOLUME"]
    lines = [columns([*header, *(["SOURCE"] if is_wide else [])], (_cells(row, is_wide=is_wide) for row in found))]
    for row in found:
        if row.why:
            code = f" [{row.state.code}]" if row.state.code else ""
            lines += ["", printable(f"{row.title}{code}: {row.why}", _LINE)]
            lines += [f"  hint: {printable(row.state.hint, _LINE)}"] if row.state.hint else []
    return "\n".join(lines)


def _of_pod(pod: Raw) -> Row:
    metadata, record = mapping(pod, "metadata"), read_status(pod)
    return Row(
        kind="Pod",
        namespace=str(metadata.get("namespace") or ""),
        name=name_of(metadata),
        model=str(labels(pod).get(MODEL.name) or ""),
        state=pull_state(pod),
        source=str(record.pinned_source) if record else "",
        volume=str(record.volume) if record else "",
        node=str(mapping(pod, "spec").get("nodeName") or ""),
    )


def _of_workload(workload: Raw, pods: list[Raw], events: list[Raw]) -> Iterator[Row]:
    metadata = mapping(workload, "metadata")
    refusal = refusal_of(workload, events, has_pods=any(_has_made(workload, pod) for pod in pods))
    if refusal:
        yield Row(
            kind=str(workload.get("kind")),
            namespace=str(metadata.get("namespace") or ""),
            name=name_of(metadata),
            model=model_of(workload),
            state=refused(refusal),
        )


def _has_made(workload: Raw, pod: Raw) -> bool:
    metadata = mapping(pod, "metadata")
    is_here = metadata.get("namespace") == mapping(workload, "metadata").get("namespace")
    return is_here and any(_is_of(owner, workload) for owner in entries(metadata, "ownerReferences"))


def _is_of(involved: Raw, workload: Raw) -> bool:
    """Return whether an object is a workload, or what it makes pods by, whose name is its own and a suffix."""
    kind, owner = str(workload.get("kind")), name_of(mapping(workload, "metadata"))
    if kind in _MADE_BY:
        return involved.get("kind") == _MADE_BY[kind] and name_of(involved).rpartition("-")[0] == owner
    return involved.get("kind") == kind and name_of(involved) == owner


def _cells(row: Row, *, is_wide: bool) -> list[str]:
    state = row.state
    name = row.name if row.kind == "Pod" else f"({row.kind}/{row.name})"
    size = human(state.byte_count) if state.byte_count is not None else ""
    cells = [row.namespace, name, row.model, state.name, state.digest[:_DIGEST], size]
    cells += [_seconds(state.pull_seconds), _seconds(state.ready_seconds)]
    return [*cells, row.node, row.volume, *([row.source] if is_wide else [])]


def _seconds(count: float | None) -> str:
    if count is None:
        return ""
    return f"{count:.1f} s" if count < 60 else f"{int(count) // 60} min {int(count) % 60} s"
