"""From a source to the repository that holds it."""

from .client import Access
from .layout import LayoutPublisher, LayoutRepository
from .remote import RemoteRepository
from .repository import Publisher, Repository
from .source import LayoutSource, Source
from .upload import RemotePublisher


def repository_at(source: Source, access: Access) -> Repository:
    """Open the place that a source names, to be read."""
    if isinstance(source, LayoutSource):
        return LayoutRepository(source)
    return RemoteRepository(access, source.reference)


def publisher_at(source: Source, access: Access) -> Publisher:
    """Open the place that a source names, to be written."""
    if isinstance(source, LayoutSource):
        return LayoutPublisher(source)
    return RemotePublisher(access, source.reference)
