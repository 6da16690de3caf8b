"""Globs over the files of a model, for push, pull and admission. Pure.

`*` matches `/` too, as in the Hugging Face hub's patterns; a glob that matches a folder covers all that is below it.

Tests: tests/packer/source/test_scan.py
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from .paths import parents


def covers(globs: Iterable[str], path: str) -> bool:
    """Return whether one of the globs matches a file or a folder above it; a slash at its end means folders only."""
    places = [*parents(path), path]
    return any(
        any(fnmatchcase(place, plain) for place in (places[:-1] if is_folder else places))
        for plain, is_folder in map(_plain, globs)
    )


def is_selected(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Return whether a glob of `include` covers a file, or there is none, and no glob of `exclude` does."""
    return (not include or covers(include, path)) and not covers(exclude, path)


def covers_all_of(globs: Sequence[str], folder: str) -> bool:
    """Return whether the globs cover everything that the folder may hold, so that the caller can skip it."""
    return covers([glob.rstrip("/") for glob in globs], folder) or covers(
        [glob.rstrip("*").rstrip("/") for glob in globs if glob.endswith(("/*", "/**"))], folder
    )


def _plain(glob: str) -> tuple[str, bool]:
    return glob.removeprefix("./").rstrip("/"), glob.endswith("/")
