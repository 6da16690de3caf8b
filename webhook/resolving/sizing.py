"""What a model needs on its volume. Pure."""

from webhook.pod.resources import STORAGE, Resources

_MIB = 1 << 20
_SLACK_BYTES = 64 * _MIB
_SLACK_SHARE = 20  # one in twenty: blocks of file systems, and the puller's own state


def room(content_bytes: int) -> str:
    """Return the amount of storage for files of so many bytes, as Kubernetes writes it."""
    needed = content_bytes + content_bytes // _SLACK_SHARE + _SLACK_BYTES
    return f"{-(-needed // _MIB)}Mi"


def with_storage(resources: Resources, amount: str) -> Resources:
    """Return resources that request so much ephemeral storage, unless they state an amount of it.

    There is no limit: one of an init container is the whole pod's, and the application writes files, too.
    """
    if not amount or STORAGE in dict(resources.requests) or STORAGE in dict(resources.limits):
        return resources
    return Resources(tuple(sorted((*resources.requests, (STORAGE, amount)))), resources.limits)
