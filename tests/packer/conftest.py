"""Fixtures of the packer's tests."""

from pathlib import Path

import pytest


@pytest.fixture(params=["registry", "layout"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a place to push to: the real registry, or a folder."""
    if request.param == "layout":
        return f"layout://{tmp_path / 'layout'}:v1"
    address = request.getfixturevalue("registry").address
    return f"{address}/packer/{tmp_path.name.lower().replace('_', '-')}:v1"
