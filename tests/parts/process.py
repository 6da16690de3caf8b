"""A program that runs while a test needs it."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

_STOP_SECONDS = 15
_LOOK_AGAIN_SECONDS = 0.02

T = TypeVar("T")


class NotReadyError(Exception):
    """A program that died or did not get ready in time; carries the end of its log."""


def poll(ask: Callable[[], T | None], within_seconds: float) -> T | None:
    """Ask again and again until there is an answer or the time is up."""
    deadline = time.monotonic() + within_seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)  # a program of somebody else tells nobody that it is ready
    return answer


class Process:
    """A child of ours with its log in a file, stopped by its id when the block ends."""

    def __init__(self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def said(self) -> str:
        """Return the log so far."""
        return self.log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], T | None], within_seconds: float) -> T:
        """Ask `ready` until it gives something; raise NotReadyError when it dies or is late."""
        answer: T | None = None

        def settled() -> bool:
            nonlocal answer
            answer = ready()
            return bool(answer) or self._child.poll() is not None

        poll(settled, within_seconds)
        if not answer:
            raise NotReadyError(f"{self._child.args!r} is not ready; its last words:\n{self.said()[-3000:]}")
        return answer

    def stop(self) -> int:
        """Ask it to end, insist when it does not, and give its exit code."""
        self._child.terminate()
        try:
            return self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
