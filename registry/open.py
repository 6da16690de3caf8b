"""From a source to the repository that holds it. The module for each kind of source is imported when it is used.

Tests: tests/registry/test_open.py
"""

from dataclasses import replace

from .access.access import Access
from .errors import SourceUnsupported
from .repository import DocumentSource, Pusher, Repository
from .source import ClaimSource, HubSource, LayoutSource, OciSource, Source


def open_repository(source: Source, access: Access) -> Repository:
    """Return the repository that a source names, for reading. Raises SourceUnsupported for a claim."""
    if isinstance(source, LayoutSource):
        from .layout.pull import LayoutRepository  # noqa: PLC0415 - see above

        return LayoutRepository(source)
    if isinstance(source, HubSource):
        from .huggingface.repository import HubRepository  # noqa: PLC0415 - see above

        return HubRepository(source, access)
    if isinstance(source, ClaimSource):
        raise _unopened(source)
    from .remote.pull import RemoteRepository  # noqa: PLC0415 - see above

    return RemoteRepository(access, source.reference)


def open_upstream(source: OciSource | LayoutSource, access: Access) -> Repository:
    """Return the repository that a source names as its registry itself has it, to be written to next: no mirror's."""
    if not isinstance(source, OciSource):
        return open_repository(source, access)
    from .remote.pull import RemoteRepository  # noqa: PLC0415 - see above

    return RemoteRepository(access, source.reference, (replace(access.upstream(source.reference), can_resolve=True),))


def open_documents(source: Source, access: Access) -> DocumentSource:
    """Return the repository that a source names, for reading documents as they are. Raises SourceUnsupported."""
    if isinstance(source, HubSource):
        hint = f"pack it as one: weighbridge push {source} REF"
        raise SourceUnsupported(f"{source}: is no artifact, and cannot be copied as it is", hint=hint)
    if isinstance(source, LayoutSource):
        from .layout.pull import LayoutRepository  # noqa: PLC0415 - see above

        return LayoutRepository(source)
    if isinstance(source, ClaimSource):
        raise _unopened(source)
    from .remote.pull import RemoteRepository  # noqa: PLC0415 - see above

    return RemoteRepository(access, source.reference)


def open_pusher(source: Source, access: Access) -> Pusher:
    """Return the repository that a source names, for writing. Raises SourceUnsupported for those that are only read."""
    if isinstance(source, LayoutSource):
        from .layout.push import LayoutPusher  # noqa: PLC0415 - see above

        return LayoutPusher(source)
    if isinstance(source, HubSource):
        raise SourceUnsupported(f"{source}: nothing is pushed to the hub", hint="name a registry or a layout")
    if isinstance(source, ClaimSource):
        raise _unopened(source)
    from .remote.push import RemotePusher  # noqa: PLC0415 - see above

    return RemotePusher(access, source.reference)


def _unopened(source: ClaimSource) -> SourceUnsupported:
    return SourceUnsupported(
        f"{source}: a claim is mounted into pods, and nothing is pulled from it",
        hint="name a registry, a layout or the hub; pvc:// is for the annotation weighbridge.dev/source",
    )
