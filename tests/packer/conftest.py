"""Fixtures of the packer's tests."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packer.ledger import Ledger
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.http.transport import Transport
from tests.fakes.patience import HASTY


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach loopback registries as nobody."""
    with Access(transport=Transport(proxies={}), credentials=Credentials(), patience=HASTY) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger to which files that were written just now are old."""
    return Ledger(tmp_path / "cache" / "ledger.sqlite", clock=lambda: time.time() + 60)


@pytest.fixture(params=["registry", "layout"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a place to push to: the real registry, or a folder."""
    if request.param == "layout":
        return f"layout://{tmp_path / 'layout'}:v1"
    address = request.getfixturevalue("registry").address
    return f"{address}/packer/{tmp_path.name.lower().replace('_', '-')}:v1"
