"""Waiting for a lock: as long as its holder lives, and no longer, by the clock that is given."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from puller.store.lock import Lock, Wait


class Clock:
    """A clock that goes on when somebody sleeps; `beats` are the moments at which the holder shows a sign of life."""

    def __init__(self, path: Path, beats: range) -> None:
        self.now, self._path, self._beats = 0.0, path, list(beats)

    def sleep(self, seconds: float) -> None:
        """Go on."""
        self.now += seconds
        while self._beats and self._beats[0] <= self.now:
            moment = self._beats.pop(0)
            os.utime(self._path, (moment, moment))


@contextmanager
def told(said: list[str], holder: str) -> Iterator[None]:
    """Note who is waited for."""
    said.append(holder)
    yield


@pytest.mark.parametrize(
    ("beats", "most", "waited"),
    [
        (range(0), 1000, 60),
        (range(10, 200, 10), 1000, 250),
        (range(10, 5000, 10), 1000, 1000),
        (range(59, 60), 1000, 119),
    ],
    ids=["a holder that is dead", "one that dies", "one that beats for ever", "one beat in time"],
)
def test_a_wait_ends_a_while_after_the_last_sign_of_life(
    tmp_path: Path, beats: range, most: float, waited: float
) -> None:
    """Law: idle_seconds behind the last beat, or most_seconds in all, whichever comes first."""
    path = tmp_path / "lock"
    holder, other, said = Lock(path), Lock(path), list[str]()
    assert holder.try_acquire()
    clock = Clock(path, beats)
    wait = Wait(idle_seconds=60, most_seconds=most, poll_seconds=1, clock=lambda: clock.now, sleep=clock.sleep)
    assert not other.acquire(lambda who: told(said, who), wait)
    assert clock.now == pytest.approx(waited, abs=2)
    assert said == [f"process {os.getpid()}"]
    holder.close()
    other.close()


def test_a_lock_that_becomes_free_is_taken(tmp_path: Path) -> None:
    """The wait ends with its cause."""
    path, said = tmp_path / "lock", list[str]()
    holder, other = Lock(path), Lock(path)
    assert holder.try_acquire()
    wait = Wait(idle_seconds=60, sleep=lambda _: holder.close())
    assert other.acquire(lambda who: told(said, who), wait)
    other.close()


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "nowhere"])
def test_what_is_no_file_locks_nothing_and_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    """Whatever somebody planted under the name: it is left alone, and the pull goes on by itself."""
    path = tmp_path / ("absent/lock" if kind == "nowhere" else "lock")
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    lock = Lock(path)
    assert not lock.is_known
    assert not lock.acquire(lambda who: told([], who), Wait(idle_seconds=60))
    assert not (tmp_path / "elsewhere").exists()
    lock.close()
