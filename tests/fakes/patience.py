"""Patience for tests: what a wait would cost is counted, and not waited for."""

from registry.http.retry import Patience


def refuse(seconds: float) -> None:
    """Let the test fail when anybody waits."""
    raise AssertionError(f"{seconds} s of patience were spent")


HASTY = Patience(sleep=lambda _: None)
"""Waits take no time, and wear patience out all the same."""

NONE = Patience(sleep=refuse)
"""Nobody may wait."""
