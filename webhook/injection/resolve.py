"""From a model's name to its source.

Tests: tests/webhook/test_inject.py
"""

from dataclasses import dataclass
from typing import Literal

from registry.errors import Fault
from registry.source import Source, parse_source
from webhook.catalog import Catalog
from webhook.quotes import quoted
from webhook.refusals import BrokenEntry, UnknownModel
from webhook.request import Request
from webhook.settings import Settings

Origin = Literal["annotation", "catalog", "prefix"]
ORIGINS: dict[Origin, str] = {
    "annotation": "the annotation weighbridge.dev/source",
    "catalog": "the catalog",
    "prefix": "the default prefix",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """The source of a name, where it was found, and the catalog's other facts."""

    source: Source
    origin: Origin
    gpu: bool = False
    mount_path: str | None = None


def resolve(request: Request, catalog: Catalog, settings: Settings) -> Resolution:
    """Return the model's source: 1. its annotation, 2. the catalog, 3. the default prefix.

    Raises BrokenEntry for a name whose entry cannot be read, and UnknownModel with near matches.
    """
    # 1.
    if request.source is not None:
        return Resolution(source=request.source, origin="annotation")
    # 2.
    if request.model in catalog.broken:
        raise BrokenEntry(f"the catalog entry {quoted(request.model)} is not valid: {catalog.broken[request.model]}")
    entry = catalog.entries.get(request.model)
    if entry is not None:
        return Resolution(source=entry.source, origin="catalog", gpu=entry.gpu, mount_path=entry.mount_path)
    # 3.
    if not settings.default_prefix:
        raise _unknown(request.model, catalog, "there is no default prefix")
    try:
        return Resolution(source=_by_prefix(request.model, settings), origin="prefix")
    except Fault as error:
        raise _unknown(request.model, catalog, "the default prefix does not make a valid reference of it") from error


def _by_prefix(model: str, settings: Settings) -> Source:
    name, tag = model, "latest"
    if settings.name_tag_form and "." in model:
        name, _, tag = model.partition(".")
    return parse_source(f"{settings.default_prefix}/{name}:{tag}")


def _unknown(model: str, catalog: Catalog, why: str) -> UnknownModel:
    near = catalog.near(model)
    guess = f"did you mean {' or '.join(near)}? Otherwise " if near else ""
    return UnknownModel(
        f"the model {quoted(model)} is not in the catalog, and {why}",
        hint=f"{guess}{UnknownModel.hint}",
    )
