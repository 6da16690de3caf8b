"""One reference, where a resolver takes several."""

from registry.reference import Reference
from webhook.resolving.answer import Answer
from webhook.resolving.resolver import Resolver


def resolve_one(resolver: Resolver, namespace: str, reference: Reference) -> Answer:
    """Return the answer for a reference."""
    (answer,) = resolver.resolve(namespace, [reference])
    return answer
