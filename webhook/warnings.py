"""What an object's author is warned of: keys in our domain that have no effect.

Tests: tests/webhook/test_refusals.py
"""

from collections.abc import Iterator

from .contract import DISABLED, INJECTION, KEYS
from .names import DOMAIN
from .pod.podspec import Raw, annotations, labels
from .quotes import quoted
from .values.stray import stray_keys


def warnings(*objects: Raw) -> tuple[str, ...]:
    """Return warnings about keys in our domain that have no effect, on a pod or its workload, with corrections."""
    return tuple(dict.fromkeys(warning for obj in objects for warning in _warnings(obj)))


def _warnings(obj: Raw) -> Iterator[str]:
    kinds = {key.name: key.kind for key in KEYS}
    yield from stray_keys("label", labels(obj), kinds, DOMAIN)
    yield from stray_keys("annotation", annotations(obj), kinds, DOMAIN)
    yield from _odd_injection(labels(obj).get(INJECTION.name))


def _odd_injection(value: object) -> Iterator[str]:
    if value not in (None, "enabled", DISABLED):
        yield f"the label {INJECTION.name}: {quoted(value)} does nothing: only {DISABLED!r} opts a pod out"
