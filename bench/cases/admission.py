"""What the webhook adds to the creation of a pod, at a real API server."""

import copy
import http.client
import json
import ssl
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.outcome import Goal, Outcome
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer, running_api_server
from tests.parts.build import PartError, binary

from . import Bench

_RATE = 100
"""Pods a second."""
_SENDERS = 8
_LIMIT_MILLISECONDS = 5.0
_ADMISSION = Path(__file__).parents[2] / "deploy" / "base" / "admission.yaml"
_OPTED_IN = {"weighbridge.dev/injection": "enabled"}
_POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "vllm-", "labels": {"weighbridge.dev/model": "model-7"}},
    "spec": {"containers": [{"name": "vllm", "image": "registry.example/vllm:1", "args": ["serve", "/models"]}]},
}


def admission(bench: Bench) -> Outcome:
    """Create pods by dry run, in turns with and without the label, while the catalog rests and while it changes."""
    title = f"{_RATE} pods a second, a catalog of {bench.plan.catalog_entries} entries"
    try:
        programs = {name: binary(name) for name in ("etcd", "kube-apiserver")}
    except PartError as error:
        return Outcome("admission", title, (Goal("p99 that is added", 5, None, "ms", remark=str(error)),), {})
    with ExitStack() as running:
        server = running.enter_context(running_api_server(programs, _folder(bench, "api-server")))
        mount = running.enter_context(_webhook(server, _folder(bench, "webhook"), bench.plan.catalog_entries))
        goals = [
            _goal(bench, server, "p99 that is added while the catalog rests", None),
            _goal(bench, server, "p99 that is added while the catalog changes each second", mount),
        ]
    return Outcome("admission", title, tuple(goals), {})


def _folder(bench: Bench, name: str) -> Path:
    folder = bench.memory / "admission" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _goal(bench: Bench, server: ApiServer, promise: str, mount: Path | None) -> Goal:
    added, medians = [], []
    with _changing(mount) if mount else ExitStack():
        for _ in range(bench.plan.rounds):
            bare = _latencies(server, "plain", bench.plan.pods)
            labelled = _latencies(server, "labelled", bench.plan.pods)
            added.append(_p99(labelled) - _p99(bare))
            medians.append(statistics.median(labelled) - statistics.median(bare))
    remark = f"median pod {statistics.median(medians):.2f} ms; median of {bench.plan.rounds} rounds"
    return Goal(promise, _LIMIT_MILLISECONDS, round(statistics.median(added), 2), "ms", is_ceiling=True, remark=remark)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


@contextmanager
def _webhook(server: ApiServer, folder: Path, entries: int) -> Iterator[Path]:
    """Run the shipped server behind the API server; give the catalog's folder, filled as a kubelet fills it."""
    objects = server.objects()
    with running_webhook(folder, {}, {"PULLER_IMAGE": "registry.example/w:1"}) as webhook:
        mount = folder / "catalog"
        for generation in range(2):
            _write(mount, generation, entries)
        configuration = pointed_at(webhook, YAML(typ="safe", pure=True).load(_ADMISSION))
        probe = copy.deepcopy(_POD)
        probe["metadata"]["name"] = "probe"
        with registered(objects, configuration, probe):
            for name, labels in (("labelled", _OPTED_IN), ("plain", {})):
                metadata = {"name": name, "labels": labels}
                objects.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            yield mount


def _write(mount: Path, generation: int, entries: int) -> None:
    folder = mount / f"..{generation}"
    folder.mkdir()
    for number in range(entries):
        name = f"model-{number}"
        (folder / name).write_text(f"oci://registry.example/models/{name}:v{generation}")
        if not (mount / name).is_symlink():
            (mount / name).symlink_to(Path("..data") / name)
    _point(mount, generation)


def _point(mount: Path, generation: int) -> None:
    fresh = mount / "..data_tmp"
    fresh.symlink_to(f"..{generation}")
    fresh.replace(mount / "..data")


@contextmanager
def _changing(mount: Path) -> Iterator[None]:
    """Point the mount to the other generation each second, in which every entry differs."""
    stop = threading.Event()

    def change() -> None:
        generation = 0
        while not stop.wait(1):
            _point(mount, generation % 2)
            generation += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@dataclass
class _Round:
    """The pods of one round: who sends one takes the next, at its time."""

    server: ApiServer
    namespace: str
    count: int
    began: float = field(default_factory=time.monotonic)
    taken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    milliseconds: list[float] = field(default_factory=list)

    def send(self) -> None:
        """Send pods on one connection until all are sent."""
        host, _, port = self.server.url.removeprefix("https://").partition(":")
        trusted = ssl.create_default_context(cafile=str(self.server.ca_file))
        pod = copy.deepcopy(_POD)
        if self.namespace == "plain":
            del pod["metadata"]["labels"]
        body = json.dumps(pod).encode()
        headers = {"Authorization": f"Bearer {self.server.admin_token}", "Content-Type": "application/json"}
        path = f"/api/v1/namespaces/{self.namespace}/pods?dryRun=All"
        with closing(http.client.HTTPSConnection(host, int(port), context=trusted, timeout=30)) as connection:
            while (number := self._next()) < self.count:
                time.sleep(max(0.0, self.began + number / _RATE - time.monotonic()))  # they come at an even rate
                sent = time.monotonic()
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 201:
                    raise RuntimeError(f"the API server answered {answer.status}")
                self.milliseconds.append((time.monotonic() - sent) * 1000)

    def _next(self) -> int:
        with self.lock:
            self.taken += 1
            return self.taken - 1


def _latencies(server: ApiServer, namespace: str, count: int) -> list[float]:
    round_ = _Round(server, namespace, count)
    senders = [threading.Thread(target=round_.send) for _ in range(_SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if len(round_.milliseconds) != count:
        raise RuntimeError(f"only {len(round_.milliseconds)} of {count} pods were created")
    return round_.milliseconds
