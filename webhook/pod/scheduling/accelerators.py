"""Accelerators: which resources surely compute, and which containers and pods ask for them.

Devices that do not compute (FUSE, KVM, network cards) and those that nobody knows are none: a container that asks for
one may be a sidecar, and the model's server one that asks for nothing.

Tests: tests/webhook/test_targets.py
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from webhook.pod.podspec import Raw, entries, every_container, mapping
from webhook.pod.quantities import quantity

_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"
_MOST_TAINTS = 32  # more kinds of accelerators than any node has
_COMPUTING = (
    "nvidia.com/gpu*",
    "nvidia.com/mig-*",
    "nvidia.com/vgpu*",
    "amd.com/gpu*",
    "amd.com/*_nps[0-9]",  # partitions of an Instinct, such as cpx_nps4
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
    "habana.ai/gaudi*",
    "google.com/tpu*",
    "cloud-tpus.google.com/*",
    "aws.amazon.com/neuron*",
    "huawei.com/[Aa]scend*",
    "cambricon.com/mlu*",
    "hygon.com/dcu*",
    "metax-tech.com/*gpu*",
    "mthreads.com/*gpu*",
    "tenstorrent.com/*",
    "qualcomm.com/qaic*",
    "furiosa.ai/*",
    "rebellions.ai/*",
)
_DRIVERS = {
    "gpu.nvidia.com": "nvidia.com/gpu",
    "mig.nvidia.com": "nvidia.com/gpu",
    "vfio.gpu.nvidia.com": "nvidia.com/gpu",
    "gpu.amd.com": "amd.com/gpu",
    "gpu.intel.com": "gpu.intel.com/i915",
    "gaudi.intel.com": "habana.ai/gaudi",
    "tpu.google.com": "google.com/tpu",
}
"""The extended resource of which each DRA device class is the successor: nodes keep its taint."""

# Slices and shares (nvidia.com/mig-1g.10gb, aws.amazon.com/neuroncore) are on nodes whose taint has the plain name.
_PLAIN = {
    "nvidia.com/": "nvidia.com/gpu",
    "amd.com/": "amd.com/gpu",
    "aws.amazon.com/neuron": "aws.amazon.com/neuron",
}


def is_accelerator(name: str, accelerators: tuple[str, ...]) -> bool:
    """Return whether a resource surely computes, or is named by the operator."""
    if name in accelerators or name.removeprefix(_DEVICE_CLASS) in accelerators:
        return True
    if name.startswith(_DEVICE_CLASS):
        return True
    return any(fnmatchcase(name, pattern) for pattern in _COMPUTING)


def requested_accelerators(container: Raw, accelerators: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of the accelerators of which a container requests more than zero."""
    resources = mapping(container, "resources")
    asked = mapping(resources, "requests") | mapping(resources, "limits")
    for name, amount in asked.items():
        if isinstance(name, str) and is_accelerator(name, accelerators) and (quantity(amount) or 0) > 0:
            yield name


def computes(container: Raw, accelerators: tuple[str, ...]) -> bool:
    """Return whether a container asks for an accelerator: an extended resource, or a claim of devices (DRA)."""
    if entries(mapping(container, "resources"), "claims"):
        return True
    return any(requested_accelerators(container, accelerators))


def taints_of(pod: Raw, accelerators: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the keys of the taints that nodes with the pod's accelerators have, sorted; None if it asks for none.

    No key at all means that it claims devices of which nothing more is known here.
    """
    containers = every_container(pod)
    names = {name for container in containers for name in requested_accelerators(container, accelerators)}
    if not names and not any(computes(container, accelerators) for container in containers):
        return None
    plain = {taint for name in names for start, taint in _PLAIN.items() if name.startswith(start)}
    classes = {name.removeprefix(_DEVICE_CLASS) for name in names if name.startswith(_DEVICE_CLASS)}
    extended = {name for name in names if not name.startswith(_DEVICE_CLASS)}
    return tuple(sorted(extended | plain | {_DRIVERS[name] for name in classes if name in _DRIVERS})[:_MOST_TAINTS])
