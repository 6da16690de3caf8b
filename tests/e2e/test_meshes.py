"""A mesh's webhook before ours or after: the API server calls both, and the pod comes out the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.mesh import (
    Inject,
    consul_init,
    istio_cni,
    istio_init,
    istio_native,
    kuma_native,
    linkerd_cni,
    running_injector,
)
from tests.parts.objects import Namespace, Object, Objects
from tests.parts.process import poll

from .conftest import OPTED_IN, labelled_pod
from .passes import as_new, stored

MESHES = {
    "istio-native": (istio_native, ["istio-validation", "istio-proxy", "weighbridge-puller"], None),
    "istio-init": (istio_init, ["weighbridge-puller", "istio-init"], None),
    "istio-cni": (istio_cni, None, 1337),
    "linkerd-cni": (linkerd_cni, None, 2102),
    "kuma-native": (kuma_native, ["kuma-validator", "kuma-sidecar", "weighbridge-puller"], None),
    "consul-init": (consul_init, ["weighbridge-puller", "consul-connect-inject-init"], None),
}


@pytest.fixture(scope="module")
def injectors(admitting: Objects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Objects]]:
    """Run each mesh's injector twice: with a name that is called before ours, and one that is called after."""
    with ExitStack() as running:
        for mesh, (inject, *_) in MESHES.items():
            for place in ("aaa", "zzz"):
                _register(running, admitting, tmp_path_factory.mktemp(place), inject, f"{place}-{mesh}")
        yield {"objects": admitting}


def _register(running: ExitStack, objects: Objects, folder: Path, inject: Inject, name: str) -> None:
    configuration = running.enter_context(running_injector(folder, inject, name))
    objects.create(configuration)
    running.callback(objects.delete, configuration["apiVersion"], configuration["kind"], name)
    namespace = objects.namespace("mesh", {"mesh": name})
    unlabelled = labelled_pod("probe")
    unlabelled["metadata"].pop("labels")
    assert poll(lambda: _is_in_mesh(namespace, unlabelled), 30)


def _is_in_mesh(namespace: Namespace, pod: Object) -> bool:
    return bool(namespace.create(pod, dry_run="All")["spec"].get("initContainers"))


def _made(objects: Objects, mesh: str) -> tuple[Object, Object]:
    """Create a pod in a mesh, and create anew what came out."""
    namespace = objects.namespace("mesh", OPTED_IN | {"mesh": mesh})
    first = namespace.create(labelled_pod("first"))
    return first, namespace.create(as_new(first, "second"))


def _containers(pod: Object) -> tuple[list[str], set[str]]:
    spec = pod["spec"]
    return [one["name"] for one in spec["initContainers"]], {one["name"] for one in spec["containers"]}


@pytest.mark.parametrize("mesh", MESHES)
def test_the_order_of_webhooks_decides_nothing(mesh: str, injectors: dict[str, Objects]) -> None:
    """The puller has its network, the proxy gets no model, and a copy of the pod is known."""
    _, names, user = MESHES[mesh]
    seen = []
    for place in ("aaa", "zzz"):
        first, second = _made(injectors["objects"], f"{place}-{mesh}")
        assert stored(second) == stored(first)
        order, apps = _containers(first)
        assert names is None or order == names
        (puller,) = [one for one in first["spec"]["initContainers"] if one["name"] == "weighbridge-puller"]
        assert puller["securityContext"]["runAsUser"] == (user or 1000)
        targets = [one["name"] for one in first["spec"]["containers"] if "volumeMounts" in one]
        assert targets == ["server"]
        seen.append((sorted(order), apps, puller))
    assert seen[0] == seen[1]
