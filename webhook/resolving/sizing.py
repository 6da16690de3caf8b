"""What a model needs on its volume. Pure."""

from webhook.pod.quantities import quantity
from webhook.pod.resources import STORAGE, Amounts, Resources

_MIB = 1 << 20
_SLACK_BYTES = 64 * _MIB
_SLACK_SHARE = 20  # one in twenty: blocks of file systems, and the puller's own state


def room(content_bytes: int) -> str:
    """Return the amount of storage for files of so many bytes, as Kubernetes writes it."""
    needed = content_bytes + content_bytes // _SLACK_SHARE + _SLACK_BYTES
    return f"{-(-needed // _MIB)}Mi"


def with_storage(resources: Resources, amount: str, cap: Amounts) -> Resources:
    """Return resources that request so much ephemeral storage, unless they state some.

    None is requested where 0 is stated, or is the operator's cap: a node that tells of no storage takes no pod that
    requests any. There is no limit: one of an init container is the whole pod's, and the application writes files, too.
    """
    requests = dict(resources.requests)
    if amount and STORAGE not in requests and STORAGE not in dict(resources.limits):
        requests[STORAGE] = "0" if quantity(dict(cap).get(STORAGE)) == 0 else amount
    if not quantity(requests.get(STORAGE)):
        requests.pop(STORAGE, None)
    return Resources(tuple(sorted(requests.items())), resources.limits)
