"""What the sidecar does beside its pull: it says how that ended, and stays in the pod as an idle process.

Tests: tests/puller/overlap/test_sidecar.py
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from puller.errors import PullLost
from registry.process.signals import Ended

from .outcome import Outcome, begin, conclude, forget, install_program, is_told, starts_of

_MOST_STARTS = 4
"""The kubelet starts a sidecar again after 10 s, then 20 s, then 40 s."""

_TOLD_SECONDS, _POLL_SECONDS = 20.0, 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Sidecar:
    """The sidecar of one pod, from its start to the exec of the idle program."""

    def __init__(self, folder: Path) -> None:
        """Install the program, forget what was before, and say that a pull is under way. Raises NoPrograms, OSError."""
        self._folder = folder
        self._program = install_program(folder)
        self._lock = begin(folder)

    def require_progress(self) -> None:
        """Raise PullLost where the sidecar ended without a word each time that it started: in a Job nobody else would.

        The kubelet starts sidecars for ever, also in pods that never start a container again.
        """
        starts = starts_of(self._folder)
        if starts >= _MOST_STARTS:
            raise PullLost(f"the container that pulls ended {starts - 1} times without a word")

    def conclude(self, exit_code: int, message: bytes) -> None:
        """Record how the pull ended. Raises OSError."""
        conclude(self._folder, Outcome(exit_code, message))
        if exit_code:
            with suppress(Ended):  # who asks for the end gets it at once
                self._wait_until_told()

    def _wait_until_told(self) -> None:
        """Wait until the outcome was read, for a while at most, because the engine's image may be large.

        The kubelet goes on to the other containers when it has seen this one run. One that fails sooner it starts again
        and again, and nobody tells why. What was read is forgotten: who starts again waits for the next pull.
        """
        ends_at = time.monotonic() + _TOLD_SECONDS
        while time.monotonic() < ends_at:
            if is_told(self._folder):
                return forget(self._folder)
            time.sleep(_POLL_SECONDS)  # another container makes the file, on a volume that may send no events
        return None

    def stay(self) -> NoReturn:
        """Become the idle program, which ends at once when a signal asks for it. Signals on the way are kept for it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        # held on: the hook may come later than the end of a short pull
        os.set_inheritable(self._lock, True)  # noqa: FBT003 - as the function has it
        os.execv(self._program, [str(self._program), "idle"])  # noqa: S606 - no shell is wanted: images have none
