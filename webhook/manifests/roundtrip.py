"""YAML as text that can be changed in places, and is unchanged elsewhere.

A document is a tree whose unquoted scalars are `Bare` text: nothing is interpreted, so nothing is reformatted.
`to_values` returns what kubectl reads from a tree, `to_tree` makes new parts for it.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import Comment, CommentedMap, CommentedSeq, Format, LineCol, TaggedScalar
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import ScalarString
from ruamel.yaml.tag import Tag

from registry.errors import Fault

from .scalars import is_text_when_bare, read_bare

_BARE_TAG = "tag:weighbridge.dev,2025:bare"
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"
# Aliases of aliases grow without bound; an object of the API server's 3 MiB has fewer nodes.
_NODE_LIMIT = 200_000
_NO_WRAPPING = 1 << 30


class BadDocument(Fault):
    """A document that is no YAML, or none that kubectl would take."""

    code = "document.invalid"
    hint = "see what `kubectl apply --dry-run=client` says about it"


class Bare(str):
    """An unquoted scalar's text."""

    __slots__ = ()


class _Resolver(VersionedResolver):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return Tag(suffix=_BARE_TAG)
        return super().resolve(kind, value, implicit)


class _Constructor(RoundTripConstructor):
    def construct_bare(self, node: ScalarNode) -> Bare:
        return Bare(node.value)


class _Representer(RoundTripRepresenter):
    def represent_bare(self, value: Bare) -> ScalarNode:
        return self.represent_scalar(_BARE_TAG, str(value))

    def represent_text(self, value: str) -> ScalarNode:
        if is_text_when_bare(value):
            return self.represent_bare(Bare(value))
        # JSON in an annotation stays readable; text that single quotes cannot hold gets double ones
        is_simple = '"' in value and "'" not in value and value.isprintable()
        return self.represent_scalar(_TEXT_TAG, value, style="'" if is_simple else '"')


_Constructor.add_constructor(_BARE_TAG, _Constructor.construct_bare)
_Representer.add_representer(Bare, _Representer.represent_bare)
_Representer.add_representer(str, _Representer.represent_text)


def load(text: str) -> Any:
    """Parse one document to a tree, None for an empty one; raise BadDocument."""
    try:
        return _yaml().load(text)
    except (YAMLError, RecursionError, ValueError, AttributeError) as error:
        raise BadDocument(f"no YAML: {' '.join(str(error).split())}") from error


def dump(tree: Any) -> str:
    """Return a tree's text, indented as it was."""
    yaml = _yaml()
    # the first of each kind: a document that mixes indentations gets one of them
    dash, width = next(_steps(tree, CommentedSeq), (0, 2))
    mapping, _ = next(_steps(tree, CommentedMap), (2, 0))
    yaml.indent(mapping=mapping, sequence=dash + width, offset=dash)
    buffer = io.StringIO()
    yaml.dump(tree, buffer)
    return buffer.getvalue()


def to_values(tree: Any) -> Any:
    """Return the JSON values that kubectl reads from a tree without aliases."""
    if isinstance(tree, CommentedMap):
        return {str(key): to_values(item) for key, item in tree.items()}
    if isinstance(tree, CommentedSeq):
        return [to_values(item) for item in tree]
    if isinstance(tree, Bare):
        return read_bare(tree)
    if isinstance(tree, str):
        return str(tree)
    if tree is None or isinstance(tree, bool | int | float):
        return tree
    if isinstance(tree, TaggedScalar) and tree.tag.value == _TEXT_TAG:
        return str(tree.value)
    raise BadDocument(f"a tag that kubectl does not read: {tree}")


def to_tree(value: Any) -> Any:
    """Return a tree of JSON values; its texts get quotes where a reader would need them."""
    if isinstance(value, dict):
        return CommentedMap((str(key), to_tree(item)) for key, item in value.items())
    if isinstance(value, list):
        return CommentedSeq(to_tree(item) for item in value)
    if isinstance(value, str):
        return value
    return Bare(json.dumps(value))


def expanded(tree: Any) -> Any:
    """Return the tree without aliases and merge keys, so that no two places share a node; raise BadDocument."""
    try:
        return _Expansion().expand(tree)
    except RecursionError as error:
        raise BadDocument("nested too deeply") from error


class _Expansion:
    """One walk over a tree, with a limit on the number of nodes."""

    def __init__(self) -> None:
        self._left = _NODE_LIMIT

    def expand(self, tree: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise BadDocument(f"more than {_NODE_LIMIT} nodes once its aliases are followed")
        if isinstance(tree, CommentedMap):
            return _dressed_like(tree, self._mapping(tree))
        if isinstance(tree, CommentedSeq):
            return _dressed_like(tree, CommentedSeq(self.expand(item) for item in tree))
        if isinstance(tree, ScalarString) and tree.anchor.value is not None:
            return type(tree)(tree)
        return tree

    def _mapping(self, tree: CommentedMap) -> CommentedMap:
        result = CommentedMap()
        for key, value in tree.items():
            if isinstance(key, Bare) and key == _MERGE:
                merged = self._merged(value)
                result.update({name: item for name, item in merged.items() if name not in tree})
            else:
                result[key] = self.expand(value)
        return result

    def _merged(self, value: Any) -> dict[str, Any]:
        """Return the merged mappings after `<<`: of two values for one key the first wins."""
        merged: dict[str, Any] = {}
        for part in value if isinstance(value, CommentedSeq) else [value]:
            if not isinstance(part, CommentedMap):
                raise BadDocument("what stands at << is no mapping")
            merged = {**self.expand(part), **merged}
        return merged


def _dressed_like(old: Any, new: Any) -> Any:
    """Return the new node with the old one's comments, positions and flow style, but not its anchor."""
    for attribute in (Comment.attrib, Format.attrib, LineCol.attrib):
        if hasattr(old, attribute):
            setattr(new, attribute, getattr(old, attribute))
    return new


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver = _Resolver
    yaml.Constructor = _Constructor
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = _NO_WRAPPING
    return yaml


def _steps(tree: Any, kind: type[Any]) -> Iterator[tuple[int, int]]:
    """Yield the indentation of each block of `kind` that is a value in a mapping.

    The first number is its offset from that mapping, the second one the offset of its first item from it.
    """
    if isinstance(tree, CommentedMap):
        for value in tree.values():
            if isinstance(value, kind) and value and not value.fa.flow_style() and value.lc.data:
                first = next(iter(value.lc.data.values()))
                yield value.lc.col - tree.lc.col, first[1] - value.lc.col
            yield from _steps(value, kind)
    elif isinstance(tree, CommentedSeq):
        for value in tree:
            yield from _steps(value, kind)
