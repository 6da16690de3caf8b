"""A cluster of one node, from nothing to Ready.

1. namespaces and cgroups, with a bridge for node, pods and Services
2. certificates, tokens and kubeconfigs
3. etcd, API server and containerd, with the image that every pod's sandbox has
4. when the API server answers: controller manager, scheduler, kubelet and kube-proxy
5. when the node is Ready and has a ServiceAccount for pods: the cluster
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from tests.parts.objects import Object
from tests.parts.process import Process, poll

from .control_plane import control_plane
from .host import Host, running_host
from .identities import NODE, Identities, make_identities
from .isolation import Isolation, isolated
from .network import set_up
from .node import PAUSE_IMAGE, SOCKET, node, pull_in_plain_http
from .oci_image import Files, rename_image, write_image
from .registry import ClusterRegistry, running_registry

PARTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "registry",
)
_START_SECONDS = 120

T = TypeVar("T")


class CommandFailed(AssertionError):
    """A command that ended with another code than 0; carries what it said."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that is Ready. Tests keep apart by namespaces and by names of images and repositories."""

    folder: Path
    isolation: Isolation
    identities: Identities
    programs: Mapping[str, Path]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def kubectl(self, *arguments: str | Path, stdin: str = "", caller: str = "admin") -> str:
        """Run kubectl; give what it prints, or raise CommandFailed."""
        return self.run(self._kubectl(caller, *arguments), stdin)

    def tried(self, *arguments: str) -> str:
        """Run kubectl; give what it prints, or nothing when it fails: what is asked for is not there yet."""
        with suppress(CommandFailed):
            return self.kubectl(*arguments)
        return ""

    def read(self, *arguments: str) -> Object:
        """Return an object, or a list of objects, as `kubectl get` finds it."""
        found: Object = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def apply(self, *documents: Object, namespace: str = "default") -> str:
        """Apply objects as `kubectl apply` does; give the warnings that it shows, or raise CommandFailed."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        command = self._kubectl("admin", "apply", "-n", namespace, "-f", "-")
        return self._run(command, json.dumps(listed)).stderr

    def image(self, name: str, files: Files, command: Sequence[str], base: Path | None = None) -> None:
        """Give the node an image of `files`, over those of the archive `base`."""
        archive = self.folder / f"image-{next(self._numbers)}.tar"
        write_image(archive, name, files, command, base)
        self._import(archive)

    def image_of(self, archive: Path, name: str) -> None:
        """Give the node the image in an OCI archive, by a name."""
        renamed = self.folder / f"image-{next(self._numbers)}.tar"
        rename_image(renamed, name, archive)
        self._import(renamed)

    def host(self, *, rate: str = "") -> AbstractContextManager[Host]:
        """Make a host beside the pods until the block ends; `rate` is what it may send, as tc writes it: `80mbit`."""
        return running_host(self.isolation, next(self._numbers), rate)

    @contextmanager
    def registry(self, *, rate: str = "", auth: Mapping[str, Any] | None = None) -> Iterator[ClusterRegistry]:
        """Run a registry on a host of its own, for pods and for images of the node, until the block ends.

        `auth` comes from tests.parts.distribution's basic_auth or token_auth; `rate` is the host's.
        """
        with self.host(rate=rate) as host:
            folder = self.folder / f"registry-{host.name}"
            folder.mkdir()
            with running_registry(host, self.programs["registry"], folder, auth) as running:
                pull_in_plain_http(self.folder, running.address)
                yield running

    def run(self, command: Sequence[str | Path], stdin: str = "") -> str:
        """Run a command on the node, in the root of this repository; give what it prints, or raise CommandFailed."""
        return self._run(command, stdin).stdout

    def containerd(self, *arguments: str | Path) -> str:
        """Run ctr in the namespace of Kubernetes; give what it prints, or raise CommandFailed."""
        return self.run([self.programs["ctr"], "--address", SOCKET, "-n", "k8s.io", *arguments])

    def wait(self, what: str, ask: Callable[[], T | None], within_seconds: float = 60) -> T:
        """Ask until there is an answer; raise CommandFailed with the cluster's pods and events when it is late."""
        answer = poll(ask, within_seconds)
        if not answer:
            raise CommandFailed(f"{what}: not within {within_seconds} s\n{self.kubectl('get', 'pods,events', '-A')}")
        return answer

    def _kubectl(self, caller: str, *arguments: str | Path) -> list[str | Path]:
        return [self.programs["kubectl"], f"--kubeconfig={self.identities.kubeconfig(caller)}", *arguments]

    def _run(self, command: Sequence[str | Path], stdin: str) -> "subprocess.CompletedProcess[str]":
        inside = self.isolation.command(command)
        answer = subprocess.run(inside, input=stdin, check=False, capture_output=True, text=True)
        if answer.returncode:
            said = shlex.join(map(str, command))
            raise CommandFailed(f"{said} ended with {answer.returncode}: {answer.stderr}{answer.stdout}")
        return answer

    def _import(self, archive: Path) -> None:
        self.containerd("images", "import", archive)
        archive.unlink()


@contextmanager
def running_cluster(programs: Mapping[str, Path], folder: Path) -> Iterator[Cluster]:
    """Run a cluster until the block ends; raise NotReadyError with the last words of whatever did not start.

    `programs` holds the paths of PARTS; all files go under `folder`. Nothing is left of it outside, however it ends.
    """
    with ExitStack() as running:
        isolation = running.enter_context(isolated(folder))  # 1.
        set_up(isolation)
        identities = make_identities(folder / "identities")  # 2.
        cluster = Cluster(folder, isolation, identities, programs)
        commands = control_plane(programs, identities, folder) | node(programs, identities, folder)

        def start(name: str) -> Process:
            command = isolation.command(commands[name])
            return running.enter_context(Process(command, folder / f"{name}.log", _environ()))

        server, containerd, _ = [start(name) for name in ("kube-apiserver", "containerd", "etcd")]  # 3.
        containerd.wait_until(lambda: "containerd successfully booted" in containerd.said(), _START_SECONDS)
        _import_pause(cluster)
        server.wait_until(lambda: _answers(cluster, "get", "--raw", "/readyz"), _START_SECONDS)
        names = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
        manager, _, kubelet, _ = [start(name) for name in names]  # 4.
        is_ready = ("wait", f"node/{NODE}", "--for=condition=Ready", "--timeout=5s")
        kubelet.wait_until(lambda: _answers(cluster, *is_ready), _START_SECONDS)
        has_account = ("get", "serviceaccount/default")
        manager.wait_until(lambda: _answers(cluster, *has_account), _START_SECONDS)
        yield cluster  # 5.


def _environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "OTEL_SDK_DISABLED": "true"}


def _import_pause(cluster: Cluster) -> None:
    busybox = shutil.which("busybox")
    assert busybox is not None, "tests.cluster.requirements looks for it"
    cluster.image(PAUSE_IMAGE, {"busybox": Path(busybox)}, ["/busybox", "tail", "-f", "/dev/null"])


def _answers(cluster: Cluster, *question: str) -> bool:
    """Return whether kubectl gets an answer; a program that asks in a hot loop would delay what it waits for."""
    cluster.run(["sleep", "0.2"])
    return bool(cluster.tried(*question))
