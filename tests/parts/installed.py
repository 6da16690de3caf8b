"""Tools that no language's packages carry, and that Debian has."""

import os
import shutil

import pytest


def installed(name: str) -> str:
    """Return the path of a tool: missing, it fails CI and skips elsewhere."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")  # a laptop without that package
    return found
