"""How many connections fit into the memory that a pod lends its puller."""

import pytest

from puller.settings import Settings
from puller.store.memory import BASE_BYTES, CONNECTION_BYTES, affordable_connections
from webhook.pod.resources import NEEDED_BYTES

MIB = 1 << 20


@pytest.mark.parametrize(
    ("limit", "connections"),
    [(None, 16), (1 << 40, 16), (128 * MIB, 16), (90 * MIB, 16), (89 * MIB, 15), (64 * MIB, 3), (60 * MIB, 1), (1, 1)],
)
def test_each_connection_has_its_buffers_within_the_limit(limit: int | None, connections: int) -> None:
    """One is always opened: less memory than that is warned of at admission."""
    assert affordable_connections(16, limit) == connections


def test_a_pod_is_warned_from_the_amount_on_that_costs_connections() -> None:
    """The webhook knows the puller's need without importing it."""
    connections = Settings(source="x", destination="y").connections
    assert BASE_BYTES + connections * CONNECTION_BYTES == NEEDED_BYTES
