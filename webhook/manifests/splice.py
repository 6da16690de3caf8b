"""Change a manifest's text in places: lines that no change touches stay as they are, byte for byte.

Tests: tests/webhook/test_splice.py
"""

import json
from collections.abc import Callable
from typing import Any

from webhook.patch import is_same

from .node import BadDocument, Node, to_key, to_value
from .style import columns, style_of
from .written import Style

Parse = Callable[[str], Node | None]


def spliced(text: str, parse: Parse, after: Any, *, is_json: bool = False) -> str:
    """Return the text changed so that kubectl reads `after` from it; raise BadDocument.

    Where aliases stand in the way, since another place means the same text, they are written out first.
    """
    root = parse(text)
    changed = _changed(text, root, after, is_json=is_json)
    if not _reads(changed, parse, after):
        expanded = _expanded(text, root)
        changed = _changed(expanded, parse(expanded), after, is_json=is_json)
    if not _reads(changed, parse, after):
        raise BadDocument("it cannot be changed in place", hint="write it without anchors, tags and explicit keys")
    return changed


def _reads(text: str, parse: Parse, wanted: Any) -> bool:
    try:
        return is_same(to_value(parse(text)), wanted)
    except BadDocument:
        return False  # an alias whose anchor is gone


def _changed(text: str, root: Node | None, after: Any, *, is_json: bool) -> str:
    if root is None:
        return text
    splice = _Splice(text, style_of(root, text, is_json=is_json))
    splice.change(root, to_value(root), after, indent=-splice.style.step)
    return splice.result()


def _expanded(text: str, root: Node | None) -> str:
    """Return the text with the value of each alias in its place, and merged mappings written out."""
    if root is None:
        return text
    splice = _Splice(text, style_of(root, text, is_json=False))
    splice.expand(root, -splice.style.step)
    return splice.result()


class _Splice:
    """Edits of one text."""

    def __init__(self, text: str, style: Style) -> None:
        self._text, self.style = text, style
        self._column = columns(text)
        self._break = "\r\n" if "\r\n" in text else "\n"
        self._edits: list[tuple[int, int, str]] = []

    def result(self) -> str:
        """Return the text after all edits."""
        parts, at = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: edit[0]):  # stable: what lies inside comes first
            parts += [self._text[at:start], new.replace("\n", self._break)]
            at = max(at, end)
        return "".join([*parts, self._text[at:]])

    def change(self, node: Node, before: Any, after: Any, indent: int) -> None:
        """Change a node's text from one value to another. `indent` is the column of the key or dash above it."""
        if is_same(before, after):
            return
        if node.kind == "mapping" and isinstance(after, dict) and self._has_kept(node, after):
            self._change_mapping(node, before, after)
        elif node.kind == "sequence" and isinstance(after, list) and after and node.items:
            self._change_sequence(node, before, after, indent)
        else:
            self._replace(node, after, indent)

    @staticmethod
    def _has_kept(node: Node, after: dict[str, Any]) -> bool:
        return any(key.is_merge or to_key(key) in after for key, _ in node.pairs)

    def expand(self, node: Node, indent: int) -> None:
        """Write a value in the place of each alias, and merged mappings out."""
        if node.kind == "alias" or node.merges:
            self._replace(node, to_value(node), indent)
            return
        for key, value in node.pairs:
            self.expand(value, self._column(key.start))
        for item in node.items:
            self.expand(item, self._column(max(item.lead - 1, 0)))

    def _change_mapping(self, node: Node, before: dict[str, Any], after: dict[str, Any]) -> None:
        own = {to_key(key): (key, value) for key, value in node.pairs if not key.is_merge}
        for name, (key, value) in own.items():
            if name in after:
                self.change(value, before[name], after[name], self._column(key.start))
        names = [None if key.is_merge else to_key(key) for key, _ in node.pairs]
        self._remove([index for index, name in enumerate(names) if name is not None and name not in after], node)
        new = {k: v for k, v in after.items() if k not in own and not (k in before and is_same(before[k], v))}
        if new:
            self._add_pairs(node, new)

    def _change_sequence(self, node: Node, before: list[Any], after: list[Any], indent: int) -> None:
        olds, news = _identities(before, after)
        place = {identity: index for index, identity in enumerate(olds)}
        kept = [place[new] for new in news if new in place]
        if not kept or kept != sorted(kept) or not (node.is_flow or self._has_own_lines(node)):
            self._replace(node, after, indent)
            return
        last = -1
        for identity, value in zip(news, after, strict=True):
            if identity in place:
                last = place[identity]
                self.change(node.items[last], before[last], value, self._column(node.items[last].lead - 1))
            else:
                self._add_item(node, last, value)
        self._remove([index for index in range(len(olds)) if index not in kept], node)

    def _has_own_lines(self, node: Node) -> bool:
        return all(not self._text[self._line(item.lead - 1) : item.lead - 1].strip() for item in node.items)

    def _add_pairs(self, node: Node, new: dict[str, Any]) -> None:
        if node.is_flow:
            self._add_flow(node, node.pairs[-1][1].end, [self.style.key(key) for key in new], list(new.values()))
            return
        column = self._column(node.pairs[0][0].start)
        self._insert(_end(node.pairs[-1][1]), list(self.style.block(new, column)))

    def _add_item(self, node: Node, last: int, value: Any) -> None:
        if node.is_flow and last >= 0:
            self._add_flow(node, node.items[last].end, [""], [value])
        elif node.is_flow:
            self._edits.append((node.items[0].start, node.items[0].start, f"{self.style.line(value)}, "))
        else:
            lines = list(self.style.item_lines(value, self._column(node.items[0].lead - 1)))
            self._insert(_end(node.items[last]) if last >= 0 else self._above(node.items[0].lead - 1), lines)

    def _add_flow(self, node: Node, at: int, starts: list[str], values: list[Any]) -> None:
        first = node.pairs[0][0] if node.pairs else node.items[0]
        line = self._text[self._line(first.start) : first.start]
        on_lines = "\n" in self._text[node.start : first.start]
        between = f",\n{line}" if on_lines else ", "
        for start, value in zip(starts, values, strict=True):
            written = self.style.lines(value, line) if on_lines else self.style.line(value)
            self._edits.append((at, at, between + start + written))

    def _remove(self, gone: list[int], node: Node) -> None:
        """Remove entries of a container in which others stay."""
        entries = [(key.start, _end(value)) for key, value in node.pairs] or [
            (item.start if node.is_flow else item.lead - 1, _end(item)) for item in node.items
        ]
        for index in gone:
            start, end = entries[index]
            if not node.is_flow and not self._text[self._line(start) : start].strip():
                self._edits.append((self._line(start), self._next_line(end), ""))
            elif any(other not in gone for other in range(index + 1, len(entries))):
                self._edits.append((start, entries[index + 1][0], ""))
            else:
                self._edits.append((entries[index - 1][1], end, ""))

    def _replace(self, node: Node, value: Any, indent: int) -> None:
        line = self._text[self._line(node.start) : node.start]
        if self.style.is_json:
            written = self.style.lines(value, line[: len(line) - len(line.lstrip())])
            self._edits.append((node.start, node.end, written))
            return
        # a text that keeps the blank lines after it ends behind its last line
        rest = "\n" if self._text[: node.end].endswith("\n") and node.end > node.start else ""
        if self._takes_block(node, value):
            lines = self.style.block(value, self.style.inner_indent(value, indent))
            self._edits.append((node.lead, _end(node), "".join(f"\n{line}" for line in lines) + rest))
        elif node.end > node.start and (node.is_flow or node.kind == "scalar"):
            self._edits.append((node.start, node.end, self.style.line(value) + rest))
        else:
            self._edits.append((node.lead, _end(node), f" {self.style.line(value)}{rest}"))

    def _takes_block(self, node: Node, value: Any) -> bool:
        """Return whether a value is written in lines under its key: not where its author uses brackets."""
        is_users_flow = node.kind in ("mapping", "sequence") and node.is_flow
        is_filled = isinstance(value, dict | list) and bool(value)
        return is_filled and not is_users_flow and not node.in_flow and self._text[: node.lead].endswith(":")

    def _insert(self, offset: int, lines: list[str]) -> None:
        """Insert lines after the one that an offset is in."""
        at = self._next_line(offset)
        new = "\n".join(lines)
        is_last = at == len(self._text) and not self._text.endswith("\n")
        self._edits.append((at, at, f"\n{new}" if is_last else f"{new}\n"))

    def _above(self, offset: int) -> int:
        """Return the end of the line above an offset's line and the comments that belong to it."""
        at = self._line(offset)
        while at:
            line = self._text[self._line(at - 1) : at].strip()
            if line and not line.startswith("#"):
                return at - 1
            at = self._line(at - 1)
        return 0

    def _line(self, offset: int) -> int:
        return self._text.rfind("\n", 0, offset) + 1

    def _next_line(self, offset: int) -> int:
        if self._text[:offset].endswith("\n"):
            return offset
        found = self._text.find("\n", offset)
        return found + 1 if found >= 0 else len(self._text)


def _end(node: Node) -> int:
    return max(node.end, node.lead)


def _identities(before: list[Any], after: list[Any]) -> tuple[list[object], list[object]]:
    """Return what tells the items of two lists apart: their names if all have one of their own, else their content.

    Objects of a list have their names in their metadata.
    """
    olds, news = _names(before), _names(after)
    if olds is None or news is None:
        olds, news = _contents(before), _contents(after)
    return olds, news


def _names(items: list[Any]) -> list[object] | None:
    names = [_name(item) if isinstance(item, dict) else None for item in items]
    return [*names] if all(names) and len(set(names)) == len(names) else None


def _name(item: dict[str, Any]) -> tuple[str, ...] | None:
    if isinstance(item.get("name"), str):
        return (item["name"],)
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return None
    return tuple(str(one) for one in (item.get("kind"), metadata.get("namespace"), metadata["name"]))


def _contents(items: list[Any]) -> list[object]:
    texts = [json.dumps(item, sort_keys=True) for item in items]
    return [(text, texts[:index].count(text)) for index, text in enumerate(texts)]
