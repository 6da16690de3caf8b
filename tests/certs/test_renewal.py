"""Years of rotation in a moment: whatever the clocks of replicas and API servers, what is served is trusted."""

import datetime as dt
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.bundle import Bundle
from certs.chain import authorities_of, leaf_of, names_in
from certs.issue import issue
from certs.names import Names
from certs.renewal import holds_together, is_due, next_bundle

NAMES = Names(service="weighbridge-webhook", namespace="weighbridge-system")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def is_trusted(served: Bundle, trusted: bytes) -> bool:
    """Return whether a client that trusts these CAs accepts the certificate."""
    return holds_together(replace(served, ca_certificate=trusted, ca_key=None))


def test_nothing_becomes_a_pair_that_serves_for_two_thirds_of_its_life() -> None:
    """Then the certificate alone is renewed, and clients notice nothing."""
    first = next_bundle(None, NAMES, START, b"")
    assert first is not None
    assert holds_together(first)
    trusted = first.ca_certificate
    assert next_bundle(first, NAMES, START + 200 * DAY, trusted) is None
    second = next_bundle(first, NAMES, START + 250 * DAY, trusted)
    assert second is not None
    assert second.ca_certificate == first.ca_certificate
    assert leaf_of(second).not_valid_after_utc > leaf_of(first).not_valid_after_utc
    assert is_trusted(second, trusted)
    assert next_bundle(second, NAMES, START + 250 * DAY, trusted) is None


@pytest.mark.parametrize("more", [{"more_dns": ("hooks.example.com",)}, {"addresses": (ip_address("2001:db8::0:5"),)}])
def test_a_name_or_an_address_that_is_new_gets_into_the_certificate(more: dict[str, Any]) -> None:
    """At the next start, not when two thirds of a year have passed; and then it is there."""
    first, names = issue(NAMES, START), replace(NAMES, **more)
    second = next_bundle(first, names, START, first.ca_certificate)
    assert second is not None
    assert names_in(leaf_of(second)) == names.texts
    assert next_bundle(second, names, START, second.ca_certificate) is None


def test_a_new_authority_signs_nothing_before_it_is_trusted() -> None:
    """And the former one stays trusted while its certificate is served, and two days beyond."""
    first = issue(NAMES, START)
    late = START + 2500 * DAY  # two thirds of ten years
    current = next_bundle(replace(first, certificate=first.certificate), NAMES, late, first.ca_certificate)
    assert current is not None
    assert len(authorities_of(current.ca_certificate)) == 2
    assert current.certificate == first.certificate
    assert next_bundle(current, NAMES, late, first.ca_certificate) is None, "the new CA is not trusted yet"
    renewed = next_bundle(current, NAMES, late, current.ca_certificate)
    assert renewed is not None
    assert is_trusted(renewed, current.ca_certificate)
    assert is_trusted(first, renewed.ca_certificate), "a replica that is behind"
    assert next_bundle(renewed, NAMES, late + DAY, renewed.ca_certificate) is None
    alone = next_bundle(renewed, NAMES, late + 3 * DAY, renewed.ca_certificate)
    assert alone is not None
    assert len(authorities_of(alone.ca_certificate)) == 1
    assert is_trusted(renewed, alone.ca_certificate)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 300), st.booleans(), st.booleans()), min_size=20, max_size=60))
def test_what_is_served_is_always_trusted(steps: list[tuple[int, bool, bool]]) -> None:
    """Law: over any twenty years a replica that is a turn behind, and one that is not, serve what clients trust.

    A turn takes some days here, a minute in truth; the API server follows in some of them only.
    """
    now, bundle, trusted, behind = START, None, b"", None
    for days, does_follow, does_catch_up in steps:
        fresh = next_bundle(bundle, NAMES, now, trusted)
        bundle = fresh or bundle
        assert bundle is not None
        behind = behind or bundle
        if does_follow or not trusted:
            trusted = bundle.ca_certificate
        assert is_trusted(bundle, trusted)
        if does_catch_up or now > leaf_of(behind).not_valid_after_utc:
            behind = bundle
        now += days * DAY if does_follow and does_catch_up else DAY / 24
    assert holds_together(bundle or issue(NAMES, now))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bundle: replace(bundle, certificate=b"no certificate"),
        lambda bundle: replace(bundle, key=issue(NAMES, START).key),
        lambda bundle: replace(bundle, ca_certificate=issue(NAMES, START).ca_certificate),
        lambda bundle: replace(bundle, ca_certificate=b""),
        lambda bundle: replace(bundle, ca_key=issue(NAMES, START).ca_key),
    ],
    ids=["certificate", "key", "authority", "no-authority", "authority's-key"],
)
def test_what_does_not_belong_together_is_made_anew(spoil: object) -> None:
    """Somebody edited the Secret: nothing in it can be served."""
    bundle = next_bundle(spoil(issue(NAMES, START)), NAMES, START, b"")  # type: ignore[operator] # one of the above
    assert bundle is not None
    assert holds_together(bundle)


def test_a_pair_without_its_authoritys_key_is_served_until_it_is_due() -> None:
    """`certs init` throws the key away: the successor needs another CA, which is trusted beside the first."""
    brought = issue(NAMES, START).without_ca_key()
    assert next_bundle(brought, NAMES, START + 100 * DAY, brought.ca_certificate) is None
    fresh = next_bundle(brought, NAMES, START + 250 * DAY, brought.ca_certificate)
    assert fresh is not None
    assert is_trusted(brought, fresh.ca_certificate)
    assert fresh.certificate == brought.certificate


def test_a_name_that_is_missing_is_a_reason_to_renew() -> None:
    """The Service was renamed, say."""
    bundle = issue(NAMES, START)
    other = Names(service="webhook", namespace="models")
    renewed = next_bundle(bundle, other, START, bundle.ca_certificate)
    assert renewed is not None
    assert next_bundle(renewed, other, START, bundle.ca_certificate) is None
    assert not is_due(leaf_of(renewed), START)
