"""The rendered manifests, once for all tests of this room."""

import pytest

from tests.conftest import Part

from .rendered import Object, render


@pytest.fixture(scope="session")
def manifests(part: Part) -> list[Object]:
    """Render deploy/ with the real kubectl."""
    return render(part("kubectl"))


@pytest.fixture(scope="session")
def by_kind(manifests: list[Object]) -> dict[str, list[Object]]:
    """Sort the rendered objects by kind."""
    kinds: dict[str, list[Object]] = {}
    for document in manifests:
        kinds.setdefault(document["kind"], []).append(document)
    return kinds
