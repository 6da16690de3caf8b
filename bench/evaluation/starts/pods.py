"""The pods: one engine, to which weights come in each way. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.parts.objects import Object

IMAGE_VOLUME = "image volume"
MODELCAR = "modelcar"
ORAS = "init container with oras pull"
INIT = "weighbridge, init container"
OVERLAPPED = "weighbridge, overlapped"
OVERLAPPED_ZSTD = "weighbridge, overlapped, zstd"
NODE_CACHE = "weighbridge, folder of the node"

CA_CONFIG_MAP = "registry-ca"
_MODEL = "/models/phi-4"
_MOUNT = "/mnt/models"
_LINK = f"ln -sf /proc/$$$$/root{_MODEL} {_MOUNT}/phi-4 && exec sleep infinity"
"""Of four dollar signs the API's expansion of variables leaves the shell two."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What pods are made of: images, artifacts, and a folder of the node."""

    engine: str
    weights_image: str
    """Holds the weights below /models/phi-4, and a shell."""

    oras_image: str
    raw: str
    zstd: str
    """Artifacts, pinned."""

    node_folder: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Start:
    """A way to start: the pod, in words how its weights come, and the images that a node pulls for it."""

    settings: str
    pod: Callable[[Sources], Object]


def _image_volume(sources: Sources) -> Object:
    volume = {"name": "weights", "image": {"reference": sources.weights_image, "pullPolicy": "IfNotPresent"}}
    return _pod(sources, "/weights/models/phi-4", mounts=[_mount("weights", "/weights")], volumes=[volume])


def _modelcar(sources: Sources) -> Object:
    """Return the pod that KServe makes: the weights' image as a sidecar, reached by its root in /proc."""
    car = {
        "name": "modelcar",
        "image": sources.weights_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", _LINK],
        "volumeMounts": [_mount("mnt", _MOUNT)],
        "securityContext": {"runAsUser": 0},
    }
    prefetch = car | {"name": "modelcar-init", "command": ["/bin/sh", "-c", "true"], "volumeMounts": []}
    pod = _pod(sources, f"{_MOUNT}/phi-4", mounts=[_mount("mnt", _MOUNT)], volumes=[{"name": "mnt", "emptyDir": {}}])
    pod["spec"]["containers"].append(car)
    return _with(pod, initContainers=[prefetch], shareProcessNamespace=True)


def _oras(sources: Sources) -> Object:
    """Return the pod that KAITO made: an init container with oras, and an emptyDir."""
    mounts = [_mount("weights", _MODEL), _mount("ca", "/ca")]
    puller = {
        "name": "model-weights-downloader",
        "image": sources.oras_image,
        "imagePullPolicy": "Never",
        "command": ["/oras", "pull", "--no-tty", "--ca-file", "/ca/ca.crt", "-o", _MODEL, sources.raw],
        "env": [{"name": "HOME", "value": "/"}],
        "volumeMounts": mounts,
    }
    volumes = [{"name": "weights", "emptyDir": {}}, {"name": "ca", "configMap": {"name": CA_CONFIG_MAP}}]
    return _with(_pod(sources, _MODEL, mounts=mounts[:1], volumes=volumes), initContainers=[puller])


def _labelled(which: Callable[[Sources], dict[str, str]]) -> Callable[[Sources], Object]:
    """Return what makes a pod that has our label, and annotations by their names without the prefix."""

    def make(sources: Sources) -> Object:
        pod = _pod(sources, _MODEL)
        annotations = {f"weighbridge.dev/{name}": value for name, value in which(sources).items()}
        pod["metadata"] |= {"labels": {"weighbridge.dev/model": "phi-4"}, "annotations": annotations}
        return pod

    return make


STARTS = {
    IMAGE_VOLUME: Start("volumes[].image, tar.zstd a layer a file, containerd's defaults", _image_volume),
    MODELCAR: Start("KServe's: the same image as a sidecar, after an init container of it", _modelcar),
    ORAS: Start("KAITO's: oras pull with its defaults to an emptyDir; oras's image is on the node", _oras),
    INIT: Start("the label, overlap never, emptyDir", _labelled(lambda at: {"source": at.raw, "overlap": "never"})),
    OVERLAPPED: Start(
        "the label, overlap always, emptyDir", _labelled(lambda at: {"source": at.raw, "overlap": "always"})
    ),
    OVERLAPPED_ZSTD: Start(
        "the same, packed with --codec zstd", _labelled(lambda at: {"source": at.zstd, "overlap": "always"})
    ),
    NODE_CACHE: Start(
        "the label, volume hostpath, the reference pinned",
        _labelled(lambda at: {"source": at.raw, "overlap": "never", "volume": f"hostpath:{at.node_folder}"}),
    ),
}


def _pod(
    sources: Sources,
    model: str,
    mounts: list[dict[str, Any]] | None = None,
    volumes: list[dict[str, Any]] | None = None,
) -> Object:
    container = {
        "name": "engine",
        "image": sources.engine,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--model", model],
        "volumeMounts": mounts or [],
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": str(sources.memory_bytes)}},
    }
    spec = {
        "securityContext": {"runAsUser": 0},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 2,
        "containers": [container],
        "volumes": volumes or [],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "engine"}, "spec": spec}


def _with(pod: Object, **more: Any) -> Object:
    return pod | {"spec": pod["spec"] | more}


def _mount(name: str, path: str) -> dict[str, str]:
    return {"name": name, "mountPath": path}
