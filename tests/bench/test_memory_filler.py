"""Laws of the memory that is kept at hand."""

from bench.memory_filler import IN_MEMORY, ON_DISK, MemoryFiller

_MIB = 1 << 20
_LEFT = 512 * _MIB


class Machine:
    """A machine of some memory, and the filler on it; others use `used` bytes."""

    def __init__(self, memory: int, size: int, share: float = IN_MEMORY) -> None:
        self.used = 0
        self.filler = MemoryFiller(size, share, lambda: memory - self.used - self.filler.held)


def test_what_is_free_is_held_but_for_half_a_gigabyte() -> None:
    """A command would find pages that the host took back. Whoever comes after needs the memory."""
    machine = Machine(_LEFT + 128 * _MIB, 1 << 30)
    with machine.filler as filler:
        filler.fill()
        assert filler.held == 128 * _MIB
    assert not filler.held


def test_what_is_held_is_freed_as_others_use_up_the_rest() -> None:
    """Nobody is to run out of memory by it; what others give back is held again."""
    machine = Machine(_LEFT + 128 * _MIB, 1 << 30)
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


def test_for_a_disk_half_is_left_and_stays_so() -> None:
    """Law: what others use is given to them, so that the kernel sees as much free memory as before."""
    machine = Machine(2048 * _MIB, 1 << 30, ON_DISK)
    with machine.filler as filler:
        for _ in range(2):
            filler.fill()
            assert filler.held == 1024 * _MIB
        machine.used = 320 * _MIB
        filler.give_way()
        assert filler.held == 704 * _MIB


def test_for_models_that_show_nothing_nothing_is_held() -> None:
    """Tests run a benchmark beside others, who need the memory."""
    machine = Machine(1 << 40, 255 * _MIB)
    machine.filler.fill()
    assert machine.filler.held == 0
