"""The pull beside the engine's image: whether it pays, and the containers for it (docs/overlap.md).

The kubelet pulls the images of a pod's containers one after the other, each when its container is next. So

1. a native sidecar begins to pull the model, and hands on at once;
2. a container on the engine's own image waits until the model is published, and ends as the pull did: the kubelet must
   pull that image for it meanwhile. Before it, containers on further images end at once.

In Guaranteed pods, whose sidecar has little memory, one on the puller's image waits, and reads the model ahead.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable
from decimal import Decimal

from webhook.names import READY, SIDECAR, TOOLS_DIRECTORY, TOOLS_VOLUME, VOLUME_DIRECTORY, WARM
from webhook.pod.podspec import Raw, app_containers, mapping, name_of
from webhook.pod.quantities import quantity
from webhook.pod.resources import STORAGE, Amounts, Resources, is_guaranteed
from webhook.pod.volumes import Volume
from webhook.values.annotation import Overlap

OVERLAPS = "on"
"""What a record says of a pull beside the engine's image."""

_MOST_IMAGES = 4
_ARCHITECTURES = ("amd64", "arm64")
_USUAL_CLASSES = ("runc", "crun", "nvidia", "nvidia-cdi", "nvidia-legacy", "amd")
"""Runtime classes in which any static program runs, and an emptyDir is shared."""

_MOST = {"cpu": {"requests": "100m", "limits": "1"}, "memory": {"requests": "160Mi", "limits": "256Mi"}}
"""The most that is asked for beside the application, to which the API server adds a sidecar's requests."""

_MIB = 1 << 20
_BESIDE_MIB = 256
"""What a sidecar needs beside the model's pages."""

_OURS = "WEIGHBRIDGE_PULL_"
_KEPT_CONTEXT = ("runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile", "seLinuxOptions", "appArmorProfile")


def reason_against(pod: Raw, asked: Overlap, volume: Volume, images: list[str]) -> str:
    """Return why the model is pulled before the engine's image, not beside it; empty where nothing speaks against it.

    What is asked for `always` is refused only where it cannot work.
    """
    spec = mapping(pod, "spec")
    architecture = str(mapping(spec, "nodeSelector").get("kubernetes.io/arch", "amd64"))
    runtime_class = str(spec.get("runtimeClassName") or "")
    impossible = (
        (asked == "never", "never"),
        (architecture not in _ARCHITECTURES, f"nodes of {architecture} have no program for it"),
        (not images, "no container names an image"),
        (
            volume.kind == "memory" and is_guaranteed(pod),
            "the pod is Guaranteed, whose sidecar has too little memory to hold a model in it",
        ),
    )
    unwise = (
        (
            bool(runtime_class) and runtime_class not in _USUAL_CLASSES,
            f"the runtime class {runtime_class} may not run its program",
        ),
        (volume.is_shared, f"the volume {volume} may hold the model already"),
        (
            bool(mapping(mapping(spec, "resources"), "requests"))
            or (bool(mapping(spec, "resources")) and any(map(_has_requests, app_containers(pod)))),
            "the pod states resources as a whole, which a sidecar's request may exceed",
        ),
        (is_guaranteed(pod), "the pod is Guaranteed, to which a sidecar's whole limit would be added"),
    )
    reasons = impossible if asked == "always" else (*impossible, *unwise)
    return next((reason for speaks_against, reason in reasons if speaks_against), "")


def _has_requests(container: Raw) -> bool:
    return bool(Resources.of(container).requests)


def images_of(pod: Raw, targets: Iterable[str]) -> list[str]:
    """Return the images of the application containers that get the model, each once, at most four."""
    named = frozenset(targets)
    found = [str(one["image"]) for one in app_containers(pod) if name_of(one) in named and one.get("image")]
    return list(dict.fromkeys(found))[:_MOST_IMAGES]


def overlapping(pod: Raw, puller: Raw, targets: Iterable[str], content_bytes: int | None) -> list[Raw]:
    """Return the containers in place of `puller`, the one container that does it alone, in their order.

    `content_bytes` are the model's, None if unknown.
    """
    named = frozenset(targets)
    engines: dict[str, Raw] = {}
    for one in app_containers(pod):
        if name_of(one) in named and one.get("image"):
            engines.setdefault(str(one["image"]), one)
    lent, guaranteed = Resources.of(puller), is_guaranteed(pod)
    small = _small(lent, guaranteed=guaranteed)
    warm = [_warm(number, engine, small) for number, engine in enumerate(list(engines.values())[:_MOST_IMAGES], 1)]
    if guaranteed:
        return [_sidecar(puller, small), *warm, _reading_ready(puller)]
    roomy = Resources(small.requests, _roomy(lent.limits, content_bytes))
    return [_sidecar(puller, roomy), *warm[:-1], _ready(warm[-1], _with_storage(small, lent))]


def tools_volume() -> Raw:
    """Return the volume with the static program, and with the word of how the pull ended."""
    return {"name": TOOLS_VOLUME, "emptyDir": {"sizeLimit": "1Mi"}}


def _tools_mount(*, read_only: bool = False) -> Raw:
    mount = {"name": TOOLS_VOLUME, "mountPath": TOOLS_DIRECTORY}
    return {**mount, "readOnly": True} if read_only else mount


def _sidecar(puller: Raw, resources: Resources) -> Raw:
    return {
        **puller,
        "name": SIDECAR,
        "restartPolicy": "Always",
        "env": [*puller["env"], _tools_variable()],
        "lifecycle": {"postStart": {"exec": {"command": ["python", "-m", "puller.overlap", "begun"]}}},
        "resources": resources.to_raw(),
        "volumeMounts": [*puller["volumeMounts"], _tools_mount()],
    }


def _warm(number: int, engine: Raw, resources: Resources) -> Raw:
    context = mapping(engine, "securityContext")
    found: Raw = {
        "name": WARM if number == 1 else f"{WARM}-{number}",
        "image": engine["image"],
        "command": [f"{TOOLS_DIRECTORY}/program"],
        "resources": resources.to_raw(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            **{key: context[key] for key in _KEPT_CONTEXT if key in context},
        },
        "volumeMounts": [_tools_mount(read_only=True)],
    }
    if "imagePullPolicy" in engine:
        found["imagePullPolicy"] = engine["imagePullPolicy"]
    return found


def _ready(warm: Raw, resources: Resources) -> Raw:
    """Return what waits for the outcome on an engine's image, by the static program (puller/overlap)."""
    files = (f"{TOOLS_DIRECTORY}/{name}" for name in ("program", "outcome", "told"))
    return {
        **warm,
        "name": READY,
        "command": [*files, "/dev/termination-log"],
        "resources": resources.to_raw(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [_tools_mount()],
    }


def _reading_ready(puller: Raw) -> Raw:
    volume = [one for one in puller["volumeMounts"] if one["mountPath"].startswith(VOLUME_DIRECTORY)]
    return {
        **puller,
        "name": READY,
        "command": ["python", "-m", "puller.overlap", "ready"],
        "env": [*(one for one in puller["env"] if name_of(one).startswith(_OURS)), _tools_variable()],
        "volumeMounts": [*volume, _tools_mount()],
    }


def _tools_variable() -> Raw:
    return {"name": f"{_OURS}TOOLS", "value": TOOLS_DIRECTORY}


def _small(lent: Resources, *, guaranteed: bool) -> Resources:
    """Return at most what a pull needs, of what the application has; nothing of what it does not state."""
    requests = _capped(lent.requests, "requests")
    limits = _capped(lent.limits, "limits")
    return Resources(limits if guaranteed else requests, limits)


def _with_storage(small: Resources, lent: Resources) -> Resources:
    """Return small resources with the storage that is lent: a sidecar's would be added to the application's."""
    requests, limits = (tuple(one for one in found if one[0] == STORAGE) for found in (lent.requests, lent.limits))
    return Resources(tuple(sorted((*small.requests, *requests))), tuple(sorted((*small.limits, *limits))))


def _roomy(lent: Amounts, content_bytes: int | None) -> Amounts:
    """Return limits in which the model stays in the page cache, of those that are lent.

    The kernel charges a page to the container that wrote it, whoever reads it.
    """
    limits = {name: amount for name, amount in lent if name in _MOST}
    if content_bytes is not None and "memory" in limits:
        needed = f"{-(-content_bytes // _MIB) + _BESIDE_MIB}Mi"
        limits["memory"] = _smaller(limits["memory"], needed)
    return tuple(limits.items())


def _capped(amounts: Amounts, kind: str) -> Amounts:
    return tuple((name, _smaller(amount, _MOST[name][kind])) for name, amount in amounts if name in _MOST)


def _smaller(one: str, other: str) -> str:
    return min(one, other, key=lambda amount: quantity(amount) or Decimal(0))
