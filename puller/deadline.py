"""A time limit for a whole pull, whatever it waits for: a registry, a lock, a disk, or its own hashing.

Tests: tests/puller/test_ending.py
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import DeadlinePassed
from .settings import BadSettings

_AGAIN_SECONDS = 5.0
"""After how long the alarm is repeated, because the first may come where an exception is lost."""

_is_set = ContextVar("_is_set", default=False)


class _Passed(BaseException):
    """The time is over. It is no Fault, because retries catch those."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise DeadlinePassed when the block takes longer than `seconds`.

    There is no limit where `seconds` is 0. A block within another has no limit of its own: the outer one holds.
    SIGALRM is used, because a signal ends every wait of the main thread. Raises BadSettings in any other thread.
    """
    if not seconds or _is_set.get():
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise BadSettings("a deadline was set for a pull that is not in its program's main thread")
    before, token = signal.signal(signal.SIGALRM, _ring), _is_set.set(True)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _Passed:
        raise DeadlinePassed(f"the pull was not done within {seconds} s") from None
    finally:
        _is_set.reset(token)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise _Passed
