"""When what happened to a pod with a model, from its admission to its readiness."""

import datetime as dt
import json
from collections.abc import Iterator

from tests.cluster.cluster import Cluster
from tests.parts.objects import Object

_PULLERS = {"weighbridge-puller": "weighbridge-puller", "weighbridge-pull": "weighbridge-ready"}
"""The containers that pull, each with the one whose termination message says how that ended."""


def timeline(cluster: Cluster, pod: Object, engine_started: float) -> str:
    """Return a line for each moment, in seconds since the API server got the pod.

    The API server's moments are of its audit log, the puller's of the times of its log lines, `engine_started` is the
    engine's own clock; all are clocks of one machine.
    """
    events = list(_audited(cluster, pod["metadata"]["uid"]))
    created = next(event for event in events if event["verb"] == "create")
    ready = next(event for event in events if event["verb"] == "patch" and _is_ready(event["responseObject"]))
    statuses = {one["name"]: one for one in pod["status"]["initContainerStatuses"]}
    puller = next(name for name in _PULLERS if name in statuses)
    lines = cluster.kubectl(
        "-n", pod["metadata"]["namespace"], "logs", pod["metadata"]["name"], "-c", puller, "--timestamps"
    ).splitlines()
    pulled = json.loads(statuses[_PULLERS[puller]]["state"]["terminated"]["message"])
    start = _seconds(created["requestReceivedTimestamp"])
    moments = [
        (_seconds(created["stageTimestamp"]), f"admitted, with {pulled['digest']}"),
        (_seconds(lines[0].split()[0]), "pull begun"),
        (_seconds(lines[-1].split()[0]), f"pulled and verified: {pulled['bytes']} bytes in {pulled['seconds']} s"),
        (engine_started, f"engine started; {_image(cluster, pod)}"),
        (_seconds(ready["requestReceivedTimestamp"]), "ready"),
    ]
    head = f"{pod['metadata']['name']}, seconds since it was created:"
    return "\n".join([head, *(f"  {moment - start:6.2f}  {what}" for moment, what in moments)])


def created_seconds(cluster: Cluster, pod: Object) -> float:
    """Return when the API server got a pod, in seconds since the epoch."""
    events = _audited(cluster, pod["metadata"]["uid"])
    return _seconds(next(event for event in events if event["verb"] == "create")["requestReceivedTimestamp"])


def _audited(cluster: Cluster, uid: str) -> Iterator[Object]:
    with (cluster.folder / "audit.log").open() as log:
        for line in log:
            if uid in line:
                yield json.loads(line)


def _is_ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"])


def _image(cluster: Cluster, pod: Object) -> str:
    about = f"involvedObject.uid={pod['metadata']['uid']},reason=Pulled"
    events = cluster.read("events", "-n", pod["metadata"]["namespace"], "--field-selector", about)["items"]
    said: list[str] = [
        one["message"] for one in events if one["involvedObject"]["fieldPath"] == "spec.containers{engine}"
    ]
    return said[-1]


def _seconds(text: str) -> float:
    """Return the seconds since the epoch of a time by RFC 3339, which may have nanoseconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = dt.datetime.fromisoformat(whole).replace(tzinfo=dt.UTC)
    return moment.timestamp() + float(f"0.{fraction or 0}")
