"""The story of a rotation, during which every call of the API server is answered with a certificate that it trusts.

1. Read the Secret, and see who manages it.
2. Make a new CA, which stands before the former one: both are trusted from now on.
3. Built-in certificates do the rest: the webhook's thread has the API server trust the new CA, waits, and signs by it.
4. Where you manage them: have the API server trust both CAs, wait until all API servers know that, and then write a
   certificate that the new CA signed. The kubelet brings it within a minute; until then the former one is served.

Tests: tests/verbs/test_certificates.py
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from certs.bundle import Bundle
from certs.chain import leaf_of, names_in
from certs.errors import ManagedElsewhereError, UnreadableError
from certs.names import Names
from certs.renewal import holds_together, with_new_certificate, with_successor
from cluster.errors import Conflict

from .stored import ManagedBy, Store, not_trusting

_SERVICE = "weighbridge-webhook"
_WRITERS = "see who: kubectl get mutatingwebhookconfiguration admission.weighbridge.dev -o yaml --show-managed-fields"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did, and who goes on with it."""

    managed_by: ManagedBy
    bundle: Bundle


def rotate(
    store: Store, now: dt.datetime, wait: Callable[[], object], say: Callable[[str], object], *, is_trial: bool = False
) -> Rotation:
    """Replace CA and certificate of an install; a trial writes nothing. `wait` returns when all API servers know.

    Raises ManagedElsewhereError, UnreadableError, Conflict and the API server's other faults.
    """
    # 1
    stored = store.read()
    if stored.managed_by == "cert-manager":
        raise ManagedElsewhereError("cert-manager manages the Secret weighbridge-tls, and would write its own again")
    if not stored.bundle.ca_certificate or not holds_together(stored.bundle):
        raise UnreadableError("in the Secret weighbridge-tls certificate, key and CA do not belong together")
    # 2
    successor = with_successor(stored.bundle, now)
    if is_trial:
        return Rotation(stored.managed_by, successor)
    # 3
    if stored.managed_by == "built-in":
        store.write(successor, stored)
        return Rotation(stored.managed_by, successor)
    # 4
    webhooks = list(store.trusted())
    store.trust(successor, webhooks)
    say("the API server trusts the new CA beside the former one; waiting until all API servers know")
    wait()
    names = Names.among(_SERVICE, store.namespace, sorted(names_in(leaf_of(stored.bundle))))
    renewed = with_new_certificate(successor, names, now)
    finished = renewed if stored.bundle.ca_key else renewed.without_ca_key()
    lacking = not_trusting(finished, store.trusted())
    if lacking:
        said = f"something else wrote the CAs meanwhile: {', '.join(lacking)} lack the new one; the Secret is unchanged"
        raise Conflict(said, hint=_WRITERS)
    store.write(finished, stored)
    return Rotation(stored.managed_by, finished)
