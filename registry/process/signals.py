"""The signals that end a program: each is an exception in the main thread, whatever that waits for.

Imports nothing slow: process 1 loses a signal that comes before its handler is in place, because the kernel has no
default action for it (signal(7), pid_namespaces(7)).

Tests: tests/registry/process/test_signals.py
"""

import _thread
import os
import signal
import time
from typing import NoReturn

_ENDS = (signal.SIGTERM, signal.SIGHUP)
_WAKES = signal.SIGURG
"""A signal without a meaning of its own; the kernel ignores it by default (signal(7))."""

_WAKE_SECONDS = (0.05, 0.15, 0.3)

_asked: list[BaseException] = []


class Ended(BaseException):
    """A signal asked the program to end. Not an Exception, so that no handler of errors catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def heed_signals() -> None:
    """Install handlers: SIGTERM and SIGHUP raise Ended in the main thread, SIGINT raises KeyboardInterrupt.

    A second one, of any kind, ends the process at once. Ignored signals stay ignored, as nohup(1) and shells want it.
    """
    for number in (signal.SIGINT, *_ENDS):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt if number == signal.SIGINT else _end)
    signal.signal(_WAKES, lambda *_: None)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _thread.start_new_thread(_wake, (reading, _thread.get_ident()))


def asked_for() -> BaseException | None:
    """Return the exception of the first signal that asked this program to end, or None.

    What ends the program then may be another error: an exception out of nowhere can break a lock that waits. A signal
    that the interpreter has only noted so far counts, too.
    """
    try:  # noqa: SIM105 - contextlib is not loaded yet
        signal.pthread_kill(_thread.get_ident(), 0)  # handles the signals that are noted
    except (KeyboardInterrupt, Ended):  # which appends what is returned
        pass
    return _asked[0] if _asked else None


def _interrupt(number: int, _: object) -> NoReturn:
    _raise(KeyboardInterrupt(), number)


def _end(number: int, _: object) -> NoReturn:
    _raise(Ended(number), number)


def _raise(error: BaseException, number: int) -> NoReturn:
    if _asked:  # nobody could tell where an exception in the midst of another's end would come out
        os._exit(128 + number)
    _asked.append(error)
    raise error


def _wake(reading: int, main: int) -> NoReturn:
    """Interrupt the main thread's wait after each signal: a thread's work.

    The interpreter only notes a signal, for the main thread to handle. When it comes between the main thread's last
    look and the start of a wait, or to another thread, the wait would go on to its end.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # else the kernel could deliver some here
    while True:
        if any(number != _WAKES for number in os.read(reading, 256)):
            for seconds in _WAKE_SECONDS:
                time.sleep(seconds)  # the first wake may come in such a gap itself: no event tells that a wait began
                signal.pthread_kill(main, _WAKES)
