"""Whose turn it is: the file's order, and what failures do to it. The clock is the test's."""

import pytest

from registry.mirrors.failover import HostSelector
from registry.mirrors.host import Host

FIRST, SECOND, LAST = (Host(root=f"https://{name}/v2") for name in ("first", "second", "last"))


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def turns(clock: Clock) -> HostSelector:
    """Return three hosts that have not been asked yet."""
    return HostSelector((FIRST, SECOND, LAST), clock)


def test_hosts_are_asked_in_their_order(turns: HostSelector) -> None:
    """As long as nothing fails, the first is always first."""
    turns.begin(FIRST).served()
    assert turns.order() == [FIRST, SECOND, LAST]


def test_a_host_that_failed_comes_after_all_others_until_its_rest_is_over(turns: HostSelector, clock: Clock) -> None:
    """Hosts that rest are asked only when all others failed, the one whose rest ends soonest first."""
    assert turns.begin(FIRST).failed()
    assert turns.order() == [SECOND, LAST, FIRST]
    clock.now += 0.5
    turns.begin(SECOND).failed()
    assert turns.order() == [LAST, FIRST, SECOND]
    clock.now += 1.0
    assert turns.order() == [FIRST, SECOND, LAST]


def test_nobody_is_left_when_all_rest(turns: HostSelector) -> None:
    """A failure tells whether going on at once makes sense."""
    assert [turns.begin(host).failed() for host in (FIRST, SECOND, LAST)] == [True, True, False]


def test_after_its_rest_one_request_tries_a_host_while_others_pass_it_by(turns: HostSelector, clock: Clock) -> None:
    """A host that stalls holds up one worker, not all; when that one is served, all come back."""
    turns.begin(FIRST).failed()
    clock.now += 1.0
    trial = turns.begin(FIRST)
    assert turns.order() == [SECOND, LAST, FIRST]
    trial.served()
    assert turns.order() == [FIRST, SECOND, LAST]


def test_each_failure_makes_the_rest_longer_up_to_five_minutes(turns: HostSelector, clock: Clock) -> None:
    """What is down for good costs ever less; what was served starts anew."""
    rests = []
    for _ in range(7):
        turns.begin(FIRST).failed()
        began = clock.now
        while turns.order()[0] != FIRST:
            clock.now += 0.5
        rests.append(clock.now - began)
    assert rests == [1, 4, 16, 64, 256, 300, 300]
    turns.begin(FIRST).served()
    turns.begin(FIRST).failed()
    clock.now += 1
    assert turns.order()[0] == FIRST


def test_requests_that_were_under_way_when_a_host_failed_count_once(turns: HostSelector, clock: Clock) -> None:
    """Sixteen connections that break together are one failure."""
    attempts = [turns.begin(FIRST) for _ in range(16)]
    clock.now += 0.5
    for attempt in attempts:
        attempt.failed()
    clock.now += 1
    assert turns.order()[0] == FIRST


def test_a_mirror_that_proved_wrong_is_never_asked_again(turns: HostSelector, clock: Clock) -> None:
    """Bytes that were wrong are no matter of time, nor of what a host says later."""
    attempt = turns.begin(FIRST)
    assert turns.report_corrupt({FIRST.root})
    attempt.served()
    clock.now += 1000
    assert turns.order() == [SECOND, LAST]


def test_of_several_givers_all_mirrors_count_as_wrong(turns: HostSelector) -> None:
    """Nobody knows whose part it was; the last host stays, but waits for its turn."""
    assert turns.report_corrupt({FIRST.root, LAST.root})
    assert turns.order() == [SECOND, LAST]


def test_the_last_host_stays_and_its_wrong_bytes_are_its_own(turns: HostSelector) -> None:
    """There is nobody behind the registry itself: asking again brings the same."""
    assert not turns.report_corrupt({LAST.root})
    assert turns.order() == [FIRST, SECOND, LAST]


def test_what_is_no_host_is_no_reason_to_ask_another(turns: HostSelector) -> None:
    """Who gave them is unknown, and nobody is blamed."""
    assert not turns.report_corrupt({"an earlier pull"})
    assert turns.order() == [FIRST, SECOND, LAST]


def test_a_host_that_lacks_what_is_wanted_is_not_left(turns: HostSelector) -> None:
    """It does not rest, and is no reason to try again at once."""
    attempt = turns.begin(LAST)
    assert attempt.failed(lacking=[FIRST.root])
    assert not attempt.failed(lacking=[FIRST.root, SECOND.root])


def test_a_host_may_fail_any_number_of_times() -> None:
    """A registry that is down for hours costs patience, and no arithmetic."""
    turns = HostSelector([LAST])
    for _ in range(2000):
        turns.begin(LAST).failed()
