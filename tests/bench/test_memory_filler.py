"""Laws of the memory that is kept at hand."""

from pathlib import Path

import pytest

from bench.memory_filler import HugePages, MemoryFiller, PageCache, Pages

_MIB = 1 << 20
_LEFT = 512 * _MIB


@pytest.fixture(params=["huge pages", "page cache"])
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Pages:
    """Hold memory in each way."""
    return HugePages() if request.param == "huge pages" else PageCache(tmp_path)


class Machine:
    """A machine of some memory, and the filler on it; others use `used` bytes."""

    def __init__(self, memory: int, size: int, pages: Pages) -> None:
        self.used = 0
        self.filler = MemoryFiller(size, pages, lambda: memory - self.used - self.filler.held)


def test_what_is_free_is_held_but_for_half_a_gigabyte(pages: Pages) -> None:
    """A command would find pages that the host took back. Whoever comes after needs the memory."""
    machine = Machine(_LEFT + 128 * _MIB, 1 << 30, pages)
    with machine.filler as filler:
        filler.fill()
        assert filler.held == 128 * _MIB
    assert not filler.held


def test_what_is_held_is_freed_as_others_use_up_the_rest(pages: Pages) -> None:
    """Nobody is to run out of memory by it; what others give back is held again."""
    machine = Machine(_LEFT + 128 * _MIB, 1 << 30, pages)
    with machine.filler as filler:
        filler.fill()
        machine.used = 50 * _MIB
        filler.give_way()
        assert filler.held == 64 * _MIB
        machine.used = 1 << 40
        filler.give_way()
        assert filler.held == 0
        machine.used = 0
        filler.fill()
        assert filler.held == 128 * _MIB


def test_for_models_that_show_nothing_nothing_is_held(pages: Pages) -> None:
    """Tests run a benchmark beside others, who need the memory."""
    machine = Machine(1 << 40, 255 * _MIB, pages)
    machine.filler.fill()
    assert machine.filler.held == 0
