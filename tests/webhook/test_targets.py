"""Which containers get the model: laws over generated neighbours; what single pods get is in tests/cases."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.contract import MODEL
from webhook.injection.inject import inject
from webhook.pod.scheduling.accelerators import is_accelerator
from webhook.pod.sidecars import KNOWN, Sidecar

from .test_second_pass import CATALOG, SETTINGS, Pod, injected

_UNKNOWN = st.sampled_from(
    [
        "smarter-devices/fuse",
        "devices.kubevirt.io/kvm",
        "rdma/hca",
        "example.com/x",
        "cpu",
        "memory",
        "nvidia.com/hostdev",
    ]
)
_NEIGHBOUR = st.fixed_dictionaries(
    {"name": st.sampled_from(["helper", "metrics", "istio-proxy", "linkerd-proxy", "gke-gcsfuse-sidecar"])},
    optional={"resources": st.fixed_dictionaries({"limits": st.dictionaries(_UNKNOWN, st.just(1), max_size=2)})},
)
_SERVER = st.fixed_dictionaries(
    {"name": st.just("server")},
    optional={
        "args": st.just(["$(WEIGHBRIDGE_MODEL_PATH)"]),
        "resources": st.fixed_dictionaries({"limits": st.just({"nvidia.com/gpu": 1})}),
    },
)


def _pod(*containers: Any) -> Pod:
    return {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"containers": copy.deepcopy(list(containers))}}


@given(server=_SERVER, neighbour=_NEIGHBOUR, comes_first=st.booleans())
def test_a_container_that_asks_for_nothing_known_takes_the_model_from_no_other(
    server: Any, neighbour: Any, *, comes_first: bool
) -> None:
    """A mount too many costs nothing, one too few costs the server."""
    alone = injected(_pod(server)).status.containers
    containers = (neighbour, server) if comes_first else (server, neighbour)
    assert set(alone) <= set(injected(_pod(*containers)).status.containers)


@given(_SERVER, _NEIGHBOUR)
def test_an_init_container_takes_the_model_from_no_other(server: Any, neighbour: Any) -> None:
    """Whatever runs before the application, the application keeps its model."""
    pod = _pod(server)
    pod["spec"]["initContainers"] = [neighbour | {"args": ["$(WEIGHBRIDGE_MODEL_PATH)"]}]
    assert "server" in injected(pod).status.containers


@pytest.mark.parametrize("sidecar", [one for one in KNOWN if one.role in ("proxy", "volume")], ids=lambda one: one.name)
def test_no_sidecar_that_is_known_gets_the_model_by_itself(sidecar: Sidecar) -> None:
    """Neither proxies nor servers of volumes do, native or not."""
    name = sidecar.name.replace("*", "-0")
    assert injected(_pod({"name": "server"}, {"name": name})).status.containers == ("server",)


@pytest.mark.parametrize("text", ["x", "x=", "=proxy", "x=boss", "x=proxy:", "x=proxy:root", "x=proxy:0", "x=proxy:-1"])
def test_a_sidecar_that_makes_no_sense_is_refused(text: str) -> None:
    """The operator's table is read strictly."""
    with pytest.raises(ValueError, match=r"NAME=ROLE"):
        Sidecar.parse(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nvidia.com/gpu", True),
        ("nvidia.com/mig-1g.5gb", True),
        ("nvidia.com/cx7_rdma", False),
        ("amd.com/gpu", True),
        ("amd.com/nic", False),
        ("gpu.intel.com/xe", True),
        ("intel.com/sgx", False),
        ("qat.intel.com/generic", False),
        ("cloud-tpus.google.com/v3", True),
        ("deviceclass.resource.kubernetes.io/gpu.example.com", True),
        ("cpu", False),
        ("hugepages-2Mi", False),
        ("corp/npu", True),
    ],
)
def test_only_what_surely_computes_is_an_accelerator(name: str, *, expected: bool) -> None:
    """Beside those that the operator names."""
    assert is_accelerator(name, ("corp/npu",)) is expected


def test_a_pod_without_containers_is_injected_as_it_is() -> None:
    """The API server refuses it, with a message of its own."""
    assert inject(_pod(), CATALOG, SETTINGS)
