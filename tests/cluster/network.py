"""Addresses of a cluster: one bridge with the node, its pods and whatever else they reach; nothing leads out.

A pod that calls outside is told `Network is unreachable` at once.
"""

import json
import subprocess
from pathlib import Path

from .isolation import Isolation

BRIDGE = "cni0"
NODE_ADDRESS = "10.200.0.1"
POD_RANGE = "10.200.0.0/16"
SERVICE_RANGE = "10.201.0.0/24"
API_ADDRESS = "10.201.0.1"
"""The first address of Services is the API server's own."""

_FIRST_POD, _LAST_POD = "10.200.0.16", "10.200.0.254"
"""Others of the range are for servers that tests run beside the pods."""

_SCRIPT = f"""
set -e
ip link add {BRIDGE} type bridge
ip address add {NODE_ADDRESS}/16 dev {BRIDGE}
ip link set {BRIDGE} up
# Without this route the node, and so the API server, could call no Service.
ip route add {SERVICE_RANGE} dev {BRIDGE}
# Without these, pods could call no Service whose endpoint is on their own bridge.
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo 1 > /proc/sys/net/ipv4/ip_forward
"""


def set_up(isolation: Isolation) -> None:
    """Make the bridge and the route of Services."""
    subprocess.run(isolation.command(["sh", "-c", _SCRIPT]), check=True)


def write_cni_configuration(folder: Path) -> None:
    """Have containerd put each pod on the bridge."""
    folder.mkdir()
    addresses = {"subnet": POD_RANGE, "rangeStart": _FIRST_POD, "rangeEnd": _LAST_POD, "gateway": NODE_ADDRESS}
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[addresses]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    configuration = {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}
    (folder / "10-pods.conflist").write_text(json.dumps(configuration))
