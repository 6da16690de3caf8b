"""Patience: how often and how long to wait for what may pass."""

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import TypeVar

from .errors import Fault, Unavailable

TRIES = 5
_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 20.0
_LONGEST_ASKED_SECONDS = 120.0  # a registry may ask for more; then its answer is passed on at once

Result = TypeVar("Result")


def delays(random: Random, tries: int = TRIES) -> Iterator[float]:
    """Give the seconds to wait before each further try: doubling, each somewhere in its upper half."""
    for number in range(tries - 1):
        yield min(_FIRST_SECONDS * 2**number, _LONGEST_SECONDS) * random.uniform(0.5, 1)


def wait_for(error: Fault, planned: float) -> float | None:
    """Give the seconds to wait after `error`, what the registry asked for included; None to give up."""
    if not error.temporary:
        return None
    if isinstance(error, Unavailable) and error.has_other:
        return 0.0
    asked = error.retry_after_seconds if isinstance(error, Unavailable) else None
    if asked is not None and asked > _LONGEST_ASKED_SECONDS:
        return None
    return max(planned, asked or 0.0)


def patiently(
    call: Callable[[], Result], *, sleep: Callable[[float], None] = time.sleep, random: Random | None = None
) -> Result:
    """Call until it works, fails for good, or patience ends; then its last Fault rises."""
    for planned in delays(random or Random()):  # noqa: S311 - jitter, not a secret
        try:
            return call()
        except Fault as error:
            seconds = wait_for(error, planned)
            if seconds is None:
                raise
        sleep(seconds)
    return call()
