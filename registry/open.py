"""From a source to the repository that holds it. Each kind of place is loaded by those alone who go there."""

from .errors import SourceUnsupported
from .remote.client import Access
from .repository import Publisher, Repository
from .source import HubSource, LayoutSource, Source


def repository_at(source: Source, access: Access) -> Repository:
    """Open the place that a source names, to be read."""
    if isinstance(source, LayoutSource):
        from .layout.pull import LayoutRepository  # noqa: PLC0415 - see above

        return LayoutRepository(source)
    if isinstance(source, HubSource):
        from .huggingface.repository import HubRepository  # noqa: PLC0415 - see above

        return HubRepository(source, access)
    from .remote.pull import RemoteRepository  # noqa: PLC0415 - see above

    return RemoteRepository(access, source.reference)


def publisher_at(source: Source, access: Access) -> Publisher:
    """Open the place that a source names, to be written."""
    if isinstance(source, LayoutSource):
        from .layout.push import LayoutPublisher  # noqa: PLC0415 - see above

        return LayoutPublisher(source)
    if isinstance(source, HubSource):
        raise SourceUnsupported(f"{source}: nothing is pushed to the hub", remedy="name a registry or a layout")
    from .remote.push import RemotePublisher  # noqa: PLC0415 - see above

    return RemotePublisher(access, source.reference)
