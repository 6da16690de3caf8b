"""Whether a server with the certificate would be believed."""

import datetime as dt
from pathlib import Path

import pytest

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names
from webhook.server.tls import BadCertificate, check_certificate

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a folder with a pair that was issued at NOW for thirty days."""
    names = Names.parse("weighbridge-webhook", "weighbridge-system", [], [])
    write_bundle(issue(names, NOW, leaf_days=30).without_ca_key(), tmp_path)
    return tmp_path


def test_a_valid_pair_is_believed(directory: Path) -> None:
    """From its issue to its end."""
    check_certificate(directory, NOW)
    check_certificate(directory, NOW + 29 * DAY)


@pytest.mark.parametrize("days", [-2, 31])
def test_a_certificate_outside_of_its_days_is_not_believed(directory: Path, days: int) -> None:
    """Expired, or not valid yet: a replica with it must get no requests."""
    with pytest.raises(BadCertificate, match="which is not now"):
        check_certificate(directory, NOW + days * DAY)


def test_a_key_of_another_certificate_is_noticed(directory: Path, tmp_path: Path) -> None:
    """A half-written renewal does not serve."""
    other = tmp_path / "other"
    names = Names.parse("weighbridge-webhook", "weighbridge-system", [], [])
    write_bundle(issue(names, NOW).without_ca_key(), other)
    (directory / "tls.key").write_bytes((other / "tls.key").read_bytes())
    with pytest.raises(BadCertificate, match="cannot be loaded"):
        check_certificate(directory, NOW)


def test_absent_and_broken_files_are_noticed(tmp_path: Path) -> None:
    """The Secret may not be there yet."""
    with pytest.raises(BadCertificate, match="cannot be loaded"):
        check_certificate(tmp_path, NOW)
    (tmp_path / "tls.crt").write_text("no certificate")
    (tmp_path / "tls.key").write_text("no key")
    with pytest.raises(BadCertificate, match="cannot be loaded"):
        check_certificate(tmp_path, NOW)
