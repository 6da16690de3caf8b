"""What fits into the memory that a pod lends its puller."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puller.settings import Settings
from puller.store.memory import (
    BASE_BYTES,
    CONNECTION_BYTES,
    Window,
    affordable_connections,
    room_beside_connections,
)
from webhook.pod.resources import NEEDED_BYTES

MIB = 1 << 20


@pytest.mark.parametrize(
    ("limit", "connections"),
    [(None, 16), (1 << 40, 16), (128 * MIB, 16), (90 * MIB, 16), (89 * MIB, 15), (64 * MIB, 3), (60 * MIB, 1), (1, 1)],
)
def test_each_connection_has_its_buffers_within_the_limit(limit: int | None, connections: int) -> None:
    """One is always opened: less memory than that is warned of at admission."""
    assert affordable_connections(16, limit) == connections


def test_a_pod_is_warned_from_the_amount_on_that_costs_connections() -> None:
    """The webhook knows the puller's need without importing it."""
    connections = Settings(source="x", destination="y").connections
    assert BASE_BYTES + connections * CONNECTION_BYTES == NEEDED_BYTES


@pytest.mark.parametrize(("limit", "room"), [(None, None), (90 * MIB, 0), (1, 0), (512 * MIB, 422 * MIB)])
def test_what_the_process_needs_is_no_room_for_files(limit: int | None, room: int | None) -> None:
    """A model that fits into the rest stays in memory whole."""
    assert room_beside_connections(limit) == room


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(0, 100))
def test_the_window_holds_the_last_ranges_and_no_more(sizes: list[int], window: int) -> None:
    """Each range is dropped once, the oldest first, as soon as newer ones need its room."""
    dropped: list[int] = []
    with open(os.devnull, "rb") as file:  # noqa: PTH123 - a descriptor is what is needed
        held = Window(window, lambda _, start, __: dropped.append(start))
        for number, size in enumerate(sizes):
            held.add(file.fileno(), number, size)
            left = sizes[len(dropped) : number + 1]
            assert sum(left) <= window
            assert not left or sum(left) + sizes[len(dropped) - 1] > window or not dropped
    assert dropped == list(range(len(dropped)))


def test_a_window_that_is_left_holds_no_file_open(tmp_path: Path) -> None:
    """Nothing is dropped for that."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted
    held = Window(1000, lambda *_: pytest.fail("dropped"))
    for number in range(10):
        with (tmp_path / str(number)).open("wb") as file:
            held.add(file.fileno(), 0, 10)
    held.clear()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


def test_a_window_of_many_small_files_leaves_descriptors_to_others(tmp_path: Path) -> None:
    """A process may have 1,024, and a model has thousands of files."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted
    dropped: list[int] = []
    held = Window(1 << 30, lambda _, start, __: dropped.append(start))
    for number in range(1000):
        path = tmp_path / str(number)
        path.touch()
        with path.open("rb") as file:
            for part in range(2):
                held.add(file.fileno(), 2 * number + part, 3)
        assert len(os.listdir("/proc/self/fd")) <= before + 256  # noqa: PTH208 - as above
    assert dropped == list(range(2 * (1000 - 256)))


def test_a_file_that_was_closed_can_still_be_dropped(tmp_path: Path) -> None:
    """The window has a descriptor of its own, and gives it back."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted
    seen: list[bytes] = []
    held = Window(1, lambda handle, start, size: seen.append(os.pread(handle, size, start)))
    for name in ("a", "b"):
        path = tmp_path / name
        path.write_bytes(name.encode() * 3)
        with path.open("rb") as file:
            held.add(file.fileno(), 0, 3)
    assert seen == [b"aaa", b"bbb"]
    del held
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
