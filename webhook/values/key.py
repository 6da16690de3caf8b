"""A key of the contract: a label or an annotation, with its parser.

Tests: tests/webhook/test_contract.py
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from registry.errors import Fault
from webhook.pod.podspec import Raw, annotations, labels
from webhook.quotes import quoted
from webhook.refusals import BadAnnotation

_LONGEST = 4096
"""More letters than any value needs, sources of adapters included."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Key(Generic[T]):
    """One key of the contract. `default` is for people; `parse` reads a value or raises a Refusal with the reason."""

    name: str
    kind: Literal["label", "annotation"]
    values: str
    default: str
    meaning: str
    parse: Callable[[str], T]

    def held(self, obj: Raw) -> object:
        """Return the key's raw value on an object; None when it is absent."""
        return (labels(obj) if self.kind == "label" else annotations(obj)).get(self.name)

    def read(self, pod: Raw) -> T | None:
        """Return the key's value on a pod; None when it is absent.

        Raises the parser's Refusal with the key and the value before its reason, or BadAnnotation.
        """
        value = self.held(pod)
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadAnnotation(f"the {self.kind} {self.name} is {quoted(value)}, which is no text")
        if len(value) > _LONGEST:
            raise BadAnnotation(
                f"the {self.kind} {self.name} has {len(value)} letters", hint=f"at most {_LONGEST} are read"
            )
        try:
            return self.parse(value)
        except Fault as fault:
            reason = f": {fault}" if str(fault) else ""
            label = "the label " if self.kind == "label" else ""
            raise type(fault)(f"{label}{self.name} is {quoted(value)}{reason}", hint=fault.hint) from fault


AnyKey = Key[Any]
