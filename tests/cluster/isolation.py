"""Namespaces and cgroups of one cluster. Whatever runs in them ends with their first process, and that one with us.

The first process is init of a PID namespace: when it ends, the kernel ends every process in there, containers and
their shims too, and with them go mounts, interfaces and iptables rules. It ends when the process that started it does,
however that ends. After a SIGKILL directories of cgroups alone stay, and the next cluster removes them.

The machine's sysctls stay as they are: the kubelet finds files of its own where it would write to them.
"""

import os
import re
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.parts.process import Process, poll

_ROOT = Path(__file__).parents[2]
_CGROUPS = Path("/sys/fs/cgroup")
_PREFIX = "weighbridge-cluster-"
_START_SECONDS = 15
_END_SECONDS = 30

_JOIN = 'for group in $CLUSTER_CGROUPS; do echo $$ > "$group/cgroup.procs"; done; unset CLUSTER_CGROUPS; exec "$@"'

_OF_ANY_MOUNT = re.compile(r"^(?:(?:rw|ro|nosuid|nodev|noexec|relatime),)*|,?xattr|,?release_agent=[^,]*")

_NAMESPACES = ("--net", "--mount", "--pid", "--cgroup", "--ipc")

_ENDING_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""nsenter forwards no signals to what runs inside."""

_PREPARE = """
set -e
mount --make-rshared /
ip link set lo up
mount -t tmpfs tmpfs /sys/fs/cgroup
for hierarchy in $HIERARCHIES; do
  place="/sys/fs/cgroup/${hierarchy#*name=}"
  mkdir "$place"
  mount -t cgroup -o "$hierarchy" cgroup "$place"
done
for place in /run /var/lib /var/log; do
  mount -t tmpfs tmpfs "$place"
done
mkdir "$FOLDER/kubelet" /run/netns /var/lib/kubelet
mount --bind "$FOLDER/kubelet" /var/lib/kubelet
for setting in $SYSCTLS; do
  echo "${setting#*=}" > "$FOLDER/sysctl-${setting%%=*}"
  mount --bind "$FOLDER/sysctl-${setting%%=*}" "/proc/sys/$(echo "${setting%%=*}" | tr . /)"
done
echo ready
exec "$PYTHON" -c 'import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); [signal.pause() for _ in iter(int, 1)]'
"""
"""What init does first: containerd, the kubelet and CNI plugins find their usual places empty, the volumes on a disk.

It ignores SIGCHLD afterwards, so that the kernel reaps what is left to it."""

_SYSCTLS = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
}
"""What the kubelet wants, and would set for the whole machine."""


@dataclass(frozen=True)
class Isolation:
    """Namespaces with nothing in them but a loopback interface and their first process."""

    init: int
    """The process id of their first process, as this machine sees it."""

    cgroups: tuple[Path, ...]
    """One in each hierarchy."""

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """Return the command that runs `command` inside, in the root of this repository."""
        place = [f"--target={self.init}", *_NAMESPACES, f"--wdns={_ROOT}"]
        enter = ["nsenter", *place, "--", *_ENDING_WITH_ITS_PARENT]
        groups = " ".join(map(str, self.cgroups))
        return ["env", f"CLUSTER_CGROUPS={groups}", "sh", "-c", _JOIN, "sh", *enter, *command]

    def process_ids(self) -> set[int]:
        """Return the ids of all processes in the cgroups and those below."""
        files = [path for group in self.cgroups for path in group.rglob("cgroup.procs")]
        found = set()
        for path in files:
            with suppress(OSError):
                found |= set(map(int, path.read_text().split()))
        return found


@contextmanager
def isolated(folder: Path) -> Iterator[Isolation]:
    """Make the namespaces and cgroups, and end all that is in them with the block; raise NotReadyError.

    `folder` gets what init says, and the files in place of sysctls.
    """
    _remove_left_cgroups()
    hierarchies = _hierarchies()
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    cgroups = tuple(path / name for path in hierarchies.values())
    try:
        for path in cgroups:
            _make_cgroup(path)
        with Process(_init_command(), folder / "init.log", _init_environ(folder, hierarchies, cgroups)) as unshare:
            unshare.wait_until(lambda: "ready" in unshare.said().split(), _START_SECONDS)
            init = int(Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text())
            isolation = Isolation(init, cgroups)
            try:
                yield isolation
            finally:
                os.kill(init, signal.SIGKILL)
                poll(lambda: not isolation.process_ids(), _END_SECONDS)
    finally:
        for path in cgroups:
            _remove_cgroup(path)


def _init_command() -> list[str]:
    with_us = ["setpriv", "--pdeathsig", "KILL"]
    unshare = ["unshare", *_NAMESPACES, "--fork", "--kill-child=KILL", "--mount-proc"]
    return [*with_us, "sh", "-c", _JOIN, "sh", *unshare, "sh", "-c", _PREPARE]


def _init_environ(folder: Path, hierarchies: dict[str, Path], cgroups: Sequence[Path]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHON": sys.executable,
        "FOLDER": str(folder),
        "CLUSTER_CGROUPS": " ".join(map(str, cgroups)),
        "HIERARCHIES": " ".join(hierarchies),
        "SYSCTLS": " ".join(f"{name}={value}" for name, value in _SYSCTLS.items()),
    }


def has_cgroup_v1() -> bool:
    """Return whether this machine's controllers are in hierarchies of cgroup v1."""
    return "memory" in ",".join(_hierarchies()).split(",")


def _hierarchies() -> dict[str, Path]:
    """Return where each hierarchy of cgroup v1 is mounted, by its controllers or its name as mount takes them."""
    found = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup" and Path(place).is_relative_to(_CGROUPS):
            hierarchy = _OF_ANY_MOUNT.sub("", options)
            found[f"none,{hierarchy}" if "name=" in hierarchy else hierarchy] = Path(place)
    return found


def _make_cgroup(path: Path) -> None:
    path.mkdir(exist_ok=True)
    for name in ("cpuset.cpus", "cpuset.mems"):  # a new one has none, and takes no process
        if (path / name).exists():
            (path / name).write_text((path.parent / name).read_text())


def _remove_cgroup(path: Path) -> None:
    """Remove a cgroup with those below it, where no process is left."""
    for inner in sorted((one for one in path.rglob("*") if one.is_dir()), reverse=True):
        with suppress(OSError):
            inner.rmdir()
    with suppress(FileNotFoundError):
        path.rmdir()


def _remove_left_cgroups() -> None:
    for hierarchy in _hierarchies().values():
        for path in hierarchy.glob(f"{_PREFIX}*"):
            process, _, _ = path.name.removeprefix(_PREFIX).partition("-")
            if not Path("/proc", process).exists():
                with suppress(OSError):
                    _remove_cgroup(path)
