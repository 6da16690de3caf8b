"""The lines about the MutatingWebhookConfiguration, as far as the manifests ship it. Pure.

Tests: tests/verbs/test_check.py
"""

from collections.abc import Iterator

from certs.chain import signers_in
from certs.manifests import ca_bundle_in
from cluster.errors import Absent
from registry.errors import Fault
from webhook.pod.podspec import Raw, entries, mapping, name_of

from .certificate import chain_in
from .finding import Finding, bad, good, unread, warn
from .reading import Reading
from .shipped import ADDED_BY_CLOUDS, SHIPPED, Expression, Shipped, expressions

_SHOWN = 3


def of_admission(reading: Reading) -> Iterator[Finding]:
    """Yield the lines about the webhooks, their selectors, and the CAs that the API server trusts for them."""
    found = reading.configuration
    if isinstance(found, Absent):
        yield bad("configuration", "there is no MutatingWebhookConfiguration admission.weighbridge.dev")
    elif isinstance(found, Fault):
        yield unread("configuration", found)
    else:
        yield good("configuration", "the MutatingWebhookConfiguration admission.weighbridge.dev exists")
        present = {name_of(entry): entry for entry in entries(found, "webhooks")}
        yield from _of_names(present)
        yield from _of_policies(present)
        yield from _of_selectors(present)
        yield from _of_bundles(present, reading.secret)
    yield _of_policy(reading.policy, reading.policy_binding)


def _of_names(present: dict[str, Raw]) -> Iterator[Finding]:
    lacking = [name for name in SHIPPED if name not in present]
    if lacking:
        yield bad("webhooks", f"the configuration lacks {', '.join(lacking)}")
    else:
        yield good("webhooks", f"it has all of its {len(SHIPPED)} webhooks")


def _of_policies(present: dict[str, Raw]) -> Iterator[Finding]:
    odd = []
    for name, shipped in SHIPPED.items():
        stated = present[name].get("failurePolicy", "Fail") if name in present else shipped.failure_policy
        if stated != shipped.failure_policy:
            odd.append(f"{name} has the failurePolicy {stated}, not {shipped.failure_policy}")
    if odd:
        yield bad("failure-policy", "; ".join(odd))
    else:
        yield good("failure-policy", "labelled pods wait for the webhook, and all else does not")


def _of_selectors(present: dict[str, Raw]) -> Iterator[Finding]:
    found = [
        finding
        for name, shipped in SHIPPED.items()
        if name in present
        for finding in _of_selector(name, shipped, present[name])
    ]
    yield from found or [good("selectors", "its webhooks see what they should, and nothing else")]


def _of_selector(name: str, shipped: Shipped, entry: Raw) -> Iterator[Finding]:
    for selector, wanted in (("namespaceSelector", shipped.namespaces), ("objectSelector", shipped.objects)):
        stated = expressions(entry.get(selector))
        lacking = {one for one in wanted - stated if not _leaves_out_more(stated, one)}
        if lacking:
            yield bad("selectors", f"{name}: its {selector} lacks {_words(lacking)}")
        added = {one for one in stated - wanted if one[0] not in ADDED_BY_CLOUDS}
        if added and not lacking:
            yield warn("selectors", f"{name}: its {selector} leaves more out than the manifests': {_words(added)}")
    resources = {str(one) for rule in entries(entry, "rules") for one in rule.get("resources") or ()}
    lacking_kinds = shipped.resources - resources - ({*shipped.resources} if "*" in resources else set())
    if lacking_kinds:
        yield bad("selectors", f"{name}: its rules do not name {', '.join(sorted(lacking_kinds))}")
    unconditioned = shipped.conditions - {name_of(one) for one in entries(entry, "matchConditions")}
    if unconditioned:
        yield bad("selectors", f"{name}: its matchConditions lack {', '.join(sorted(unconditioned))}")


def _leaves_out_more(stated: frozenset[Expression], wanted: Expression) -> bool:
    """Return whether a selector leaves out all that an expression leaves out, and more of the same key."""
    key, operator, values = wanted
    wider = (frozenset(others) for name, other, others in stated if (name, other) == (key, "NotIn"))
    return operator == "NotIn" and any(others >= frozenset(values) for others in wider)


def _words(stated: set[Expression] | frozenset[Expression]) -> str:
    texts = sorted(f"{key} {operator} {' '.join(values)}".rstrip() for key, operator, values in stated)
    return ", ".join(texts[:_SHOWN])


def _of_bundles(present: dict[str, Raw], secret: Raw | Fault) -> Iterator[Finding]:
    known = {name: entry for name, entry in present.items() if name in SHIPPED}
    bare = [name for name, entry in known.items() if not ca_bundle_in(entry)]
    if bare:
        yield bad("ca-bundle", f"the API server has no CA for {', '.join(bare)}, so it cannot call them")
        return
    if isinstance(secret, Fault):
        yield unread("ca-bundle", secret)
        return
    chain = chain_in(secret)
    if not chain:
        return  # the line about the Secret says so
    strangers = [name for name, entry in known.items() if not signers_in(ca_bundle_in(entry), chain)]
    if strangers:
        yield bad("ca-bundle", f"the CA in the configuration did not sign what is served: {', '.join(strangers)}")
    else:
        yield good("ca-bundle", "the API server trusts the CA that signed the certificate")


def _of_policy(policy: Raw | Fault, binding: Raw | Fault) -> Finding:
    if isinstance(policy, Absent):
        return good("policy", "the policies of deploy/components/policy are not installed (they are optional)")
    if isinstance(policy, Fault):
        return unread("policy", policy)
    if isinstance(binding, Absent):
        return bad("policy", "the policy pods.weighbridge.dev has no binding, so that it refuses nothing")
    if isinstance(binding, Fault):
        return unread("policy", binding)
    actions = [str(one) for one in mapping(binding, "spec").get("validationActions") or ()]
    if "Deny" not in actions:
        said = ", ".join(actions) or "nothing"
        return bad(
            "policy", f"the binding of the policy pods.weighbridge.dev says {said}, and not Deny: it refuses nothing"
        )
    return good("policy", "a policy of the API server refuses labelled pods that no webhook saw")
