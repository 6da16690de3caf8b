"""The resolver of a server: the registries that its operator names, and answers for the catalog kept fresh."""

import os
import threading
from collections.abc import Callable, Iterator
from itertools import islice

from registry.reference import Reference
from registry.source import OciSource, parse_source
from webhook.catalog import Catalog
from webhook.settings import Settings

from .policy import Policy
from .question import QuestionSettings
from .resolver import Note, Resolver, note_nothing

_ROUND_SECONDS = 1.0
_MOST_LOOKED_AT = 500
_MOST_ASKED = 5
"""How many entries are looked at, and asked for, in a round: a large catalog must cost admissions nothing."""

_AHEAD_SECONDS = 15.0
"""So long before its end an answer is renewed."""


class Registries:
    """The policy of settings and of the catalog of now. `resolve_registries` is None where nobody is asked."""

    def __init__(self, settings: Settings, catalog: Callable[[], Catalog]) -> None:
        self._named, self._catalog = (*(settings.resolve_registries or ()), *_of_prefix(settings)), catalog
        self._prefix = frozenset({f"{settings.default_prefix.removeprefix('oci://').rstrip('/')}/"} - {"/"})
        self._last: tuple[Catalog, Policy] | None = None

    def policy(self) -> Policy:
        """Return the policy; it is made anew when the catalog is another."""
        catalog, last = self._catalog(), self._last
        if last is None or last[0] is not catalog:
            named = (f"{one.registry}/{one.repository}" for one in catalog.references)
            policy = Policy.of(*self._named, *catalog.registries, repositories=self._prefix.union(named))
            last = self._last = (catalog, policy)
        return last[1]


class Freshness:
    """Renews the answers for the catalog's entries before they end, so that admissions find them."""

    def __init__(self, resolver: Resolver, catalog: Callable[[], Catalog]) -> None:
        self._resolver, self._catalog = resolver, catalog
        self._next = 0

    def follow(self) -> None:
        """Renew answers from now on, in a thread that ends with the process."""
        threading.Thread(target=self._follow, name="freshness", daemon=True).start()

    def renew(self) -> int:
        """Ask for the next entries whose answers end soon; return how many. One thread at a time may call this."""
        due = [one for one in self._some() if self._resolver.is_due(one, _AHEAD_SECONDS)]
        for reference in due[:_MOST_ASKED]:
            self._resolver.refresh(reference)
        return min(len(due), _MOST_ASKED)

    def _some(self) -> Iterator[Reference]:
        references = self._catalog().references
        start = self._next if self._next < len(references) else 0
        self._next = start + _MOST_LOOKED_AT
        return islice(references, start, self._next)

    def _follow(self) -> None:
        pause = threading.Event()
        while not pause.wait(_ROUND_SECONDS):
            self.renew()


def _of_prefix(settings: Settings) -> tuple[str, ...]:
    if not settings.default_prefix:
        return ()
    source = parse_source(f"{settings.default_prefix}/model:latest")
    return (source.reference.registry,) if isinstance(source, OciSource) else ()


def resolver_of(settings: Settings, catalog: Callable[[], Catalog], note: Note = note_nothing) -> Resolver | None:
    """Return the resolver that the settings ask for; None where nobody is asked. `note` is called with its answers."""
    if settings.resolve_registries is None:
        return None
    asking = QuestionSettings(
        plain_http=settings.plain_http,
        environ=os.environ,
        signatures="" if settings.mirrors else settings.signatures,  # a mirror may have a signature that we see nowhere
    )
    return Resolver(Registries(settings, catalog).policy, asking, note=note)
