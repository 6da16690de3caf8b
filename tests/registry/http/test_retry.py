"""Patience: what is waited for, how long, and who is told."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Fault, Mismatch, NotFound, Unauthorized, Unavailable, UploadModeRejected
from registry.http.failures import asked_seconds, other_failure
from registry.http.retry import Patience, wait_for
from tests.fakes.clock import Clock

NOW = datetime(2026, 11, 25, 18, 20, 1, tzinfo=UTC)
OURS = datetime(2026, 11, 25, 18, 20, 3, tzinfo=UTC)
"""Our own clock, two seconds ahead of the answers'."""

DATE = "Wed, 25 Nov 2026 18:20:01 GMT"


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("7", DATE, 7),
        (" 7 ", DATE, 7),
        ("0", DATE, None),
        ("Wed, 25 Nov 2026 18:20:08 GMT", DATE, 7),
        ("Wednesday, 25-Nov-26 18:20:08 GMT", DATE, 7),
        ("Wed Nov 25 18:20:08 2026", DATE, 7),
        ("Wed Nov  5 18:20:08 2026", DATE, None),
        ("Wed, 25 Nov 2026 18:20:08 GMT", "", 5),
        ("Wed, 25 Nov 2026 18:20:08 GMT", "yesterday", 5),
        ("Wed, 25 Nov 2026 18:20:60 GMT", DATE, 59),
        ("Wed, 25 Nov 2026 18:20:01 GMT", DATE, None),
        ("Tue, 24 Nov 2026 18:20:08 GMT", DATE, None),
        ("Wednesday, 25-Nov-99 18:20:08 GMT", DATE, None),
        *(
            (odd, DATE, None)
            for odd in ("", "-1", "1.5", "1e3", "\N{ARABIC-INDIC DIGIT SEVEN}", "soon", "7 s", "9" * 40)
        ),
        *((odd, DATE, None) for odd in ("Wed, 32 Nov 2026 18:20:08 GMT", "Wed, 25 Foo 2026 18:20:08 GMT")),
        *((odd, DATE, None) for odd in ("Wed, 25 Nov 2026 25:20:08 GMT", "Wed, 25 Nov 2026 18:20:08 CET")),
    ],
)
def test_what_a_registry_asks_for_is_read(asked: str, date: str, seconds: float | None) -> None:
    """Seconds and all three forms of dates, against the answer's own clock; what is past or odd asks for nothing."""
    assert asked_seconds(asked, date, OURS) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_too_odd_to_be_read(asked: str, date: str) -> None:
    """Law: whatever the headers say, seconds come out, or nothing."""
    seconds = asked_seconds(asked, date, NOW)
    assert seconds is None or seconds > 0


@given(st.integers(-(10**6), 10**6))
def test_dates_come_back_as_the_seconds_that_made_them(seconds: int) -> None:
    """Law: a date so many seconds ahead asks for so many seconds, in each form."""
    then = NOW + timedelta(seconds=seconds)
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"):
        assert asked_seconds(then.strftime(form), DATE, OURS) == (seconds if seconds > 0 else None)


@pytest.mark.parametrize(
    ("status", "is_temporary"),
    [
        *((status, True) for status in (408, 425, 429, 500, 502, 503, 504, 507, 522)),
        *((status, False) for status in (302, 400, 409, 416, 418, 501, 505)),
    ],
)
def test_statuses_that_may_pass_are_temporary(status: int, *, is_temporary: bool) -> None:
    """What a server says of itself, and not of the request, may pass."""
    assert other_failure("GET /", status, {}).temporary is is_temporary


PATIENCE = Patience(seconds=60)


@pytest.mark.parametrize(
    ("error", "planned", "spent", "was_asked", "wanted"),
    [
        (NotFound(""), 1.0, 0.0, False, None),
        (Unauthorized(""), 1.0, 0.0, False, None),
        (Mismatch(""), 1.0, 0.0, False, None),
        (Unavailable(""), 1.0, 0.0, False, 1.0),
        (Unavailable(""), 9.0, 55.0, False, 5.0),
        (Unavailable(""), 1.0, 60.0, False, None),
        (Unavailable("", has_other=True), 1.0, 99.0, False, 0.0),
        (UploadModeRejected(""), 1.0, 0.0, False, 0.0),
        (Unavailable("", retry_after_seconds=7), 1.0, 0.0, False, 7.0),
        (Unavailable("", retry_after_seconds=0.5), 1.0, 0.0, False, 1.0),
        (Unavailable("", retry_after_seconds=90), 1.0, 0.0, False, 90.0),
        (Unavailable("", retry_after_seconds=90), 1.0, 59.0, False, 90.0),
        (Unavailable("", retry_after_seconds=90), 1.0, 70.0, True, None),
        (Unavailable("", retry_after_seconds=7), 1.0, 30.0, True, 7.0),
        (Unavailable("", retry_after_seconds=9999), 1.0, 0.0, False, 120.0),
        (Unavailable("", is_lasting=True), 1.0, 1.0, False, 1.0),
        (Unavailable("", is_lasting=True), 1.0, 5.0, False, None),
    ],
)
def test_each_failure_is_waited_for_as_it_deserves(
    error: Fault, planned: float, spent: float, *, was_asked: bool, wanted: float | None
) -> None:
    """Not at all, at once, as planned, or as the registry asked: that once even beyond patience."""
    assert wait_for(PATIENCE, error, planned, spent=spent, was_asked=was_asked) == wanted


def failing(clock: Clock, fault: Fault, until: float) -> list[float]:
    """Call something that fails until a time, or for good; give when it was called."""
    called: list[float] = []

    def call() -> None:
        called.append(clock.now)
        if clock.now < until:
            raise fault

    clock.patience().patiently(call)
    return called


@pytest.mark.parametrize("seconds", [3, 10, 30, 59])
def test_an_outage_is_waited_out(seconds: float) -> None:
    """Whatever is back within a minute is noticed, soon after."""
    clock = Clock()
    assert seconds <= failing(clock, Unavailable("down"), seconds)[-1] <= seconds + 10


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (Unavailable("down"), 55, 61),
        (Unavailable("down", is_lasting=True), 2, 6),
        (Unavailable("down", retry_after_seconds=100), 100, 101),
        (NotFound("gone"), 0, 0),
    ],
)
def test_patience_ends(fault: Fault, least: float, most: float) -> None:
    """After a minute, sooner for what seldom passes, at once for what will not."""
    clock = Clock()
    with pytest.raises(type(fault)):
        failing(clock, fault, 1e9)
    assert least <= clock.now <= most


def test_patience_ends_even_where_sleeping_takes_no_time() -> None:
    """Waits that were broken short, or whose clock stands, wear it out as if they had been kept."""
    slept: list[float] = []
    patience = Patience(clock=lambda: 0.0, sleep=slept.append)
    with pytest.raises(Unavailable):
        patience.patiently(lambda: (_ for _ in ()).throw(Unavailable("down")))
    assert sum(slept) == pytest.approx(60)
    assert len(slept) < 30


def test_progress_renews_patience_and_a_trickle_does_not() -> None:
    """Law: what comes with a kilobyte a second goes on for ever; with less it ends within two minutes."""
    for rate, is_endless in ((2000, True), (500, False)):
        clock = Clock()
        waiting = clock.patience().begin()
        try:
            for _ in range(100):
                clock.sleep(20)
                waiting.after(Unavailable("cut"), rate * 30)
        except Unavailable:
            pass
        assert (clock.now > 2000) is is_endless
        assert is_endless or clock.now < 120


def test_waits_of_over_a_second_are_told() -> None:
    """Who, what was answered, how long, and how long at most: once for each wait."""
    clock = Clock()
    fault = Unavailable("GET http://reg.example/v2/: 503", retry_after_seconds=7)
    failing(clock, fault, 20)
    assert len(clock.waits) == 3
    assert str(clock.waits[0]) == "GET http://reg.example/v2/: 503; trying again in 7 s, for 53 s more at most"


def test_a_wait_that_is_broken_ends_patience() -> None:
    """A sleep that tells that it was broken is followed by no try."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        Patience(sleep=lambda _: True).patiently(call)
    assert len(calls) == 1


def test_waits_differ_between_clients() -> None:
    """Many pods that lost one registry do not come back in one moment."""
    firsts = set()
    for seed in range(20):
        slept: list[float] = []
        patience = Patience(clock=lambda: 0.0, sleep=slept.append, jitter=Random(seed).uniform)
        with pytest.raises(Unavailable):
            patience.patiently(lambda: (_ for _ in ()).throw(Unavailable("down")))
        firsts.add(round(slept[0], 3))
    assert len(firsts) > 10
