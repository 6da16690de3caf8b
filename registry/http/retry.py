"""Retries of temporary failures: how long to go on, and how long to wait in between.

A Patience is one value for all requests of a program. Work in several steps, such as the download of a blob, keeps a
Waiting: bytes that arrived meanwhile renew its patience, unless they are too few to count as progress.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from registry.errors import Fault, Unavailable, UploadModeRejected

_LASTING_SECONDS = 5.0
"""Patience for failures that seldom pass, such as a name that does not exist."""

_PROGRESS_BYTES = 1 << 10
"""The bytes a second that count as progress: with fewer, a transfer could go on for ever."""

_TOLD_SECONDS = 1.0
_QUIET_SECONDS = 5.0
"""How long failures may go on before a wait is reported, however short the waits are."""

Result = TypeVar("Result")


class Wait(NamedTuple):
    """A wait to be reported: the failure before it, its length, and how long waits may still take after it, in seconds.

    `seconds` is 0 while the answer itself is awaited.
    """

    answered: str
    seconds: float
    left_seconds: float

    def __str__(self) -> str:
        if not self.seconds:
            return f"{self.answered}; waiting for it, for {self.left_seconds:.0f} s at most"
        left = f", for {self.left_seconds:.0f} s more at most" if self.left_seconds >= 1 else ", for the last time"
        when = f"in {self.seconds:.0f} s" if self.seconds >= 1 else "at once"
        return f"{self.answered}; trying again {when}{left}"


def silent(_: Wait) -> None:
    """Report nothing."""


def _uniform(least: float, most: float) -> float:
    from random import uniform  # noqa: PLC0415 - a pull that succeeds at once needs it not

    return uniform(least, most)  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try again without progress, and how: each wait is twice the last, with jitter over its upper half."""

    seconds: float = 60.0
    first_seconds: float = 0.25
    longest_seconds: float = 10.0
    longest_asked_seconds: float = 120.0
    """The longest Retry-After that is honoured, once, even where patience is shorter."""

    jitter: Callable[[float, float], float] = _uniform
    """Returns a random number between two: clients that failed together shall not come back together."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    """Waits for so many seconds; a true result means that the wait was interrupted, and ends all retries. None means
    the transport's own (Access)."""

    say: Callable[[Wait], None] = silent
    """Reports a wait to the user; called from any thread."""

    note: Callable[[Wait], None] = silent
    """Reports every wait, the short ones as well, for --debug."""

    def begin(self) -> "Waiting":
        """Return a Waiting for one piece of work."""
        return Waiting(self)

    def patiently(self, call: Callable[[], Result]) -> Result:
        """Call until it succeeds, fails for good, or patience ends; raise its last Fault."""
        waiting = self.begin()
        while True:
            try:
                return call()
            except Fault as error:
                waiting.after(error)


@dataclass(slots=True)
class Waiting:
    """The state of the retries of one piece of work."""

    patience: Patience
    tries: int = 0
    since: float | None = None
    """When the first try failed after the last progress."""

    slept: float = 0.0
    was_asked: bool = False
    """Whether a Retry-After longer than patience was honoured."""

    def after(self, error: Fault, gained: int = 0) -> None:
        """Wait before another try, or raise the error; `gained` are the bytes that came since the last failure."""
        patience = self.patience
        now = patience.clock()
        if self.since is None or gained > _PROGRESS_BYTES * max(now - self.since, self.slept):
            self.tries, self.since, self.slept, self.was_asked = 0, now, 0.0, False
        spent = max(now - self.since, self.slept)
        planned = min(patience.first_seconds * 2**self.tries, patience.longest_seconds) * patience.jitter(0.5, 1)
        seconds = wait_for(patience, error, planned, spent=spent, was_asked=self.was_asked)
        if seconds is None:
            raise error
        self.tries += 1
        if not seconds:
            return
        left = max(patience.seconds - spent - seconds, 0.0)
        self.was_asked = self.was_asked or spent + seconds > patience.seconds
        self.slept += seconds
        wait = Wait(str(error), seconds, left)
        patience.note(wait)
        if seconds > _TOLD_SECONDS or spent > _QUIET_SECONDS:
            patience.say(wait)
        if (patience.sleep or time.sleep)(seconds):
            raise error


def wait_for(patience: Patience, error: Fault, planned: float, *, spent: float, was_asked: bool) -> float | None:
    """Return the seconds to wait after `error`, what the registry asked for included; None to give up.

    `spent` are the seconds since the first failure, and `was_asked` says that a longer Retry-After was honoured before.
    """
    if not error.temporary:
        return None
    if isinstance(error, UploadModeRejected) or (isinstance(error, Unavailable) and error.has_other):
        return 0.0
    left = patience.seconds - spent
    asked = 0.0
    if isinstance(error, Unavailable):
        asked = min(error.retry_after_seconds or 0.0, patience.longest_asked_seconds)
        left = min(left, _LASTING_SECONDS - spent) if error.is_lasting else left
    if asked > max(left, 0.0):
        return None if was_asked else asked
    return min(max(planned, asked), left) if left > 0 else None
