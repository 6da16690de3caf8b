"""What the sidecar does beside its pull: it says how that ended, and stays in the pod as an idle process.

Tests: tests/puller/overlap/test_sidecar.py
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from registry.process.signals import Ended

from .outcome import Outcome, begin, conclude, install_program, is_told

_TOLD_SECONDS, _POLL_SECONDS = 20.0, 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Sidecar:
    """The sidecar of one pod, from its start to the exec of the idle program."""

    def __init__(self, folder: Path) -> None:
        """Install the program, and say that a pull is under way. Raises OSError."""
        self._folder = folder
        self._program = install_program(folder)
        self._lock = begin(folder)

    def conclude(self, exit_code: int, message: dict[str, Any]) -> None:
        """Record how the pull ended. Raises OSError."""
        conclude(self._folder, Outcome(exit_code, message))
        if exit_code:
            with suppress(Ended):  # who asks for the end gets it at once
                self._wait_until_told()

    def _wait_until_told(self) -> None:
        """Wait until the outcome was read, for a while at most, because the engine's image may be large.

        The kubelet goes on to the other containers when it has seen this one run. One that fails sooner it starts again
        and again, and nobody tells why.
        """
        ends_at = time.monotonic() + _TOLD_SECONDS
        while not is_told(self._folder) and time.monotonic() < ends_at:
            time.sleep(_POLL_SECONDS)  # another container makes the file, on a volume that may send no events

    def stay(self) -> NoReturn:
        """Become the idle program, which ends at once when a signal asks for it. Signals on the way are kept for it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        os.execv(self._program, [str(self._program), "idle"])  # noqa: S606 - no shell is wanted: images have none
