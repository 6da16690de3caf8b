"""Quantities and what pods ask for."""

from decimal import Decimal
from typing import Any

import pytest

from webhook.pod.quantities import quantity
from webhook.pod.resources import is_guaranteed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        (2, "2"),
        ("0.5", "0.5"),
        ("100m", "0.1"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("2E", "2e18"),
        ("-1", "-1"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: object, value: str) -> None:
    """Suffixes are decimal, binary, or an exponent."""
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "one", None, [], {}])
def test_what_is_no_quantity_is_none(text: object) -> None:
    """An odd value is the API server's to refuse."""
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"limits": {"cpu": 1, "memory": "1Gi"}}, True),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, True),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "500m"}}, False),
        ({"limits": {"memory": "1Gi"}}, False),
        ({"limits": {"cpu": 0, "memory": "1Gi"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_pod_is_guaranteed_if_all_its_containers_get_just_what_they_may(resources: Any, *, expected: bool) -> None:
    """Both resources count, and init containers too."""
    exact = {"name": "a", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}
    other = {"name": "b", "resources": resources}
    assert is_guaranteed({"spec": {"containers": [exact, other]}}) is expected
    assert is_guaranteed({"spec": {"initContainers": [other], "containers": [exact]}}) is expected
