"""What is said of a transfer while it runs."""

import pytest

from registry.progress.pace import Pace, duration
from registry.progress.stats import TransferStats


def test_before_the_first_byte_there_is_no_guess() -> None:
    """Without a rate nothing is said of the time that is left."""
    assert Pace("x").line(TransferStats(10), 1.0) == "x: 0 B of 10 B (0%), 0 B/s"


def test_a_line_has_share_rate_and_the_time_that_is_left() -> None:
    """In the units that people count in."""
    stats = TransferStats(2_000_000_000)
    stats.add(500_000_000)
    assert Pace("phi-4").line(stats, 5.0) == "phi-4: 500 MB of 2.0 GB (25%), 100 MB/s, 15 s left"


def test_a_stall_shows_within_seconds() -> None:
    """The rate is that of the last ten seconds, however long the transfer has been fast before."""
    stats, pace = TransferStats(10**12), Pace("x")
    for second in range(1, 101):
        stats.add(100_000_000)
        assert pace.rate(stats, float(second)) == pytest.approx(100_000_000)
    rates = [pace.rate(stats, 100.0 + second) for second in range(1, 13)]
    assert rates == sorted(rates, reverse=True)
    assert rates[4] < 60_000_000
    assert rates[-1] == 0


def test_bytes_that_are_taken_back_make_no_negative_rate() -> None:
    """A corrupt piece is fetched again."""
    stats, pace = TransferStats(100), Pace("x")
    stats.add(50)
    pace.rate(stats, 1.0)
    stats.take_back(50)
    assert pace.rate(stats, 2.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (12_345, "3 h 25 min")]
)
def test_times_are_read_by_people(seconds: float, text: str) -> None:
    """Nobody reckons in thousands of seconds."""
    assert duration(seconds) == text
