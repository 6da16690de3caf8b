"""Laws of the cluster that the plays stand on."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.parts.process import Process, poll

from .cluster import Cluster, running_cluster
from .requirements import missing

_ROOT = Path(__file__).parents[2]
_BUSYBOX = "localhost/busybox:1"
_SETTINGS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")

_PLACES = ("/run/containerd", "/run/netns", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")


def _traces() -> dict[str, object]:
    """Return what a cluster could leave behind on this machine."""
    return {
        "cgroups": sorted(map(str, Path("/sys/fs/cgroup").glob("*/weighbridge-cluster-*"))),
        "mounts": Path("/proc/self/mounts").read_text(),
        "interfaces": sorted(Path("/sys/class/net").iterdir()),
        "places": [path.exists() for path in map(Path, _PLACES)],
        "sysctls": {name: Path("/proc/sys", name).read_text() for name in _SETTINGS},
        "children": Path(f"/proc/self/task/{os.getpid()}/children").read_text(),
    }


def _busybox(cluster: Cluster) -> None:
    found = shutil.which("busybox")
    assert found
    cluster.image(_BUSYBOX, {"busybox": Path(found)}, ["/busybox", "sh", "-c"])


def test_a_pod_runs_and_what_it_says_can_be_read(cluster: Cluster) -> None:
    """Scheduler, kubelet, containerd and the network are there."""
    _busybox(cluster)
    container = {"name": "main", "image": _BUSYBOX, "args": ["/busybox wget -T 2 -O - http://10.201.0.1:443/ || true"]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hello"}, "spec": spec})

    cluster.kubectl("wait", "pod/hello", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")


def test_a_registry_has_an_address_of_its_own_and_tells_what_it_was_asked(cluster: Cluster) -> None:
    """Plays count downloads there."""
    with cluster.registry() as registry:
        cluster.run([sys.executable, "-c", f"import urllib.request as r; r.urlopen('http://{registry.address}/v2/')"])

        assert ("GET", "/v2/", 200) in {(one.method, one.path, one.code) for one in registry.requests()}


def test_a_start_that_fails_leaves_nothing_behind(programs: Mapping[str, Path], tmp_path: Path) -> None:
    """A kubelet that dies at once takes all with it that was up already: processes, mounts, cgroups, interfaces."""
    before = _traces()

    with (
        pytest.raises(Exception, match="kubelet"),
        running_cluster(dict(programs) | {"kubelet": Path("/bin/false")}, tmp_path),
    ):
        pass

    assert _traces() == before


def test_a_killed_run_leaves_no_process_and_no_mount_and_the_next_one_removes_its_cgroups(
    programs: Mapping[str, Path], tmp_path: Path
) -> None:
    """Whoever ends a test run by SIGKILL gets the machine back as it was."""
    before = _traces()
    with _by_hand(tmp_path) as run:
        run.wait_until(lambda: "is Ready" in run.said(), 120)
        groups = list(Path("/sys/fs/cgroup").glob(f"*/weighbridge-cluster-{run.pid}-*"))
        assert groups
        os.kill(run.pid, signal.SIGKILL)
        assert poll(lambda: not any(_process_ids(group) for group in groups), 30)

    with running_cluster(programs, tmp_path):
        pass

    assert _traces() == before


def _by_hand(folder: Path) -> Process:
    return Process([sys.executable, "-m", "tests.cluster"], folder / "log", os.environ | {"TMPDIR": str(folder)})


def _process_ids(group: Path) -> str:
    return "".join(path.read_text() for path in group.rglob("cgroup.procs"))


def test_ctrl_c_ends_a_cluster_that_is_used_by_hand(tmp_path: Path) -> None:
    """The script that it names runs words on the node."""
    with _by_hand(tmp_path) as run:
        run.wait_until(lambda: "is Ready" in run.said(), 120)
        enter = next(line.strip() for line in run.said().splitlines() if line.strip().endswith("/enter"))
        nodes = subprocess.run([enter, "kubectl", "get", "nodes"], check=True, capture_output=True, text=True)
        os.kill(run.pid, signal.SIGINT)
        assert poll(lambda: not Path(enter).exists(), 60)

    assert "node-1" in nodes.stdout


def test_what_is_missing_is_named_as_the_packages_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads why the tests were skipped can type what helps."""
    monkeypatch.setenv("PATH", "/nowhere")

    assert "buildah, busybox-static" in missing()


def test_users_who_are_not_root_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Namespaces and cgroups are root's to make."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "needs root" in missing()
