"""What the API server made of a pod, and what it makes of it when it comes again."""

import json

from tests.parts.apiserver import ApiServer
from tests.parts.objects import Object


def as_new(pod: Object, name: str) -> Object:
    """Make a wish of what was stored."""
    metadata = {key: pod["metadata"][key] for key in ("labels", "annotations")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"name": name}, "spec": pod["spec"]}


def stored(pod: Object) -> tuple[Object, Object]:
    """Return what a webhook could have changed."""
    return pod["spec"], pod["metadata"]["annotations"]


def pullers(pod: Object) -> int:
    """Count the injected containers."""
    return [one["name"] for one in pod["spec"].get("initContainers", [])].count("weighbridge-puller")


def changes(server: ApiServer, pod: Object) -> list[Object]:
    """Return the calls in which a webhook changed this pod while it was created, from the audit log."""
    metadata = pod["metadata"]
    events = server.audited("create", metadata["namespace"], metadata["name"])
    notes = [note for event in events for note in event["annotations"].items()]
    calls = [json.loads(text) for key, text in notes if key.startswith("mutation.webhook")]
    assert calls, "no webhook was asked"
    return [call for call in calls if call["mutated"]]
