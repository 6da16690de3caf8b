"""Which connection is cut: the one that its peers leave behind, and only so often."""

from random import Random

import pytest

from puller.transfer.watchdog import CHANCES, Watchdog, Watched


class FakeBody:
    """A body that notes that it was cut."""

    start = stop = 0
    host = "a test"

    def __init__(self) -> None:
        self.cuts = 0

    def readinto(self, _: memoryview, /) -> int:
        """Bring nothing."""
        return 0

    def abort(self) -> None:
        """Note it."""
        self.cuts += 1

    def close(self) -> None:
        """Do nothing."""


def context(count: int, chances: int = CHANCES) -> tuple[Watchdog, list[Watched]]:
    """Return a watchdog with connections to look at."""
    watchdog = Watchdog()
    watched = [Watched(FakeBody(), chances) for _ in range(count)]
    for one in watched:
        watchdog.watch(one)
    return watchdog, watched


def run(watchdog: Watchdog, watched: list[Watched], rates: list[int], ticks: int) -> list[bool]:
    """Let connections bring their rates for some ticks; tell which were cut."""
    for _ in range(ticks):
        for one, rate in zip(watched, rates, strict=True):
            one.has_read(rate, 1.0)
        watchdog.tick(0.0)
    return [one.was_cut for one in watched]


def test_a_connection_far_behind_its_peers_is_cut() -> None:
    """A twentieth of the usual rate for three ticks is enough."""
    assert run(*context(4), [100, 100, 100, 5], 2) == [False] * 4
    assert run(*context(4), [100, 100, 100, 5], 3) == [False, False, False, True]


def test_a_slow_network_is_nobodys_fault() -> None:
    """Connections that are all slow are left alone, and so is a single one."""
    assert run(*context(4), [5, 5, 5, 5], 9) == [False] * 4
    assert run(*context(1), [1], 9) == [False]


def test_the_last_one_is_compared_with_those_that_are_done() -> None:
    """At the end, when the peers are gone, their rates are remembered."""
    watchdog, watched = context(4)
    run(watchdog, watched, [100, 100, 100, 100], 2)
    for one in watched[:3]:
        watchdog.leave(one)
    assert run(watchdog, watched[3:], [1], 3) == [True]


def test_a_piece_without_chances_is_left_alone() -> None:
    """After some new connections the path is slow, not the connection."""
    assert run(*context(4, chances=0), [100, 100, 100, 5], 9) == [False] * 4


BUFFER = 2 << 20


def simulated(seed: int, rates: list[float], seconds: int) -> list[bool]:
    """Let connections bring whole buffers at their rates; tell which were cut."""
    random = Random(seed)
    watchdog = Watchdog()
    watched = [Watched(FakeBody()) for _ in rates]
    began, missing = [0.0] * len(rates), [float(BUFFER)] * len(rates)
    for one in watched:
        watchdog.watch(one)
        one.reading_since, one.wanted = 1e-9, BUFFER
    for step in range(1, seconds * 100):
        now = step / 100
        for number, one in enumerate(watched):
            missing[number] -= rates[number] / 100 * random.uniform(0.4, 1.6)
            if missing[number] <= 0 and not one.was_cut:
                missing[number] += BUFFER
                one.has_read(BUFFER, now - began[number])
                began[number] = one.reading_since = now
        if step % 100 == 0:
            watchdog.tick(now)
    return [one.was_cut for one in watched]


@pytest.mark.parametrize("rate", [0.2e6, 0.5e6, 1e6, 2e6, 5e6])
def test_slow_lines_whose_buffers_come_seldom_are_left_alone(rate: float) -> None:
    """Between two buffers of a slow line nothing is reported for seconds: that is no standstill."""
    for seed in range(5):
        random = Random(seed)
        rates = [rate * random.uniform(0.6, 1.4) for _ in range(8)]
        assert simulated(seed, rates, 120) == [False] * 8


@pytest.mark.parametrize("rate", [0.5e6, 1e6, 5e6, 50e6])
def test_one_that_stands_still_among_slow_ones_is_cut(rate: float) -> None:
    """In the time of a few buffers of its peers'."""
    assert simulated(1, [rate] * 7 + [0.0], 60) == [False] * 7 + [True]
