"""A manifest as nodes that know their places in its text, and the JSON values that kubectl reads from them.

Tests: tests/webhook/test_documents.py
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from registry.errors import Fault

from .scalars import Scalar

# Aliases of aliases grow without bound; an object of the API server's 3 MiB has fewer nodes.
_NODE_LIMIT = 200_000
MERGE = "<<"


class BadDocument(Fault):
    """A document that kubectl would not take, or that cannot be changed."""

    code = "document.invalid"
    hint = "see what `kubectl apply --dry-run=client` says about it"


@dataclass(eq=False, slots=True, kw_only=True)
class Node:
    """A part of a text, from `start` to `end`; `lead` is the offset after the indicator before it, such as a colon."""

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    end: int
    lead: int
    is_flow: bool = True
    """Whether it is written in brackets, or on one line: every part of JSON is."""
    in_flow: bool = False
    """Whether it lies in brackets of others."""
    scalar: Scalar = None
    is_merge: bool = False
    """Whether it is a key that merges other mappings (YAML 1.1, merge)."""
    pairs: "list[tuple[Node, Node]]" = field(default_factory=list)
    items: "list[Node]" = field(default_factory=list)
    target: "Node | None" = None
    """What an alias stands for."""

    @property
    def merges(self) -> "list[Node]":
        """The values of the merge keys of a mapping."""
        return [value for key, value in self.pairs if key.is_merge]


def to_value(node: Node | None) -> Any:
    """Return the JSON value that kubectl reads from a node; raise BadDocument."""
    try:
        return _Reading().value(node) if node else None
    except RecursionError as error:
        raise BadDocument("nested too deeply") from error


def to_key(node: Node) -> str:
    """Return the text of a mapping's key, as kubectl makes one of a number or a boolean; raise BadDocument."""
    if node.kind == "alias" and node.target:
        return to_key(node.target)
    if node.kind != "scalar" or node.scalar is None:
        raise BadDocument("a key is no text; a chart's template has to be rendered first")
    if isinstance(node.scalar, bool):
        return "true" if node.scalar else "false"
    return str(node.scalar)


class _Reading:
    """One walk over a tree, with a limit on the number of nodes once aliases are followed."""

    def __init__(self) -> None:
        self._left = _NODE_LIMIT

    def value(self, node: Node) -> Any:
        self._left -= 1
        if self._left < 0:
            raise BadDocument(f"more than {_NODE_LIMIT} nodes once its aliases are followed")
        if node.target:
            return self.value(node.target)
        if node.kind == "mapping":
            return self._mapping(node)
        if node.kind == "sequence":
            return [self.value(item) for item in node.items]
        return node.scalar

    def _mapping(self, node: Node) -> dict[str, Any]:
        own = {to_key(key): self.value(value) for key, value in node.pairs if not key.is_merge}
        merged: dict[str, Any] = {}
        for value in node.merges:
            merged |= self._merged(value)
        return {key: value for key, value in merged.items() if key not in own} | own

    def _merged(self, node: Node) -> dict[str, Any]:
        """Return the merged mappings: of two values for one key the first wins."""
        whole = node.target or node
        merged: dict[str, Any] = {}
        for part in whole.items if whole.kind == "sequence" else [whole]:
            value = self.value(part)
            if not isinstance(value, dict):
                raise BadDocument("what stands at << is no mapping")
            merged = value | merged
        return merged
