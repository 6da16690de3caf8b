"""The ways in which a fleet gets its model: what its pods share, and what is between them and the origin."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import ours
from bench.evaluation.layouts.run import check
from bench.evaluation.model import Phi

from .hosts import Network, Server, server
from .slices import slices
from .together import Puller, pull_together, wait_for_a_writer

ALONE = "origin alone"
CLAIM = "one claim"
HOST_PATH = "hostPath, four pods a node"
PULL_THROUGH = "pull-through registry"
PULL_THROUGH_WARM = "pull-through registry, warm"
SLICES = "pull-through nginx, slices"
CLAIM_DIES = "one claim, its puller killed half-way"
MIRROR_DIES = "pull-through registry, killed half-way"
PODS_A_NODE = 4
_MIRROR_RATE = "10gbit"

MISSING = {
    "Spegel": "the Go module proxy here does not serve github.com/spegel-org/spegel",
    "Dragonfly": "the Go module proxy here does not serve d7y.io/dragonfly/v2, and its client is written in Rust",
}

SETTINGS = {
    ALONE: "each pod has an emptyDir",
    CLAIM: "all pods have one ReadWriteMany claim, here a folder that all hosts see",
    HOST_PATH: "the pods of a node have one folder of it; the origin serves each node once",
    PULL_THROUGH: "CNCF distribution with proxy.remoteurl, empty, first in hosts.toml; its line is 10 Gbit/s",
    PULL_THROUGH_WARM: "the same, after one pod alone; what that one fetched is counted",
    SLICES: "nginx with slices of 4 MiB and proxy_cache_lock, empty, first in hosts.toml; its line is 10 Gbit/s",
    CLAIM_DIES: "the pod that pulls gets SIGKILL when it has half of the model; figures are of the others",
    MIRROR_DIES: "the registry between ends when a pod has half of the model; pods go on with the origin",
}

Meanwhile = Callable[[Sequence[Puller]], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """What every way has: a network, an origin with the model, and a folder for all volumes."""

    network: Network
    origin: Server
    reference: str
    phi: Phi
    folder: Path

    def play(self, pullers: list[Puller], meanwhile: Meanwhile = lambda _: None) -> dict[str, float]:
        """Pull together, compare all digests, and return the figures."""
        before = self.origin.sent_bytes()
        seconds = sorted(pull_together(pullers, meanwhile))
        sent = self.origin.sent_bytes() - before
        for puller in pullers:
            if not puller.was_killed:
                check(puller.destination / "model", self.phi.digests)
        return {
            "first_seconds": seconds[0],
            "last_seconds": seconds[-1],
            "first_to_last_seconds": seconds[-1] - seconds[0],
            "last_to_first": seconds[-1] / seconds[0],
            "origin_models": sent / self.phi.size,
        }


Way = Callable[[Stage, int], dict[str, float]]


def alone(stage: Stage, pods: int) -> dict[str, float]:
    """Give each pod a volume of its own, and nothing between it and the origin."""
    with _pullers(stage, pods, _hosts(stage)) as pullers:
        return stage.play(pullers)


def claim(stage: Stage, pods: int) -> dict[str, float]:
    """Give all pods one claim."""
    with _pullers(stage, pods, _hosts(stage), lambda _: "claim") as pullers:
        return stage.play(pullers)


def claim_dies(stage: Stage, pods: int) -> dict[str, float]:
    """Give all pods one claim, and kill the one that pulls when it has half of the model."""
    with _pullers(stage, pods, _hosts(stage), lambda _: "claim") as pullers:
        return stage.play(pullers, lambda running: wait_for_a_writer(running, stage.phi.size // 2).kill())


def host_path(stage: Stage, pods: int) -> dict[str, float]:
    """Give the pods of each node a folder of that node."""
    with _pullers(stage, pods, _hosts(stage), _node_of, PODS_A_NODE) as pullers:
        figures = stage.play(pullers)
        return figures | {"origin_models_a_node": figures["origin_models"] / (pods // PODS_A_NODE)}


def pull_through(stage: Stage, pods: int) -> dict[str, float]:
    """Put a registry between pods and origin that is empty at first."""
    with _mirror(stage) as mirror, _pullers(stage, pods, _hosts(stage, mirror)) as pullers:
        return stage.play(pullers)


def pull_through_slices(stage: Stage, pods: int) -> dict[str, float]:
    """Put nginx between pods and origin, empty at first, which fetches each slice of a blob once."""
    folder = stage.folder / "mirror"
    try:
        with (
            stage.network.host(_MIRROR_RATE) as host,
            slices(host, folder, stage.origin) as mirror,
            _pullers(stage, pods, _hosts(stage, mirror)) as pullers,
        ):
            return stage.play(pullers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pull_through_warm(stage: Stage, pods: int) -> dict[str, float]:
    """Put a registry between pods and origin through which one pod pulled before."""
    with _mirror(stage) as mirror:
        hosts = _hosts(stage, mirror)
        before = stage.origin.sent_bytes()
        with _pullers(stage, 1, hosts) as first:
            stage.play(first)
        filled = (stage.origin.sent_bytes() - before) / stage.phi.size
        with _pullers(stage, pods, hosts) as pullers:
            figures = stage.play(pullers)
        return figures | {"origin_models": figures["origin_models"] + filled}


def mirror_dies(stage: Stage, pods: int) -> dict[str, float]:
    """End the registry between pods and origin when a pod has half of the model."""
    with _mirror(stage) as mirror, _pullers(stage, pods, _hosts(stage, mirror)) as pullers:

        def end(running: Sequence[Puller]) -> None:
            wait_for_a_writer(running, stage.phi.size // 2)
            mirror.process.stop()

        return stage.play(pullers, end)


WAYS: dict[str, Way] = {
    ALONE: alone,
    CLAIM: claim,
    HOST_PATH: host_path,
    PULL_THROUGH: pull_through,
    PULL_THROUGH_WARM: pull_through_warm,
    SLICES: pull_through_slices,
    CLAIM_DIES: claim_dies,
    MIRROR_DIES: mirror_dies,
}


def _node_of(pod: int) -> str:
    return f"node-{pod // PODS_A_NODE}"


@contextmanager
def _pullers(
    stage: Stage, pods: int, hosts: Path, volume: Callable[[int], str] | None = None, pods_a_node: int = 1
) -> Iterator[list[Puller]]:
    """Make pullers on fresh hosts. `volume` names the one that a pod shares; without it each has an emptyDir."""
    volumes = stage.folder / "volumes"
    try:
        with ExitStack() as stack:
            nodes = [stack.enter_context(stage.network.host()) for _ in range(pods // pods_a_node)]
            made = []
            for pod in range(pods):
                place = volumes / (volume(pod) if volume else f"pod-{pod}")
                destination = place / f"pod-{pod}"
                destination.mkdir(parents=True)
                cache = place / "cache" if volume else None
                command = ours.pull(stage.reference, destination, cache=cache, hosts=hosts)
                made.append(Puller(nodes[pod // pods_a_node], command, destination))
            yield made
    finally:
        shutil.rmtree(volumes, ignore_errors=True)


@contextmanager
def _mirror(stage: Stage) -> Iterator[Server]:
    """Run an empty pull-through registry on a host of its own."""
    folder = stage.folder / "mirror"
    try:
        with (
            stage.network.host(_MIRROR_RATE) as host,
            server(host, folder / "storage", folder / "server", stage.origin) as running,
        ):
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hosts(stage: Stage, mirror: Server | None = None) -> Path:
    """Write the hosts.toml for the origin, with a mirror where there is one, and return the folder of hosts."""
    folder = stage.folder / "hosts"
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / stage.origin.address
    place.mkdir(parents=True)
    text = f'server = "https://{stage.origin.address}"\nca = "{stage.origin.certificate}"\n'
    if mirror:
        text += f'[host."https://{mirror.address}"]\ncapabilities = ["pull"]\nca = "{mirror.certificate}"\n'
    (place / "hosts.toml").write_text(text)
    return folder
