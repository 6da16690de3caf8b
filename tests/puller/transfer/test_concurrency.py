"""How many connections: a pure function of the rates that they brought, and of the cores that they wanted."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puller.transfer.concurrency import FIRST, ConcurrencyLimit


def run(most: int, bring: dict[int, float]) -> ConcurrencyLimit:
    """Step until nothing changes; `bring` maps a limit to the rate that it brings."""
    concurrency = ConcurrencyLimit.start(most)
    while not concurrency.is_settled:
        concurrency = concurrency.on_rate(bring[concurrency.limit], 0.0)
    return concurrency


def test_connections_grow_while_each_brings_more() -> None:
    """An origin that caps each connection is asked over as many as are allowed."""
    assert run(32, {limit: limit * 85e6 for limit in range(33)}).limit == 32


def test_connections_that_bring_nothing_more_are_given_up() -> None:
    """A line that the first connections fill keeps those."""
    assert run(32, {FIRST: 100.0, 2 * FIRST: 101.0, 4 * FIRST: 101.0}).limit == FIRST


def test_one_tick_decides_nothing_that_is_not_clear() -> None:
    """A pause right after the doubling is made up for by the ticks behind it, and a burst does not stand for them."""
    paused = ConcurrencyLimit.start(2 * FIRST)
    for rate in (100.0, 100.0, 0.1, 60.0, 130.0, 150.0):
        paused = paused.on_rate(rate, 0.0)
    assert paused.limit == 2 * FIRST
    burst = ConcurrencyLimit.start(2 * FIRST)
    for rate in (100.0, 100.0, 0.1, 140.0, 80.0, 80.0):
        burst = burst.on_rate(rate, 0.0)
    assert burst.limit == FIRST


def test_a_registry_that_is_overrun_gets_fewer_and_never_none() -> None:
    """Each overload halves, down to one."""
    concurrency = ConcurrencyLimit.start(16).on_rate(1.0, 0.0)
    for _ in range(9):
        assert concurrency.hears(60)
        concurrency = concurrency.on_overload()
    assert concurrency.limit == 1


def test_one_overload_that_many_connections_hear_of_halves_once() -> None:
    """A registry that restarts answers each of them with 503, one after another."""
    concurrency = ConcurrencyLimit.start(16).on_overload()
    assert concurrency.limit == FIRST // 2
    assert not concurrency.hears(2)
    assert concurrency.hears(6)


def test_after_an_overload_more_are_tried_again_later_and_in_small_steps() -> None:
    """One that is over costs no more than half a minute; one that comes again makes the pull more careful each time."""
    concurrency, rests = ConcurrencyLimit.start(16).on_overload().on_overload(), []
    assert concurrency.limit == 2
    assert not concurrency.is_due(100, 29)
    assert concurrency.is_due(100, 30), "one that lasts is one"
    concurrency = concurrency.on_rate(100.0, 0.0)
    assert concurrency.limit == 4
    assert concurrency.hears(0), "more than the registry takes was tried just now"
    for _ in range(6):
        concurrency = concurrency.on_overload()
        rests.append(concurrency.rest)
        concurrency = concurrency.on_rate(100.0, 0.0)
    assert rests == sorted(rests)
    assert 30 < rests[0] < rests[-1] == 240


@pytest.mark.parametrize(("cores", "first"), [(0.5, 2), (1, 2), (2, 2), (3, 3), (8, 8), (64, 8)])
def test_there_are_as_many_at_first_as_there_are_cores(cores: float, first: int) -> None:
    """More would take turns where the origin is fast; where it is slow, more are tried soon."""
    assert ConcurrencyLimit.start(16, cores).limit == first
    assert ConcurrencyLimit.start(1, cores).limit == 1


@given(st.integers(1, 64), st.lists(st.tuples(st.floats(0, 1e12), st.floats(0, 64)), max_size=30))
def test_the_limit_stays_between_one_and_the_most(most: int, rates: list[tuple[float, float]]) -> None:
    """Law: whatever the rates and the cores wanted, 1 <= limit <= most."""
    concurrency = ConcurrencyLimit.start(most)
    for rate, busy in rates:
        concurrency = concurrency.on_rate(rate, busy)
        assert 1 <= concurrency.limit <= most
    assert ConcurrencyLimit.start(1).limit == min(FIRST, 1)


BUFFER = 2 << 20
STEP_SECONDS, SLICE_SECONDS = 0.01, 0.25


def settled(
    seed: int,
    each: float,
    *,
    most: int = 32,
    total: float = float("inf"),
    cores: float = FIRST,
    cost: float = 0.0,
    starved: float = 0.0,
    seconds: float = 0.0,
) -> ConcurrencyLimit:
    """Pull from a simulated origin that gives `each` connection so much, and all so much, until nothing changes.

    Connections begin one after the other, differ by a tenth, and report a buffer, or what a quarter second brought.
    A gigabyte costs so many seconds of a core; when all cores are full, each connection always wants one. In the first
    `starved` seconds others leave a fifth of the cores, and any rate. With `seconds` the pull goes on for so long.
    """
    full = cores / cost * 1e9 if cost else float("inf")
    random = Random(seed)
    concurrency, begins, skill = ConcurrencyLimit.start(most, cores), [0.0] * most, [1.0] * most
    held, told = [0.0] * most, [0.0] * most
    for number in range(most):
        begins[number], skill[number] = random.uniform(0, 0.1), random.uniform(0.9, 1.1)
    looked, reads, limit, count = 0.0, 0, 0, 0.0
    for step in range(100_000):
        now = step * STEP_SECONDS
        begins[limit : concurrency.limit] = [now + begin for begin in begins[limit : concurrency.limit]]
        limit = max(limit, concurrency.limit)
        active = [number for number in range(concurrency.limit) if begins[number] <= now]
        left = random.uniform(0.1, 0.3) if now < starved else 1.0
        for number in active:
            share = left * min(each, total / len(active), full / len(active)) * skill[number]
            held[number] += share * STEP_SECONDS * random.uniform(0.6, 1.4)
            if held[number] >= BUFFER or now - told[number] >= SLICE_SECONDS:
                count, held[number], told[number] = count + held[number], 0.0, now
                reads += 1
        if concurrency.is_due(reads, now - looked):
            brought = len(active) * min(each, total / len(active))
            busy = min(brought, full) * cost / 1e9 if brought < full else max(cores, len(active))
            busy = 2 * left * busy if now < starved else busy
            concurrency, looked, reads, count = concurrency.on_rate(count / (now - looked), busy), now, 0, 0.0
        if now >= seconds if seconds else concurrency.is_settled:
            break
    return concurrency


@pytest.mark.parametrize("cores", [1, 2, 4, 64])
@pytest.mark.parametrize("each", [0.5e6, 1e6, 2e6, 5e6, 20e6, 85e6, 150e6])
def test_an_origin_that_limits_each_connection_is_asked_over_all_of_them(each: float, cores: int) -> None:
    """Slow connections report so seldom that their buffers' moments must not be taken for their rate."""
    assert [settled(seed, each, cores=cores).limit for seed in range(10)] == [32] * 10


@pytest.mark.parametrize("cost", [0.7, 1.4, 2.8])
@pytest.mark.parametrize("cores", [0.5, 1, 2, 4, 8])
def test_where_the_cores_are_full_no_more_connections_are_tried(cores: float, cost: float) -> None:
    """However slow the cores are: the rate says nothing of that."""
    first = ConcurrencyLimit.start(32, cores).limit
    assert [settled(seed, 4e9, cores=cores, cost=cost).limit for seed in range(10)] == [first] * 10


@pytest.mark.parametrize("cost", [1.4, 2.8])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_no_more_connections_are_tried_than_the_cores_can_work_for(cores: float, cost: float) -> None:
    """An origin that limits each is asked over as many as fill the cores, and not over all that are allowed."""
    enough = cores / cost * 1e9 / 50e6
    for seed in range(10):
        assert enough / 2 <= settled(seed, 50e6, cores=cores, cost=cost).limit <= 3 / 2 * enough


@pytest.mark.parametrize("total", [50e6, 400e6])
def test_a_line_that_is_full_is_seldom_asked_for_more(total: float) -> None:
    """Where more connections bring nothing, nearly all pulls stay with few."""
    limits = [settled(seed, 1e9, total=total).limit for seed in range(20)]
    assert sum(limit <= 2 * FIRST for limit in limits) >= 18


@pytest.mark.parametrize("starved", [0.3, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("each", [5e6, 20e6, 85e6])
def test_a_pull_that_begins_on_cores_of_others_comes_to_its_connections_later(each: float, starved: float) -> None:
    """As in a pod that starts beside much else: rates of that time say nothing, and are measured again."""
    limits = [settled(seed, each, most=16, cores=2, cost=1.0, starved=starved, seconds=10).limit for seed in range(20)]
    assert sum(limit >= 8 for limit in limits) >= 19, limits


def test_a_settled_limit_is_looked_at_ever_more_seldom() -> None:
    """After one second, two, four: a fetch of an hour tries some twelve times, each for a tenth of the time before."""
    concurrency, rests = ConcurrencyLimit.start(32), list[float]()
    for _ in range(100):
        concurrency = concurrency.on_rate(100.0, 0.0)
        if concurrency.is_settled:
            rests.append(concurrency.rest)
            assert not concurrency.is_due(1_000_000, concurrency.rest - 0.01)
            assert concurrency.is_due(0, concurrency.rest)
    assert rests[:4] == [1.0, 2.0, 4.0, 8.0]
    assert concurrency.proven == FIRST
