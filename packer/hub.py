"""A repository of the Hugging Face hub that is packed: judged by its listing, then pulled to a temporary folder.

A model takes hours to come: what can be known of it before is known before.

Tests: tests/packer/test_hub.py
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.access.access import Access
from registry.progress.reporter import Reporter
from registry.source import HubSource, parse_source

from .errors import BadFolder
from .form import Form, ModelInfo
from .source.scan import chosen
from .source.source_file import unread

Bring = Callable[[str, Path, Sequence[str], Access, Reporter], str]
"""Pulls a source to a folder, without what globs exclude; returns the source, pinned."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is packed of a repository: the form, and the globs that a scan of its folder would have."""

    form: Form
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def looked_up(source: HubSource, wanted: Wanted, access: Access) -> HubSource:
    """Return a repository at its commit, after its names and sizes were judged as a folder's are.

    Raises EmptyFolder, BadName, Suspicious, TooManyFiles, and the hub's errors.
    """
    from registry.huggingface.api import HuggingFace  # noqa: PLC0415 - its package takes a second to import

    hub = HuggingFace(access.hub_endpoint, access.transport)
    listing = access.patience.patiently(lambda: hub.look_up(source))
    files = [unread(file.path, file.size) for file in listing.files]
    wanted.form(chosen(str(source), files, wanted.include, wanted.exclude), ModelInfo())
    return listing.source


@contextmanager
def pulled(
    source: HubSource, exclude: Sequence[str], bring: Bring, access: Access, reporter: Reporter
) -> Iterator[tuple[Path, HubSource | None]]:
    """Pull a repository; return its folder, which is deleted at the end of the block, and the pinned source."""
    with _scratch() as scratch:
        folder = Path(scratch) / "model"
        pinned = parse_source(bring(str(source), folder, exclude, access, reporter))
        yield folder, pinned if isinstance(pinned, HubSource) else None


def _scratch() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix="weighbridge-")
    except OSError as error:
        raise BadFolder(
            f"no temporary folder can be made: {error.strerror}",
            hint="name one with TMPDIR that has room for the model",
        ) from None
