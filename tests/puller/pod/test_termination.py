"""Termination messages fit into what the kubelet keeps of them, whatever they say."""

import json

from hypothesis import given
from hypothesis import strategies as some

from puller.pod.termination import closing_message

KEPT_OF_A_POD = 12 * 1024  # kubelet, MaxPodTerminationMessageLogLength: divided by the number of its containers
CONTAINERS = 12
TEXTS = some.text(max_size=3000)


@given(some.fixed_dictionaries({"error": TEXTS, "hint": TEXTS, "signers": some.lists(TEXTS, max_size=4)}))
def test_a_message_is_kept_whole_in_a_pod_of_many_containers(texts: dict[str, object]) -> None:
    """It is JSON, its numbers and short texts are as they were, and what is cut is a beginning of what was said."""
    message = closing_message({"code": "registry.not-found", "retries": 3, **texts})
    assert len(message) <= KEPT_OF_A_POD // CONTAINERS
    said = json.loads(message)
    assert (said["code"], said["retries"]) == ("registry.not-found", 3)
    for key in ("error", "hint"):
        assert str(texts[key]).encode(errors="replace").decode().startswith(said[key])


def test_a_message_of_ordinary_length_is_not_cut() -> None:
    """An error and a hint of four lines each."""
    texts = {"code": "volume.full", "error": "e" * 480, "hint": "h" * 420, "retries": 0}
    assert json.loads(closing_message(texts)) == texts
