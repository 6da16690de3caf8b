"""What `certs status` says of TLS material, at each time of its life."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from certs.bundle import Bundle
from certs.errors import UnreadableError
from certs.files import read_bundle, write_bundle
from certs.issue import issue
from certs.names import Names
from certs.renewal import with_new_certificate, with_successor
from certs.report import Report

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
NAMES = Names.parse("weighbridge-webhook", "weighbridge-system", [], ["10.0.0.1"])
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Issue a bundle."""
    return issue(NAMES, NOW)


def test_people_read_names_days_and_authorities(bundle: Bundle) -> None:
    """And when built-in certificates are renewed."""
    lines = Report.of(bundle, NOW).to_text().splitlines()
    assert lines[1].endswith("weighbridge-webhook.weighbridge-system.svc and 1 more")
    assert lines[2] == "valid        until 2027-11-26 (365 days); two thirds have passed on 2027-07-27"
    assert lines[3].endswith("until 2036-11-23, which signed it")
    assert len(lines) == 4


def test_both_authorities_are_shown_during_a_rotation(bundle: Bundle) -> None:
    """First the new one, then the one that signed; after the new certificate the other way round."""
    during = with_successor(bundle, NOW)
    assert [one.has_signed for one in Report.of(during, NOW).authorities] == [False, True]
    after = with_new_certificate(during, NAMES, NOW)
    assert [one.has_signed for one in Report.of(after, NOW).authorities] == [True, False]
    assert Report.of(after, NOW).problem == ""


def test_rotations_do_not_gather_authorities(bundle: Bundle) -> None:
    """One that nothing served was signed by for two days is left out by the next."""
    for turn in range(1, 5):
        now = NOW + turn * 3 * DAY
        bundle = with_new_certificate(with_successor(bundle, now), NAMES, now)
        assert len(Report.of(bundle, now).authorities) == 2


@pytest.mark.parametrize(
    ("days", "problem"),
    [(-1, "is not valid yet"), (0, ""), (364, ""), (366, "the certificate has expired")],
)
def test_what_keeps_it_from_serving_is_said(bundle: Bundle, days: int, problem: str) -> None:
    """By the time that is asked about."""
    report = Report.of(bundle, NOW + days * DAY)
    assert (problem in report.problem) if problem else not report.problem
    assert ("problem" in report.to_raw()) is bool(problem)


def test_parts_that_do_not_belong_together_are_a_problem(bundle: Bundle) -> None:
    """Another key, or another CA; a missing CA is none, where somebody else's is trusted."""
    other = issue(NAMES, NOW)
    for wrong in (replace(bundle, key=other.key), replace(bundle, ca_certificate=other.ca_certificate)):
        assert "do not belong together" in Report.of(wrong, NOW).problem
    assert Report.of(replace(bundle, ca_certificate=b""), NOW).problem == ""
    with pytest.raises(UnreadableError):
        Report.of(replace(bundle, certificate=b"x"), NOW)


def test_files_are_read_as_they_were_written(bundle: Bundle, tmp_path: Path) -> None:
    """With the CA's key and without; a folder without a certificate is told."""
    for one in (bundle, bundle.without_ca_key()):
        folder = tmp_path / str(one.ca_key is None)
        write_bundle(one, folder)
        assert read_bundle(folder) == one
    with pytest.raises(UnreadableError, match=r"tls\.crt"):
        read_bundle(tmp_path)
