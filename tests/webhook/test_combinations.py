"""Keys, neighbours and settings in any combination: what one does must not undo what another does."""

import copy
from typing import Any

import jsonpatch
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpointer import resolve_pointer

from registry.errors import Fault
from webhook.catalog import Catalog
from webhook.contract import MODEL, STATUS
from webhook.injection.inject import ALREADY, Injection, inject
from webhook.injection.record import parse_record
from webhook.names import is_our_container
from webhook.patch import diff
from webhook.pod.podspec import every_container
from webhook.settings import Settings

from .test_resources import stated
from .test_second_pass import Pod, edited

CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v1"})
ANNOTATIONS = {
    "source": ["hf://team/model", "pvc://weights/phi", "registry.example.com/x:v1", "layout:///x"],
    "volume": ["emptydir", "memory", "ephemeral:fast", "pvc:models/team", "hostpath:/models/a", "image", "nfs:/x"],
    "mount-path": ["/weights", "/data/model", "weights"],
    "layout": ["files", "huggingface"],
    "engine": ["auto", "vllm", "tgi", "llamacpp", "none"],
    "engine-args": ["--seed 1", "--a 'b c'"],
    "adapters": ["sql=registry.example.com/sql:v1", "a=hf://team/a,b=registry.example.com/b:v2"],
    "include": ["*.gguf", "phi.gguf"],
    "exclude": ["original/*"],
    "containers": ["server", "server=/own", "server,router", "warm-up,server", "nobody"],
    "tolerations": ["always", "never"],
    "pull-secrets": ["", "models"],
    "puller-resources": ["memory=512Mi", "cpu=1"],
    "overlap": ["auto", "always", "never"],
    "token-audience": ["registry.example.com"],
    "require-signature": ["true"],
}
_POLICY = """
_default = {mode = "warn", keys = ['''
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6cqLyx22oSMv/OjCHVgELj4xzz5l
yE8S7HUfPsdOJmKg/tYE21qP9tdeKXFv/O4oLPq60rzgi8Xva7kksSJg0g==
-----END PUBLIC KEY-----
''']}
"""
SETTINGS = [
    Settings(),
    Settings(host_paths=("/models",), ca_config_map=("ca", "ca.crt"), puller_pull_secrets=("mirror",)),
    Settings(puller_resources=(("memory", "1Gi"),), https_proxy="http://proxy:3128", trust_group=True, cache_bytes=1),
    Settings(overlap="auto", prefer_nodes_with_model=True, host_paths=("/models",), signatures=_POLICY),
]
_MOUNTS = st.lists(st.just({"name": "data", "mountPath": "/data"}), max_size=1)
_NEIGHBOURS = ["istio-init", "istio-validation", "linkerd-network-validator", "gke-gcsfuse-sidecar", "warm-up"]


@st.composite
def pods(draw: st.DrawFn) -> Pod:
    """Draw a pod with some of the keys, and neighbours of all kinds."""
    chosen = draw(st.lists(st.sampled_from(sorted(ANNOTATIONS)), max_size=5, unique=True))
    annotations = {f"weighbridge.dev/{key}": draw(st.sampled_from(ANNOTATIONS[key])) for key in chosen}

    def container(name: str, **fields: Any) -> dict[str, Any]:
        image = draw(st.sampled_from(["vllm/vllm-openai:v1", "ghcr.io/ggml-org/llama.cpp:server", "x/y:1"]))
        optional: dict[str, Any] = {"resources": draw(stated()), "volumeMounts": draw(_MOUNTS)}
        if draw(st.booleans()):
            optional["args"] = ["--model", draw(st.sampled_from(["$(WEIGHBRIDGE_MODEL_PATH)", "org/name"]))]
        return {"name": name, "image": image, **optional, **fields}

    init = draw(st.lists(st.sampled_from(_NEIGHBOURS), max_size=3, unique=True))
    native = {"restartPolicy": "Always"} if draw(st.booleans()) else {}
    extra = draw(st.lists(st.sampled_from(["router", "istio-proxy", "linkerd-proxy"]), max_size=2, unique=True))
    spec = {
        "initContainers": [container(name, **native) for name in init],
        "containers": [container("server"), *(container(name) for name in extra)],
        "volumes": [{"name": "data", **draw(st.sampled_from([{"emptyDir": {}}, {"persistentVolumeClaim": {}}]))}],
    }
    spec |= draw(
        st.sampled_from([{}, {"imagePullSecrets": [{"name": "regcred"}]}, {"securityContext": {"fsGroup": 1}}])
    )
    return {"metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": annotations}, "spec": spec}


def fate(pod: Pod, configured: Settings) -> Injection | Fault:
    """Return what becomes of a pod that was not injected before."""
    try:
        outcome = inject(pod, CATALOG, configured)
    except Fault as fault:
        return fault
    assert isinstance(outcome, Injection)
    return outcome


@settings(max_examples=400)
@given(pods(), st.sampled_from(SETTINGS))
def test_every_combination_is_refused_with_a_hint_or_injected_once(pod: Pod, configured: Settings) -> None:
    """A second pass changes nothing; the patch adds, and takes nothing away; the record reads back."""
    before = copy.deepcopy(pod)
    outcome = fate(pod, configured)
    assert pod == before
    if isinstance(outcome, Fault):
        assert outcome.hint
        return
    assert inject(outcome.pod, CATALOG, configured) is ALREADY
    operations = diff(pod, outcome.pod)
    assert jsonpatch.apply_patch(pod, operations) == outcome.pod
    for operation in operations:
        kept = operation["op"] == "add" or not isinstance(resolve_pointer(pod, operation["path"]), list | dict)
        assert kept, operation
    assert parse_record(outcome.pod["metadata"]["annotations"][STATUS.name]) == outcome.status


@settings(max_examples=400)
@given(pods(), st.sampled_from(SETTINGS), st.sampled_from(SETTINGS))
def test_a_pod_of_other_settings_becomes_what_a_fresh_one_is(pod: Pod, then: Settings, now: Settings) -> None:
    """Whatever the operator changed in between: volumes, puller, mounts and environment are those of today."""
    first, fresh = fate(pod, then), fate(pod, now)
    if isinstance(first, Fault) or isinstance(fresh, Fault):
        return
    again = inject(first.pod, CATALOG, now)
    after = again.pod if isinstance(again, Injection) else first.pod
    assert _parts(after) == _parts(fresh.pod)
    assert inject(after, CATALOG, now) is ALREADY


@settings(max_examples=200)
@given(pods())
def test_a_pod_without_its_record_is_known_or_refused(pod: Pod) -> None:
    """Tools that drop annotations leave the container, which is ours if it is equal."""
    first = fate(pod, SETTINGS[0])
    if isinstance(first, Fault):
        return
    bare = edited(first.pod, lambda one: one["metadata"]["annotations"].pop(STATUS.name))
    again = fate(bare, SETTINGS[0])
    if isinstance(again, Fault):
        assert again.code == "name.taken"
    else:
        assert pullers(again.pod) == pullers(first.pod)


def pullers(pod: Pod) -> list[dict[str, Any]]:
    """Return the containers of ours."""
    return [one for one in pod["spec"].get("initContainers", []) if is_our_container(one["name"])]


def _parts(pod: Pod) -> dict[str, Any]:
    """Return a pod's parts, where the order of what was added says nothing."""
    spec = pod["spec"]
    return {
        "volumes": sorted(map(str, spec.get("volumes", []))),
        "order": [one["name"] for one in spec.get("initContainers", [])],
        "containers": {one["name"]: _container(one) for one in every_container(pod)},
        "rest": {key: value for key, value in spec.items() if key not in ("volumes", "initContainers", "containers")},
        "annotations": pod["metadata"]["annotations"],
    }


def _container(container: dict[str, Any]) -> dict[str, Any]:
    lists = {key: sorted(map(str, container.get(key, []))) for key in ("env", "volumeMounts")}
    return {**container, **lists}
