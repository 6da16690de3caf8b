"""A clock that goes on when somebody sleeps, and at no other time."""

import threading

from registry.http.retry import Patience, Wait


class Clock:
    """Seconds since the test began. Any thread may read it, or sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[Wait] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        with self._lock:
            self.now += seconds

    def patience(self, seconds: float = 60.0) -> Patience:
        """Return patience by this clock, with short waits, so that many threads do not run far ahead of it."""
        return Patience(seconds=seconds, longest_seconds=5, clock=self, sleep=self.sleep, say=self.waits.append)
