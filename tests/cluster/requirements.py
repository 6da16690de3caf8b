"""What a machine needs beside the built parts, and what it lacks."""

import os
import shutil
import sys
from pathlib import Path

from .isolation import has_cgroup_v1

_DEBIAN_PACKAGES = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "runc": "runc",
    "skopeo": "skopeo",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "tc": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}
_CNI_PLUGINS = Path("/usr/lib/cni/bridge")


def missing() -> str:
    """Say what this machine lacks for a cluster; empty when there is all."""
    if not sys.platform.startswith("linux"):
        return "a cluster needs Linux"
    if os.geteuid():
        return "a cluster needs root, for namespaces and cgroups"
    if not has_cgroup_v1():
        return "a cluster needs the hierarchies of cgroup v1: with v2 it was never tried"
    packages = {package for program, package in _DEBIAN_PACKAGES.items() if not shutil.which(program)}
    if not _CNI_PLUGINS.exists():
        packages.add("containernetworking-plugins")
    return f"a cluster needs Debian's {', '.join(sorted(packages))}" if packages else ""
