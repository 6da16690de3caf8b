"""What a second pass makes of a pod: injected before by us, by others, with other settings, or by a forger."""

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.digest import Digest
from registry.errors import Fault
from webhook.catalog import Catalog
from webhook.contract import MODEL, STATUS
from webhook.injection.inject import ALREADY, Injection, Skip, inject
from webhook.injection.record import parse_record
from webhook.patch import diff
from webhook.resolving.answer import Answer, Ask, Facts, File, Unknown
from webhook.settings import Settings

from .test_inject import PODS

Pod = dict[str, Any]
Edit = Callable[[Pod], object]

CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v1"})
MOVED = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v2"})
SETTINGS = Settings()
BEFORE: Pod = {
    "metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": {"weighbridge.dev/engine-args": "--seed 1"}},
    "spec": {
        "imagePullSecrets": [{"name": "regcred"}],
        "containers": [
            {
                "name": "vllm",
                "image": "vllm/vllm-openai:v1",
                "args": ["--model", "$(WEIGHBRIDGE_MODEL_PATH)"],
                "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - a value in a pod
                "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "2Gi"}, "requests": {"memory": "1Gi"}},
            }
        ],
    },
}


def injected(pod: Pod, catalog: Catalog = CATALOG, settings: Settings = SETTINGS) -> Injection:
    """Inject a pod that must be injected."""
    outcome = inject(pod, catalog, settings)
    assert isinstance(outcome, Injection), outcome
    return outcome


def _answering(answer: Answer) -> Ask:
    """Return a question that has one answer for every reference."""
    return lambda references: tuple(answer for _ in references)


def puller(pod: Pod) -> Pod:
    """Return the puller's container."""
    (found,) = [one for one in pod["spec"]["initContainers"] if one["name"] == "weighbridge-puller"]
    assert isinstance(found, dict)
    return found


def edited(pod: Pod, *edits: Edit) -> Pod:
    """Return a copy with edits."""
    after = copy.deepcopy(pod)
    for edit in edits:
        edit(after)
    return after


def forged_record(**fields: object) -> Edit:
    """Return an edit that overwrites fields of the record."""

    def edit(pod: Pod) -> None:
        record = json.loads(pod["metadata"]["annotations"][STATUS.name])
        pod["metadata"]["annotations"][STATUS.name] = json.dumps(record | fields)

    return edit


FIRST = injected(BEFORE).pod

FORGED_CONTAINERS: dict[str, Edit] = {
    "image": lambda pod: puller(pod).update(image="evil.example/x"),
    "command": lambda pod: puller(pod).update(command=["sh"]),
    "arguments": lambda pod: puller(pod).update(args=["-c", "x"]),
    "source": lambda pod: puller(pod)["env"][0].update(value="oci://evil.example/x:v1"),
    "further setting": lambda pod: puller(pod)["env"].append({"name": "WEIGHBRIDGE_PULL_PLAIN_HTTP", "value": "x"}),
    "variables from elsewhere": lambda pod: puller(pod).update(envFrom=[{"configMapRef": {"name": "x"}}]),
    "no mount": lambda pod: puller(pod).update(volumeMounts=[]),
    "mount over ours": lambda pod: puller(pod)["volumeMounts"].append(
        {"name": "x", "mountPath": "/weighbridge/volume/phi-4"}
    ),
    "privileges": lambda pod: puller(pod)["securityContext"].update(privileged=True),
    "root": lambda pod: puller(pod)["securityContext"].update(runAsNonRoot=False),
    "hook": lambda pod: puller(pod).update(lifecycle={"postStart": {"exec": {"command": ["x"]}}}),
    "sidecar": lambda pod: puller(pod).update(restartPolicy="Always"),
    "folder": lambda pod: puller(pod).update(workingDir="/x"),
    "volume": lambda pod: (
        pod["spec"]["volumes"][0].update(emptyDir=None, hostPath={"path": "/"})
        or pod["spec"]["volumes"][0].pop("emptyDir")
    ),
    "secrets": lambda pod: pod["spec"]["volumes"][1]["projected"]["sources"][0]["secret"].update(name="others"),
}

FORGED_RECORDS: dict[str, Edit] = {
    "image": forged_record(image="evil.example/x"),
    "source": forged_record(source="oci://evil.example/x:v1"),
    "volume": forged_record(volume="pvc:evil"),
    "path": forged_record(mountPath="/etc"),
    "secrets": forged_record(pullSecrets=["others"]),
    "containers": forged_record(containers=["other"]),
    "tolerations": forged_record(tolerations=[]),
    "resources": forged_record(resources={"limits": {"memory": "1Ti"}}),
    "environment": forged_record(env={"vllm": {"HOME": "/tmp"}}),  # noqa: S108 - a value in a pod
    "arguments": forged_record(args={"vllm": ["--model"]}),
}


@pytest.mark.parametrize("edit", FORGED_CONTAINERS.values(), ids=FORGED_CONTAINERS)
def test_a_container_that_was_changed_is_made_what_the_plan_says(edit: Edit) -> None:
    """A record beside a container of our name proves nothing about it: image, command, variables, mounts, volumes."""
    assert injected(edited(FIRST, edit)).pod == FIRST


@pytest.mark.parametrize("edit", FORGED_CONTAINERS.values(), ids=FORGED_CONTAINERS)
def test_a_container_that_was_changed_is_refused_without_a_record(edit: Edit) -> None:
    """Nothing says that it is ours, so that it is not overwritten either."""
    pod = edited(FIRST, edit, lambda pod: pod["metadata"]["annotations"].pop(STATUS.name))
    with pytest.raises(Fault) as caught:
        inject(pod, CATALOG, SETTINGS)
    assert caught.value.code == "name.taken"


@pytest.mark.parametrize("edit", FORGED_RECORDS.values(), ids=FORGED_RECORDS)
def test_a_forged_record_buys_nothing(edit: Edit) -> None:
    """The plan is made anew: puller, volumes and record are as in a pod that carries no record."""
    forged = edited(FIRST, edit)
    outcome = inject(forged, CATALOG, SETTINGS)
    after = outcome.pod if isinstance(outcome, Injection) else forged
    assert puller(after) == puller(FIRST)
    assert after["spec"]["volumes"] == FIRST["spec"]["volumes"]
    record, planned = (parse_record(pod["metadata"]["annotations"][STATUS.name]) for pod in (after, FIRST))
    assert record is not None
    assert planned is not None
    assert (record.source, record.image, record.pull_secrets) == (planned.source, planned.image, planned.pull_secrets)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"version":2}', "[" * 100_000, '{"version":1,"model":"/etc"}', "\ud800"]
)
def test_what_does_not_parse_is_no_record(text: str) -> None:
    """An equal container is ours without a record, and gets one."""
    pod = edited(FIRST, lambda pod: pod["metadata"]["annotations"].update({STATUS.name: text}))
    after = injected(pod).pod
    assert puller(after) == puller(FIRST)
    assert inject(after, CATALOG, SETTINGS) is ALREADY


def test_a_tag_that_moves_between_passes_changes_nothing() -> None:
    """What the first pass found stays, with its size, whatever the registry says now, or does not say."""
    first = inject(BEFORE, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"v1"), 1 << 30)))
    assert isinstance(first, Injection)
    assert first.status.digest == Digest.of(b"v1")
    later: tuple[Answer, ...] = (
        Facts(Digest.of(b"v2"), 1),
        Unknown("not-in-time"),
        Unknown("not-found"),
        Unknown("off"),
    )
    for answer in later:
        assert inject(first.pod, CATALOG, SETTINGS, _answering(answer)) is ALREADY


_PINNED = f"chat=registry.example.com/chat@{Digest.of(b'chat')}"
_TAGGED = "sql=registry.example.com/sql:v1"
_SELECTIONS: dict[str, dict[str, str]] = {
    "all files": {},
    "some files": {"include": "*.gguf"},
    "an adapter by tag": {"adapters": _TAGGED},
    "an adapter by digest": {"adapters": _PINNED},
    "both": {"adapters": f"{_PINNED},{_TAGGED}", "exclude": "*.md"},
}


@pytest.mark.parametrize("asked", _SELECTIONS.values(), ids=_SELECTIONS)
def test_a_second_pass_finds_the_size_that_the_first_one_found(asked: dict[str, str]) -> None:
    """Whatever of it is pulled, and whatever registries say by then."""
    texts = {f"weighbridge.dev/{name}": text for name, text in asked.items()}
    pod = edited(BEFORE, lambda pod: pod["metadata"]["annotations"].update(texts))
    files = (File("a.gguf", 1 << 29), File("README.md", 1 << 29))
    first = inject(pod, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"v1"), 1 << 30, files=files)))
    assert isinstance(first, Injection)
    assert first.status.content_bytes
    for answer in (Facts(Digest.of(b"v2"), 1), Unknown("not-in-time")):
        assert inject(first.pod, CATALOG, SETTINGS, _answering(answer)) is ALREADY


def test_a_size_in_the_api_servers_own_form_is_the_same_size() -> None:
    """It writes 1024Mi as 1Gi: the volume is ours, and stays."""
    first = inject(BEFORE, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"v1"), 1 << 30)))
    assert isinstance(first, Injection)
    pod = copy.deepcopy(first.pod)
    limit = pod["spec"]["volumes"][0]["emptyDir"]["sizeLimit"]
    pod["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = str(int(limit.removesuffix("Mi")) << 20)
    assert inject(pod, CATALOG, SETTINGS) is ALREADY


def test_a_record_of_another_source_pins_nothing() -> None:
    """The catalog moved to another tag: that one is asked for."""
    first = inject(BEFORE, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"v1"))))
    assert isinstance(first, Injection)
    again = inject(first.pod, MOVED, SETTINGS, _answering(Facts(Digest.of(b"v2"))))
    assert isinstance(again, Injection)
    assert again.status.digest == Digest.of(b"v2")


def test_a_record_without_a_puller_pins_nothing() -> None:
    """It is a user's annotation then, and no earlier pass."""
    first = inject(BEFORE, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"forged"))))
    assert isinstance(first, Injection)
    pod = copy.deepcopy(BEFORE)
    pod["metadata"]["annotations"][STATUS.name] = first.pod["metadata"]["annotations"][STATUS.name]
    again = inject(pod, CATALOG, SETTINGS, _answering(Facts(Digest.of(b"true"))))
    assert isinstance(again, Injection)
    assert again.status.digest == Digest.of(b"true")


OTHERS: dict[str, Edit] = {
    "AlwaysPullImages": lambda pod: puller(pod).update(imagePullPolicy="Always"),
    "LimitRanger": lambda pod: puller(pod).update(resources={"limits": {"cpu": "1", "memory": "512Mi"}}),
    "ServiceAccount": lambda pod: puller(pod)["volumeMounts"].append(
        {"name": "token", "mountPath": "/var/run/secrets"}
    ),
    "workload identity": lambda pod: puller(pod)["env"].append({"name": "AZURE_CLIENT_ID", "value": "1"}),
    "security policy": lambda pod: puller(pod)["securityContext"].update(
        runAsUser=1000720000, seLinuxOptions={"level": "s0"}
    ),
    "defaults": lambda pod: puller(pod).update(terminationMessagePath="/dev/termination-log"),
    "another init container": lambda pod: pod["spec"]["initContainers"].insert(0, {"name": "vault-agent-init"}),
    "a volume": lambda pod: pod["spec"]["volumes"].append({"name": "kube-api-access", "projected": {}}),
}


@pytest.mark.parametrize("edit", OTHERS.values(), ids=OTHERS)
def test_what_other_plugins_may_change_stays(edit: Edit) -> None:
    """Resources, pull policy, further variables and mounts, assigned users: the pod is known all the same."""
    assert inject(edited(FIRST, edit), CATALOG, SETTINGS) is ALREADY


@pytest.mark.parametrize("edit", OTHERS.values(), ids=OTHERS)
def test_what_other_plugins_gave_the_puller_survives_a_new_plan(edit: Edit) -> None:
    """A catalog that moved in between renews the source, and nothing of others' is lost."""
    again = injected(edited(FIRST, edit), MOVED)
    wanted = edited(injected(BEFORE, MOVED).pod, edit)
    got, want = puller(again.pod), puller(wanted)
    assert sorted(got["env"], key=str) == sorted(want["env"], key=str)
    assert (got["imagePullPolicy"], got["resources"]) == (want["imagePullPolicy"], want["resources"])
    assert got["volumeMounts"] == want["volumeMounts"]
    assert got["securityContext"] == want["securityContext"]


@pytest.mark.parametrize(
    ("catalog", "settings", "said"),
    [
        (MOVED, SETTINGS, "the source was 'oci://registry.example.com/models/phi-4:v1', and is now 'oci://"),
        (CATALOG, Settings(puller_image="mirror.example.com/weighbridge:2"), "the image was 'localhost/weighbridge:"),
        (Catalog.read({"phi-4": "hf://microsoft/phi-4"}), SETTINGS, "the source was"),
    ],
)
def test_an_injection_of_another_time_is_made_anew_and_that_is_said(
    catalog: Catalog, settings: Settings, said: str
) -> None:
    """Text injected with other settings, by an older release, or before the catalog changed refuses nothing."""
    again = injected(FIRST, catalog, settings)
    fresh = injected(BEFORE, catalog, settings).pod
    assert again.pod["spec"] == fresh["spec"]
    assert [warning for warning in again.warnings if warning.startswith("[injection.renewed]") and said in warning]
    assert inject(again.pod, catalog, settings) is ALREADY
    assert jsonpatch.apply_patch(FIRST, diff(FIRST, again.pod)) == again.pod


def test_a_record_of_an_older_form_is_brought_up_to_date() -> None:
    """What an older release did not write is missing, and no reason to refuse the pod."""

    def shorten(pod: Pod) -> None:
        record = json.loads(pod["metadata"]["annotations"][STATUS.name])
        kept = ("version", "model", "source", "origin", "containers", "mountPath", "volume")
        pod["metadata"]["annotations"][STATUS.name] = json.dumps({key: record[key] for key in kept})

    after = injected(edited(FIRST, shorten)).pod
    assert puller(after) == puller(FIRST)
    assert inject(after, CATALOG, SETTINGS) is ALREADY


def test_a_mesh_that_comes_after_us_is_answered() -> None:
    """Place and user are judged again: the puller goes behind a native proxy, or takes the proxy's user."""
    native = edited(
        FIRST, lambda pod: pod["spec"]["initContainers"].append({"name": "istio-proxy", "restartPolicy": "Always"})
    )
    names = [one["name"] for one in injected(native).pod["spec"]["initContainers"]]
    assert names == ["istio-proxy", "weighbridge-puller"]

    proxy = {"name": "linkerd-proxy", "securityContext": {"runAsUser": 2102}}
    cni = edited(
        FIRST,
        lambda pod: pod["spec"]["initContainers"].insert(0, {"name": "linkerd-network-validator"}),
        lambda pod: pod["spec"]["containers"].append(proxy),
    )
    after = injected(cni).pod
    assert puller(after)["securityContext"]["runAsUser"] == 2102
    assert inject(after, CATALOG, SETTINGS) is ALREADY

    redirected = edited(FIRST, lambda pod: pod["spec"]["initContainers"].insert(0, {"name": "istio-init"}))
    names = [one["name"] for one in injected(redirected).pod["spec"]["initContainers"]]
    assert names == ["weighbridge-puller", "istio-init"]


def test_another_model_than_the_injected_one_is_refused_in_whatever_form_the_record_is() -> None:
    """The label was changed after the injection: which of the two is meant nobody knows."""
    pod = edited(FIRST, lambda pod: pod["metadata"]["labels"].update({MODEL.name: "gemma"}))
    with pytest.raises(Fault, match=r"injected with 'phi-4', and its label now says 'gemma'") as caught:
        inject(pod, Catalog.read({"gemma": "registry.example.com/gemma:v1"}), SETTINGS)
    assert caught.value.code == "injection.stale"


def test_amounts_in_the_api_servers_own_form_are_the_same() -> None:
    """It writes 102400Mi as 100Gi, and half a cpu as 500m."""
    configured = Settings(ephemeral_size="102400Mi")
    asked = {"weighbridge.dev/volume": "ephemeral", "weighbridge.dev/puller-resources": "cpu=0.5"}
    first = injected(edited(BEFORE, lambda pod: pod["metadata"]["annotations"].update(asked)), CATALOG, configured).pod

    def canonical(pod: Pod) -> None:
        claim = pod["spec"]["volumes"][0]["ephemeral"]["volumeClaimTemplate"]
        claim["spec"] |= {"resources": {"requests": {"storage": "100Gi"}}, "volumeMode": "Filesystem"}
        puller(pod)["resources"]["limits"]["cpu"] = puller(pod)["resources"]["requests"]["cpu"] = "500m"

    assert inject(edited(first, canonical), CATALOG, configured) is ALREADY


def test_a_puller_beside_a_model_that_is_mounted_is_none_of_ours() -> None:
    """Where the kubelet mounts the model nothing is pulled: what has our name goes, or the pod is refused."""
    mounted = Catalog.read({"phi-4": "pvc://weights/phi-4"})
    planted = {"name": "weighbridge-puller", "image": "evil.example/x"}
    first = injected(BEFORE, mounted).pod
    forged = edited(first, lambda pod: pod["spec"].update(initContainers=[planted]))
    assert injected(forged, mounted).pod["spec"]["initContainers"] == []
    renewed = injected(FIRST, mounted).pod
    assert "initContainers" not in renewed["spec"]
    assert inject(renewed, mounted, SETTINGS) is ALREADY
    bare = edited(BEFORE, lambda pod: pod["spec"].update(initContainers=[planted]))
    with pytest.raises(Fault, match="already has a container named weighbridge-puller"):
        inject(bare, mounted, SETTINGS)


@pytest.mark.parametrize("name", ["weighbridge-model", "weighbridge-credentials", "weighbridge-ca"])
def test_a_volume_of_our_names_is_refused_whatever_the_plan_needs(name: str) -> None:
    """The prefix is reserved."""
    pod = edited(BEFORE, lambda pod: pod["spec"].update(volumes=[{"name": name, "emptyDir": {}}]))
    with pytest.raises(Fault, match=f"already has a volume named {name}"):
        inject(pod, CATALOG, SETTINGS)


@given(PODS, st.sampled_from([Settings(puller_image="x/y:2"), Settings(puller_resources=(("memory", "1Gi"),))]))
def test_an_injected_pods_plan_is_the_pods_plan(pod: Pod, settings: Settings) -> None:
    """Planning does not see what an injection added, so that it comes to the same end from either."""
    first = inject(pod, CATALOG, SETTINGS)
    assert not isinstance(first, Skip)
    again, fresh = inject(first.pod, CATALOG, settings), inject(pod, CATALOG, settings)
    assert isinstance(fresh, Injection)
    if isinstance(again, Injection):
        assert again.status == fresh.status
        assert puller(again.pod) == puller(fresh.pod)
    else:
        assert first.status == fresh.status
