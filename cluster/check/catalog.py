"""The lines about the catalog: whether its entries can be read, and whether registries have what they name. Pure.

Tests: tests/verbs/test_check.py
"""

from collections.abc import Iterator, Mapping

from cluster.errors import Absent
from registry.errors import Fault
from registry.printable import printable
from registry.reference import Reference
from registry.source import OciSource
from webhook.catalog import Catalog
from webhook.resolving.answer import Answer, Facts

from .finding import Finding, bad, good, unread, warn
from .reading import Reading

_WHY = {
    "not-found": "its registry does not have it, or does not show it without credentials",
    "not-in-time": "its registry did not answer from here",
    "needs-credentials": "its registry wants credentials, and none are used here",
    "refused": "its registry refused the question",
}


def of_catalog(reading: Reading) -> Iterator[Finding]:
    """Yield a line for each entry that cannot be read or is not there, or one for all."""
    catalog = reading.catalog
    if isinstance(catalog, Absent):
        yield warn("catalog", "there is no ConfigMap weighbridge-catalog", "kubectl apply --server-side -k deploy/")
        return
    if isinstance(catalog, Fault):
        yield unread("catalog", catalog)
        return
    for name, reason in catalog.broken.items():
        yield bad("catalog", f"the entry {printable(name)} cannot be read: {printable(reason)}")
    if not catalog.broken:
        count = len(catalog.entries)
        yield good("catalog", f"every entry of the catalog can be read ({count})" if count else "the catalog is empty")
    yield from _of_sources(catalog, reading.answers)


def _of_sources(catalog: Catalog, answers: Mapping[Reference, Answer]) -> Iterator[Finding]:
    """Yield what registries said; nothing where none was asked."""
    names = {
        entry.source.reference: name for name, entry in catalog.entries.items() if isinstance(entry.source, OciSource)
    }
    troubled = False
    for reference, answer in answers.items():
        if isinstance(answer, Facts):
            continue
        troubled = True
        why = _WHY.get(answer.code, answer.code)
        hint = "" if answer.code == "not-found" else "see that pods can pull it"
        yield warn("sources", f"{names[reference]}: {reference} is not known: {why}", hint)
    if answers and not troubled:
        yield good("sources", f"registries have what the catalog names ({len(answers)} asked, from here)")
