"""How far a pull is: counted by the workers, told to people now and then."""

import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Self, TextIO

_TERMINAL_SECONDS = 0.2
_PLAIN_SECONDS = 5.0
_UNITS = ("B", "kB", "MB", "GB", "TB")


class Meter:
    """Bytes that came, of all that must. Any thread may count."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.wire = 0
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that came over the wire and are on disk."""
        with self._lock:
            self.done += count
            self.wire += count

    def spend(self, where: str, seconds: float) -> None:
        """Count a worker's time: on the `wire`, for the `hash`, for the `disk`."""
        with self._lock:
            self.seconds[where] = self.seconds.get(where, 0.0) + seconds

    def skip(self, count: int) -> None:
        """Count bytes that need not come, for they are there."""
        with self._lock:
            self.done += count

    def take_back(self, count: int) -> None:
        """Count bytes that must come again."""
        with self._lock:
            self.done -= count


class Ticker:
    """Tells a meter's state while its `with` block runs: one living line on a terminal, else plain lines."""

    def __init__(self, meter: Meter, name: str, stream: TextIO = sys.stderr) -> None:
        self._meter, self._name, self._stream = meter, name, stream
        self._is_terminal = stream.isatty()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._is_terminal:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def _run(self) -> None:
        while not self._over.wait(_TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS):
            line = describe(self._name, self._meter.done, self._meter.total, time.monotonic() - self._started)
            print(f"\r{line}\033[K" if self._is_terminal else f"{line}\n", end="", file=self._stream, flush=True)


class Voice:
    """Speaks to people, on stderr."""

    def say(self, line: str) -> None:
        """Tell one thing."""
        print(line, file=sys.stderr, flush=True)

    def watch(self, meter: Meter, name: str) -> AbstractContextManager[object]:
        """Tell how far a meter is while the `with` block runs."""
        return Ticker(meter, name)

    def finish(self, meter: Meter, seconds: float) -> None:
        """Tell how it went: bytes, time, rate, and what the workers spent their time on."""
        spent = sum(meter.seconds.values()) or 1.0
        shares = ", ".join(f"{where} {share / spent:.0%}" for where, share in meter.seconds.items())
        rate = human(meter.wire / seconds) if seconds else "0 B"
        self.say(f"{human(meter.wire)} in {seconds:.1f} s, {rate}/s{f' ({shares})' if shares else ''}")


class Silence(Voice):
    """Says nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    def watch(self, meter: Meter, name: str) -> AbstractContextManager[object]:  # noqa: ARG002 - the voice's shape
        """Say nothing."""
        return nullcontext()


def describe(name: str, done: int, total: int, seconds: float) -> str:
    """Say how far it is, how fast, and how long it will take at this rate."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {round((total - done) / rate)} s left" if rate else ""
    return f"{name}: {human(done)} of {human(total)}, {human(rate)}/s{left}"


def human(count: float) -> str:
    """Give a count of bytes as people read it, in powers of 1000."""
    number = 0
    while count >= 999.5 and number < len(_UNITS) - 1:
        count /= 1000
        number += 1
    return f"{count:.0f} {_UNITS[number]}" if number == 0 or count >= 99.95 else f"{count:.1f} {_UNITS[number]}"
