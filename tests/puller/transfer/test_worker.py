"""What a worker does after an error: a table, and nothing of it depends on time or the network."""

from itertools import product

import pytest

from puller.transfer.worker import Failure, Step, next_step

CORRUPT = [
    # has_other_host, was_refetched, has_digest, has_all
    ((False, False, False, False), Step.RAISE),
    ((False, False, False, True), Step.REFETCH_BLOB),
    ((False, False, True, False), Step.REFETCH_PIECE),
    ((False, False, True, True), Step.REFETCH_BLOB),
    ((False, True, False, False), Step.RAISE),
    ((False, True, False, True), Step.RAISE),
    ((False, True, True, False), Step.RAISE),
    ((False, True, True, True), Step.RAISE),
    ((True, False, False, False), Step.REFETCH_PIECE),
    ((True, False, False, True), Step.REFETCH_BLOB),
    ((True, False, True, False), Step.REFETCH_PIECE),
    ((True, False, True, True), Step.REFETCH_BLOB),
    ((True, True, False, False), Step.REFETCH_PIECE),
    ((True, True, False, True), Step.REFETCH_BLOB),
    ((True, True, True, False), Step.REFETCH_PIECE),
    ((True, True, True, True), Step.REFETCH_BLOB),
]

State = tuple[bool, bool, bool, bool]
STATES: list[State] = [(one, two, three, four) for one, two, three, four in product((False, True), repeat=4)]


def step_after(state: State, *, is_corrupt: bool, was_cut: bool) -> Step:
    """Return the next step in a state, its facts in the order of CORRUPT."""
    has_other_host, was_refetched, has_digest, has_all = state
    failure = Failure(
        is_corrupt=is_corrupt,
        was_cut=was_cut,
        has_other_host=has_other_host,
        has_digest=has_digest,
        has_all=has_all,
        was_refetched=was_refetched,
    )
    return next_step(failure)


@pytest.mark.parametrize("state", STATES)
def test_bytes_that_are_missing_are_asked_for_again(state: State) -> None:
    """A connection that the watchdog cut is replaced at once, and costs no patience; any other error waits."""
    assert step_after(state, is_corrupt=False, was_cut=True) is Step.RECONNECT
    assert step_after(state, is_corrupt=False, was_cut=False) is Step.WAIT


@pytest.mark.parametrize(("state", "step"), CORRUPT)
def test_bytes_that_are_wrong_are_refetched_or_named(state: State, step: Step) -> None:
    """Another host is asked as long as there is one, the same host once more, and only for what has a digest."""
    assert step_after(state, is_corrupt=True, was_cut=False) is step
    assert step_after(state, is_corrupt=True, was_cut=True) is step


def test_the_table_of_wrong_bytes_is_complete() -> None:
    """Every combination of the four facts stands in it once."""
    assert sorted(state for state, _ in CORRUPT) == sorted(STATES)
