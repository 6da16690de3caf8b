"""Which tolerations cover which (core/v1, Toleration)."""

from typing import Any

import pytest

from webhook.pod.scheduling.tolerations import Toleration

GPU = Toleration("nvidia.com/gpu")


@pytest.mark.parametrize(
    ("raw", "is_covered"),
    [
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoSchedule"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "nvidia.com/gpu", "operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "PreferNoSchedule"}, False),
        ({"key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}, False),
        ({"key": "nvidia.com/gpu"}, False),
        ({"key": "amd.com/gpu", "operator": "Exists"}, False),
        ({}, False),
    ],
)
def test_a_toleration_covers_another_if_it_lets_through_all_that_the_other_would(
    raw: dict[str, Any], *, is_covered: bool
) -> None:
    """Key, operator and effect decide together."""
    assert GPU.is_covered_by(raw) is is_covered


def test_a_value_is_covered_by_the_same_value_or_by_any() -> None:
    """Equal without a value means the empty one."""
    wanted = Toleration("team", "a", "")
    assert wanted.is_covered_by({"key": "team", "operator": "Exists"})
    assert wanted.is_covered_by({"key": "team", "value": "a"})
    assert not wanted.is_covered_by({"key": "team", "value": "b"})
    assert not wanted.is_covered_by({"key": "team", "value": "a", "effect": "NoSchedule"})
    assert Toleration("team", "", "").is_covered_by({"key": "team"})


def test_a_toleration_for_some_seconds_does_not_cover_one_without_end() -> None:
    """A toleration of NoExecute may end after tolerationSeconds."""
    for_a_while = {"operator": "Exists", "tolerationSeconds": 300}
    assert not Toleration("a", None, "NoExecute").is_covered_by(for_a_while)
    assert Toleration("a", None, "NoSchedule").is_covered_by(for_a_while)


@pytest.mark.parametrize("text", ["a", "a=b", "a=:NoExecute", "nvidia.com/gpu:NoSchedule"])
def test_a_toleration_survives_its_raw_form(text: str) -> None:
    """What is written into a pod or a record reads back as the same."""
    toleration = Toleration.parse(text)
    assert Toleration.from_raw(toleration.to_raw()) == toleration
