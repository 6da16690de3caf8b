"""Keys in our domain that have no effect, with corrections.

Tests: tests/webhook/test_contract.py
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from webhook.pod.podspec import Raw

_MOST_STRAY, _LONGEST_NAME = 5, 80


def stray_keys(kind: str, held: Raw, kinds: Mapping[str, str], domain: str) -> Iterator[str]:
    """Yield a warning for each of the first keys in the domain that are none of the contract's, and how many follow.

    `kinds` holds the contract's keys with their kinds, label or annotation.
    """
    stray = sorted(name for name in map(str, held) if name.startswith(domain) and kinds.get(name) != kind)
    for name in stray[:_MOST_STRAY]:
        if name in kinds:
            yield f"{name} does nothing as {kind}: write it as {kinds[name]}"
        else:
            yield f"unknown {kind} {name[:_LONGEST_NAME]} does nothing{_meant(name, kinds, domain)}"
    if len(stray) > _MOST_STRAY:
        yield f"and {len(stray) - _MOST_STRAY:,} more {kind}s of {domain} do nothing"


def _meant(name: str, kinds: Mapping[str, str], domain: str) -> str:
    """Return a correction: the part after the domain decides, for all keys share the one before it."""
    parts = {key.removeprefix(domain): key for key in kinds}
    near = get_close_matches(name.removeprefix(domain)[:_LONGEST_NAME], parts, n=1)
    return f": did you mean {parts[near[0]]}?" if near else ""
