"""The registries that an operator names, and answers that are there before admissions ask."""

from collections.abc import Iterator

import pytest

from registry.annotations import CONFIG_TYPE
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from registry.reference import Reference
from tests.fakes.clock import Clock
from tests.fakes.registry import FakeRegistry, fake_registry
from webhook.catalog import Catalog
from webhook.resolving.answer import Facts
from webhook.resolving.freshness import Freshness, Registries, resolver_of
from webhook.resolving.resolver import Bounds, Resolver
from webhook.settings import Settings

from .one import resolve_one

_MANIFEST = Manifest(config=Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(b"{}"), size=2), layers=())


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Return a registry that has a model."""
    with fake_registry() as found:
        found.add(_MANIFEST)
        yield found


def test_the_operator_names_registries_in_three_places() -> None:
    """The catalog, the default prefix and the setting; what a pod names is none of them."""
    settings = Settings(resolve_registries=("quay.io",), default_prefix="ghcr.io/org")
    catalog = Catalog.read({"a": "registry.example.com/a:v1", "b": "hf://org/b", "c": "pvc://claim"})
    policy = Registries(settings, lambda: catalog).policy()
    assert policy.hosts == {"quay.io", "ghcr.io", "registry.example.com"}


def test_a_catalog_that_changes_changes_the_registries() -> None:
    """At once, and what left it is asked no more."""
    catalogs = [Catalog.read({"a": "one.example.com/a:v1"}), Catalog.read({"a": "two.example.com/a:v1"})]
    registries = Registries(Settings(), lambda: catalogs[0])
    assert registries.policy().hosts == {"one.example.com"}
    catalogs.pop(0)
    assert registries.policy().hosts == {"two.example.com"}


def test_an_operator_may_have_nobody_asked() -> None:
    """Not even the catalog's registries."""
    assert resolver_of(Settings.from_env({"WEIGHBRIDGE_RESOLVE_REGISTRIES": "none"}), Catalog) is None


def test_admissions_find_the_answers_for_the_catalog(fake: FakeRegistry) -> None:
    """They are asked for before, and renewed before they end; then an admission waits for nothing."""
    clock, reference = Clock(), Reference.parse(fake.reference())
    catalog = Catalog.read({"phi-4": fake.reference(), "same": fake.reference()})
    bounds = Bounds(deadline_seconds=20.0, clock=clock)
    resolver = Resolver(Registries(Settings(), lambda: catalog).policy, bounds=bounds)
    freshness = Freshness(resolver, lambda: catalog)
    assert (freshness.renew(), freshness.renew()) == (1, 0)
    assert resolve_one(resolver, "team", reference) == Facts(Digest.of(_MANIFEST.to_bytes()), is_image=False)
    assert len(fake.requests) == 1
    clock.now += bounds.tag_seconds - 1
    assert freshness.renew() == 1
    clock.now += 2
    assert resolve_one(resolver, "team", reference) == Facts(Digest.of(_MANIFEST.to_bytes()), is_image=False)
    assert len(fake.requests) == 2
    resolver.close()


def test_a_large_catalog_is_renewed_a_little_at_a_time(fake: FakeRegistry) -> None:
    """All of it in the end, and a few requests in a round."""
    catalog = Catalog.read({f"m{number}": fake.reference(f"t{number}") for number in range(12)})
    bounds = Bounds(deadline_seconds=20.0, clock=Clock())
    resolver = Resolver(Registries(Settings(), lambda: catalog).policy, bounds=bounds)
    freshness = Freshness(resolver, lambda: catalog)
    rounds = [freshness.renew() for _ in range(4)]
    assert rounds == [5, 5, 2, 0]
    assert len({request.path for request in fake.requests}) == 12
    resolver.close()
