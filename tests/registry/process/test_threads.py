"""Threads that work for one who waits, and end with the waiting."""

import threading

import pytest

from registry.errors import Fault, Unavailable
from registry.process.threads import Lane, run


def nothing() -> None:
    """Interrupt nobody."""


def test_everything_is_done_once_whatever_the_lanes() -> None:
    """Each item has its result, with fewer or more threads than items."""
    lanes = [Lane(3, range(100)), Lane(1, range(100, 110)), Lane(5, range(110, 111)), Lane(4, ())]
    assert sorted(run(lanes, lambda item: item * 2, nothing)) == [(item, item * 2) for item in range(111)]


def test_lanes_go_on_at_the_same_time() -> None:
    """A lane does not wait for another one: here each waits for all."""
    together = threading.Barrier(2, timeout=10)
    run([Lane(1, ["a"]), Lane(1, ["b"])], lambda _: together.wait(), nothing)


def test_spare_threads_join_when_there_is_time_and_not_before() -> None:
    """Here one item waits for all others, so that they end when the spare threads came."""
    together, asked = threading.Barrier(4, timeout=30), []

    def has_time() -> bool:
        asked.append(together.n_waiting)
        return len(asked) > 1

    found = run([Lane(1, range(4), spare=8)], lambda _: together.wait(), nothing, has_time)
    assert len(found) == 4
    assert asked == [1, 1], "until there was time one worked alone"


def test_a_lane_without_time_does_with_its_own_threads() -> None:
    """Nobody asks for more once all is done."""
    busy = run([Lane(2, range(50), spare=8)], lambda _: threading.get_ident(), nothing)
    assert len({ident for _, ident in busy}) <= 2


def test_the_first_failure_breaks_what_the_others_wait_for() -> None:
    """Who waits for something that never comes is interrupted, and nothing more is begun."""
    broken, begun = threading.Event(), []
    other = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            other.wait(60)
            raise Unavailable("down")
        other.set()
        broken.wait(60)
        raise Unavailable("interrupted")

    with pytest.raises(Unavailable, match="down"):
        run([Lane(4, range(100))], work, broken.set)
    assert broken.is_set()
    assert len(begun) <= 8


def test_one_that_does_not_end_is_left_behind_by_a_signal() -> None:
    """Whoever interrupts the program does not wait for a thread that nothing can break."""
    stuck = threading.Event()

    def work(item: int) -> None:
        if item == 0:
            raise KeyboardInterrupt
        stuck.wait(60)

    with pytest.raises(KeyboardInterrupt):
        run([Lane(2, range(2))], work, nothing)
    stuck.set()


def test_any_kind_of_failure_is_passed_on() -> None:
    """Also one that nobody foresaw."""
    for kind in (Fault, ValueError, IndexError, SystemExit):

        def work(_: int, kind: type[BaseException] = kind) -> None:
            raise kind("")

        with pytest.raises(kind):
            run([Lane(2, range(5))], work, nothing)
