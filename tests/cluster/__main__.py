"""A cluster for use by hand: `python -m tests.cluster`, until Ctrl-C."""

import shlex
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.parts.build import binary

from .cluster import PARTS, Cluster, running_cluster
from .node import SOCKET
from .requirements import missing


def main() -> int:
    """Bring a cluster up, say how it is used, and take it down at the end."""
    if lack := missing():
        print(lack, file=sys.stderr)
        return 1
    programs = {name: binary(name) for name in PARTS}
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="weighbridge-cluster-") as folder,
        suppress(KeyboardInterrupt),
        running_cluster(programs, Path(folder)) as cluster,
    ):
        print(_help(cluster, time.monotonic() - began), flush=True)
        signal.pause()
    return 0


def _help(cluster: Cluster, seconds: float) -> str:
    return (
        f"The cluster is Ready, after {seconds:.0f} s. A shell on its node, with kubectl, ctr and KUBECONFIG:\n\n"
        f"  {_write_enter(cluster)}\n\n"
        "With words after it, it runs them there: … kubectl get pods -A\n"
        f"KUBECONFIG={cluster.identities.kubeconfig('admin')}\nlogs: {cluster.folder}/*.log\nCtrl-C ends it."
    )


def _write_enter(cluster: Cluster) -> Path:
    """Write the script that enters the node, and return its path."""
    path = ":".join(sorted({str(program.parent) for program in cluster.programs.values()}))
    settings = {
        "KUBECONFIG": cluster.identities.kubeconfig("admin"),
        "CONTAINERD_ADDRESS": SOCKET,
        "CONTAINERD_NAMESPACE": "k8s.io",
    }
    lines = [
        "#!/bin/sh",
        f'export PATH="{path}:$PATH"',
        *(f"export {name}={value}" for name, value in settings.items()),
    ]
    inside = shlex.join(map(str, cluster.isolation.command([])))
    lines += ['test $# -gt 0 || set -- "${SHELL:-sh}"', f'exec {inside} "$@"']
    script = cluster.folder / "enter"
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
    return script


if __name__ == "__main__":
    sys.exit(main())
