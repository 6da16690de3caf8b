"""The node: containerd, kubelet and kube-proxy, each with its configuration and command."""

import json
from pathlib import Path

from .control_plane import Commands, Programs
from .identities import NODE, Identities
from .network import NODE_ADDRESS, POD_RANGE, write_cni_configuration

SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "localhost/pause:1"

_CNI_PLUGINS = "/usr/lib/cni"
_CONTAINERD = """
version = 3
root = "{folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "{folder}/hosts"
[plugins.'io.containerd.cri.v1.runtime']
  # A machine may withhold CAP_SYS_RESOURCE, without which a lower score cannot be set, and no sandbox would start.
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{plugins}"]
  conf_dir = "{folder}/cni"
"""


def node(programs: Programs, identities: Identities, folder: Path) -> Commands:
    """Write the configurations, and return the commands in the order in which they start."""
    write_cni_configuration(folder / "cni")
    (folder / "hosts").mkdir()  # containerd's hosts.toml files, one folder a registry
    (folder / "resolv.conf").touch()
    text = _CONTAINERD.format(folder=folder, socket=SOCKET, pause=PAUSE_IMAGE, plugins=_CNI_PLUGINS)
    (folder / "containerd.toml").write_text(text)
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(folder)))
    (folder / "kube-proxy.json").write_text(json.dumps(_proxy(identities)))
    kubelet = {
        "config": folder / "kubelet.json",
        "kubeconfig": identities.kubeconfig("kubelet"),
        "hostname-override": NODE,
        "node-ip": NODE_ADDRESS,
    }
    shim = programs["containerd-shim-runc-v2"].parent
    with_shim = f'PATH="{shim}:$PATH" exec "$0" "$@"'  # first on PATH: another version's would not fit
    return {
        "containerd": ["sh", "-c", with_shim, programs["containerd"], "--config", folder / "containerd.toml"],
        "kubelet": [programs["kubelet"], *(f"--{flag}={value}" for flag, value in kubelet.items())],
        "kube-proxy": [programs["kube-proxy"], f"--config={folder / 'kube-proxy.json'}"],
    }


def _kubelet(folder: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"ImageVolume": True},
        "resolvConf": str(folder / "resolv.conf"),  # the machine's own resolver is nothing for pods
        "imageGCHighThresholdPercent": 100,  # a disk that is nearly full must not cost an imported image
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "registryPullQPS": 0,
        "serializeImagePulls": False,
    }


def _proxy(identities: Identities) -> dict[str, object]:
    unlimited = {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NODE,
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": str(identities.kubeconfig("proxy"))},
        "conntrack": unlimited,  # those settings are read-only in a network namespace of one's own
    }


def pull_in_plain_http(folder: Path, registry: str) -> None:
    """Have containerd ask the registry HOST:PORT in plain HTTP."""
    place = folder / "hosts" / registry
    place.mkdir(exist_ok=True)
    (place / "hosts.toml").write_text(f'server = "http://{registry}"\n')
