"""What waits for the disk is done in the order in which it came, and its failure is not lost."""

import threading

import pytest

from puller.errors import DiskFailed
from registry.process.background import Background


def test_every_item_is_done_once_in_order() -> None:
    """Also where there is none."""
    done: list[int] = []
    background = Background(done.append)
    background.finish()
    for number in range(100):
        background.add(number)
    background.finish()
    assert done == list(range(100))


def test_who_adds_does_not_wait_and_hears_of_a_failure() -> None:
    """The first one; nothing is done after it."""
    may_go_on, done = threading.Event(), list[int]()

    def work(number: int) -> None:
        may_go_on.wait()
        if number == 2:
            raise DiskFailed("the volume: Input/output error")
        done.append(number)

    background = Background(work)
    for number in range(1, 5):
        background.add(number)
    background.check()
    may_go_on.set()
    with pytest.raises(DiskFailed):
        background.finish()
    with pytest.raises(DiskFailed):
        background.check()
    assert done == [1]
