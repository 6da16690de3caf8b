"""Laws of what is said where no cluster can run."""

import os

import pytest

from .requirements import missing


def test_what_is_missing_is_named_as_the_packages_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads why the tests were skipped can type what helps."""
    monkeypatch.setenv("PATH", "/nowhere")

    assert "buildah, busybox-static" in missing()


def test_users_who_are_not_root_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Namespaces and cgroups are root's to make."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "needs root" in missing()
