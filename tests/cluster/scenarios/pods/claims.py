"""A claim that several pods share, bound to a folder of the node."""

import os

from tests.cluster.cluster import Cluster

_USER = 1000  # of the engine's pods, and so of their pullers


def make_claim(cluster: Cluster, namespace: str, *, size: str = "") -> str:
    """Make a claim and its folder, and return the claim's name; `size`, as tmpfs has it, is all its room."""
    folder = cluster.folder / f"claim-{namespace}"
    folder.mkdir()
    if size:
        cluster.run(["mount", "-t", "tmpfs", "-o", f"size={size},uid={_USER},gid={_USER}", "tmpfs", folder])
    else:
        os.chown(folder, _USER, _USER)
    shared = {"storageClassName": "", "accessModes": ["ReadWriteMany"]}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"models-{namespace}"},
        "spec": shared | {"capacity": {"storage": "1Gi"}, "hostPath": {"path": str(folder)}},
    }
    asked = {"volumeName": f"models-{namespace}", "resources": {"requests": {"storage": "1Gi"}}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models"},
        "spec": shared | asked,
    }
    cluster.apply(volume, claim, namespace=namespace)
    return "models"
