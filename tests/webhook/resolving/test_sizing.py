"""What a model needs on its volume."""

import pytest

from webhook.pod.quantities import quantity
from webhook.pod.resources import Resources
from webhook.resolving.sizing import room, with_storage


@pytest.mark.parametrize("size", [0, 1, 4096, 10**6, 10**9, 7 * 10**11, 1 << 50])
def test_there_is_room_for_the_files_and_a_little_more(size: int) -> None:
    """Too little would have the pod evicted; more than a tenth and a few blocks would cost nodes."""
    found = quantity(room(size))
    assert found is not None
    assert size * 1.02 + (32 << 20) <= found <= size * 1.1 + (128 << 20)


@pytest.mark.parametrize(
    "stated", [{"requests": {"ephemeral-storage": "1Gi"}}, {"limits": {"ephemeral-storage": "1Gi"}}]
)
def test_amounts_that_somebody_stated_stay(stated: dict[str, dict[str, str]]) -> None:
    """The user, the operator, or the container that lends them."""
    found = Resources.of({"resources": stated})
    assert with_storage(found, "9Gi", ()).to_raw() == stated


def test_storage_is_requested_and_not_limited() -> None:
    """A limit of the puller alone would be the limit of the whole pod."""
    found = with_storage(Resources((("cpu", "1"),), (("cpu", "2"),)), "9Gi", ())
    assert found.to_raw() == {"requests": {"cpu": "1", "ephemeral-storage": "9Gi"}, "limits": {"cpu": "2"}}
