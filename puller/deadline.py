"""A time for a whole pull, whatever it waits for: a registry, a lock, a disk, or its own counting."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import DeadlinePassed
from .settings import BadSettings

_AGAIN_SECONDS = 5.0
"""When the alarm rings again, should the first have rung where nothing can be raised."""

_is_set = ContextVar("_is_set", default=False)


class _Passed(BaseException):
    """The time is over. No Fault, for those are caught by who has another host to ask."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise DeadlinePassed when the block takes longer than `seconds`; 0 is no limit, nor is a block within another.

    An alarm of the system's is used, for it ends every wait of the main thread, as signals do. Raises BadSettings in
    any other thread.
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
