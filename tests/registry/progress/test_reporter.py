"""What a transfer says of itself, and to whom."""

import io
import json
import threading

import pytest

from registry.errors import Unavailable
from registry.http.retry import Wait
from registry.process.signals import Ended
from registry.progress.reporter import JsonReporter, QuietReporter, Reporter
from registry.progress.stats import TransferStats, human

HURRIED = 0.01


class Stream(io.StringIO):
    """A stream that may be a terminal, and tells when something was written."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self.was_written = threading.Event()

    def isatty(self) -> bool:
        """Return whether people look at it."""
        return self._is_terminal

    def write(self, text: str) -> int:
        """Note that something came."""
        self.was_written.set()
        return super().write(text)


def watched(reporter: Reporter, stream: Stream) -> str:
    """Let a voice speak once of a meter that is half done."""
    stats = TransferStats(2_000_000)
    stats.add(1_000_000)
    with reporter.track(stats, "phi-4"):
        stream.was_written.wait(10)
    return stream.getvalue()


def test_a_terminal_gets_one_living_line() -> None:
    """The line is written over itself, and gone in the end."""
    stream = Stream(is_terminal=True)
    said = watched(Reporter(stream, HURRIED), stream)
    assert said.startswith("\rphi-4: 1.0 MB of 2.0 MB")
    assert said.endswith("\r\033[K")
    assert "\n" not in said


@pytest.mark.parametrize("error", [Unavailable("gone"), KeyboardInterrupt(), Ended(15)])
def test_the_living_line_is_gone_before_what_ended_the_transfer_is_told(error: BaseException) -> None:
    """Law: whatever ends it, the next text begins a line of its own."""
    stream = Stream(is_terminal=True)

    def transfer() -> None:
        with Reporter(stream, HURRIED).track(TransferStats(1), "phi-4"):
            stream.was_written.wait(10)
            raise error

    with pytest.raises(type(error)):
        transfer()
    assert stream.getvalue().endswith("\r\033[K")


def test_a_message_takes_the_place_of_the_living_line() -> None:
    """It is written over it, and ends; where no line stands it has no control characters."""
    stream = Stream(is_terminal=True)
    reporter = Reporter(stream, HURRIED)
    reporter.message("before")
    with reporter.track(TransferStats(1), "phi-4"):
        stream.was_written.clear()
        stream.was_written.wait(10)
        reporter.message("within")
    reporter.message("after")
    said = stream.getvalue()
    assert said.startswith("before\n\rphi-4:")
    assert "\rwithin\033[K\n" in said
    assert said.endswith("\r\033[Kafter\n")


def test_a_log_gets_plain_lines() -> None:
    """No control characters in a pod's log."""
    stream = Stream(is_terminal=False)
    said = watched(Reporter(stream, HURRIED), stream)
    assert said.startswith("phi-4: 1.0 MB of 2.0 MB")
    assert "\r" not in said


def test_a_program_gets_an_object_a_line() -> None:
    """Every line is JSON of its own, with bytes and seconds as numbers."""
    stream = Stream(is_terminal=True)
    reporter = JsonReporter(stream, HURRIED)
    reporter.message("hello")
    stream.was_written.clear()
    watched(reporter, stream)
    stats = TransferStats(10)
    stats.add(10)
    stats.spend("wire", 1.5)
    reporter.summary(stats, 2)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0] == {"event": "note", "text": "hello"}
    assert (lines[1]["event"], lines[1]["done"], lines[1]["total"]) == ("progress", 1_000_000, 2_000_000)
    assert lines[-1] == {"event": "end", "wireBytes": 10, "seconds": 2, "spent": {"wire": 1.5}}


def test_silence_is_silent() -> None:
    """--quiet says nothing, neither while it runs nor in the end."""
    stream = Stream(is_terminal=False)
    reporter = QuietReporter(stream, HURRIED)
    with reporter.track(TransferStats(1), "x"):
        reporter.message("x")
    reporter.summary(TransferStats(1), 1)
    assert stream.getvalue() == ""


def test_the_end_says_where_the_time_went() -> None:
    """Shares of the workers' time, not of the wall clock."""
    stream = Stream(is_terminal=False)
    stats = TransferStats(3_000_000)
    stats.add(3_000_000)
    stats.spend("wire", 3)
    stats.spend("hash", 1)
    Reporter(stream, HURRIED).summary(stats, 2)
    assert stream.getvalue() == "3.0 MB in 2.0 s, 1.5 MB/s (of the time: wire 75%, hash 25%)\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (123e9, "123 GB"), (5e15, "5000 TB")],
)
def test_sizes_are_read_by_people(count: float, text: str) -> None:
    """Powers of 1000, as disks and networks are sold."""
    assert human(count) == text


def test_waits_are_told_in_each_voice() -> None:
    """Of many at the same time one is told; programs get its facts, and nobody anything where nothing is to be said."""
    wait = Wait("GET http://reg.example/v2/: 503", 7.04, 53)
    words = "GET http://reg.example/v2/: 503; trying again in 7 s, for 53 s more at most"
    for kind, is_terminal, said in (
        (Reporter, False, f"{words}\n"),
        (Reporter, True, f"{words}\n"),
        (QuietReporter, False, ""),
    ):
        stream = Stream(is_terminal=is_terminal)
        reporter = kind(stream)
        for _ in range(3):
            reporter.wait(wait)
        assert stream.getvalue() == said
    stream = Stream(is_terminal=False)
    JsonReporter(stream, HURRIED).wait(wait)
    told = {"event": "wait", "text": words, "answered": "GET http://reg.example/v2/: 503", "seconds": 7.0, "left": 53}
    assert json.loads(stream.getvalue()) == told


def test_a_transfer_that_moved_nothing_says_so() -> None:
    """A second push of the same folder sends nothing, which is no rate of 0 bytes a second."""
    stream = Stream(is_terminal=False)
    stats = TransferStats(1_000_000_000)
    stats.skip(1_000_000_000)
    Reporter(stream, HURRIED).summary(stats, 0.2)
    assert stream.getvalue() == "nothing to transfer: all 1.0 GB were there already\n"
