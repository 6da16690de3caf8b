"""`weighbridge status`: who has which model, and why not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.pods.table import model_of, rows, to_text
from tests.e2e.conftest import OPTED_IN, labelled_pod, plain_deployment
from tests.parts.objects import Object

from .conftest import Install, set_status
from .test_pull_state import DONE, FAILED, READY, pod, puller

MESSAGE = 'admission webhook "pods.weighbridge.dev" denied the request: [model.unknown] …'
DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "vllm", "namespace": "chat", "labels": {"weighbridge.dev/model": "phi-5"}},
}


def json_values() -> st.SearchStrategy[object]:
    """Return values in which the fields of a pod's status have any value, and some the right kind."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    fields = (
        "phase reason message conditions initContainerStatuses containerStatuses state lastState terminated waiting "
        "running exitCode name type status lastTransitionTime startedAt"
    )
    names = st.sampled_from(fields.split())
    texts = st.sampled_from(["weighbridge-puller", "Ready", "True", "PodScheduled", "False", "Failed", "server"])
    return st.recursive(
        leaves | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5)
    )


def event(kind: str, name: str) -> Object:
    """Return the event of a controller whose pods are refused."""
    involved = {"kind": kind, "name": name, "namespace": "chat"}
    return {"reason": "FailedCreate", "message": MESSAGE, "involvedObject": involved}


def named(name: str, status: Object) -> Object:
    """Return an injected pod of a name, with a status."""
    made = pod()
    made["metadata"] |= {"name": name, "namespace": "chat"}
    return made | {"status": status}


_OWNERS: dict[str, tuple[str, str]] = {
    "Deployment": ("ReplicaSet", "llm-5d9f"),
    "StatefulSet": ("StatefulSet", "llm"),
    "DaemonSet": ("DaemonSet", "llm"),
    "Job": ("Job", "llm"),
    "CronJob": ("Job", "llm-29400"),
}


@pytest.mark.parametrize("kind", _OWNERS)
def test_a_workload_has_the_pods_that_it_made(kind: str) -> None:
    """Not those of another one whose name begins alike: that would hide why its own are refused."""
    workload = {"kind": kind, "metadata": {"name": "llm", "namespace": "chat", "labels": {}}}
    owner, name = _OWNERS[kind]
    for made_by, states in ((name, ["waiting"]), (f"llm-small{name.removeprefix('llm')}", ["refused", "waiting"])):
        one = named("llm-small-0", {"phase": "Pending"})
        one["metadata"]["ownerReferences"] = [{"kind": owner, "name": made_by, "controller": True}]
        found = rows([one], [workload], [event(owner, name)])
        assert [row.state.name for row in found] == states, made_by


def test_people_read_a_table_and_below_it_what_keeps_pods() -> None:
    """With the code, the words and the hint of each."""
    found = rows(
        [named("a", DONE | {"conditions": [READY]}), named("b", puller(terminated=FAILED))],
        [DEPLOYMENT],
        [event("ReplicaSet", "vllm-5d9f")],
    )
    lines = to_text(found, is_wide=False).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["NAMESPACE", "POD", "MODEL", "STATE", "DIGEST", "SIZE", "PULLED", "READY", "NODE", "VOLUME"],
        [
            "chat",
            "a",
            "phi-4",
            "ready",
            "sha256:aaaaaaaaaaaa",
            "1.0",
            "kB",
            "2.5",
            "s",
            "1",
            "min",
            "30",
            "s",
            "-",
            "emptydir",
        ],
        ["chat", "b", "phi-4", "failing", "-", "-", "-", "-", "-", "emptydir"],
        ["chat", "(Deployment/vllm)", "phi-5", "refused", "-", "-", "-", "-", "-", "-"],
    ]
    places = zip(lines[:4], ("STATE", "ready", "failing", "refused"), strict=True)
    assert len({line.index(word) for line, word in places}) == 1
    assert lines[4:] == [
        "",
        "pod/b in chat [registry.not-found]: GET …: 404",
        "  hint: check the spelling",
        "",
        f"deployment/vllm in chat [model.unknown]: {MESSAGE}",
    ]
    assert "oci://registry.example.com/phi-4:v1@sha256:" in to_text(found, is_wide=True)


EVIL = "\x1b[2J\u202e\n"


def test_nothing_that_a_pod_says_moves_a_terminal() -> None:
    """Whoever runs in a pod writes its termination message, and more."""
    said = json.dumps({"code": EVIL, "error": EVIL, "hint": EVIL})
    done = json.dumps({"digest": EVIL, "bytes": 1, "seconds": 1})
    found = rows(
        [
            named("a", puller(terminated={"exitCode": 1, "message": said, "reason": EVIL})),
            named("b", puller(terminated={"exitCode": 0, "message": done}) | {"conditions": [READY]}),
            named("c", puller(waiting={"reason": EVIL, "message": EVIL})),
            named("d", {"phase": "Failed", "reason": EVIL, "message": EVIL}),
        ],
        [DEPLOYMENT],
        [event("ReplicaSet", "vllm-5d9f") | {"message": EVIL}],
    )
    for is_wide in (False, True):
        text = to_text(found, is_wide=is_wide)
        assert "\x1b" not in text
        assert "\u202e" not in text


@settings(deadline=None)
@given(status=json_values())
def test_whatever_stands_in_a_status_a_pod_has_a_state(status: object) -> None:
    """Old kubelets, virtual ones, and objects that were written by hand."""
    made = pod() | {"status": status}
    assert to_text(rows([made], [], []), is_wide=True)


@pytest.mark.parametrize(
    ("kind", "involved", "is_told"),
    [
        ("Deployment", ("ReplicaSet", "vllm-5d9f"), True),
        ("Deployment", ("ReplicaSet", "vllm-other-5d9f"), False),
        ("StatefulSet", ("StatefulSet", "vllm"), True),
        ("StatefulSet", ("DaemonSet", "vllm"), False),
        ("Job", ("Job", "vllm"), True),
        ("CronJob", ("Job", "vllm-29412345"), True),
        ("CronJob", ("ReplicaSet", "vllm-29412345"), False),
    ],
)
def test_an_event_speaks_of_the_workload_that_it_names(kind: str, involved: tuple[str, str], *, is_told: bool) -> None:
    """And of none that is only called alike."""
    found = rows([], [DEPLOYMENT | {"kind": kind}], [event(*involved)])
    assert bool(found) is is_told


def test_a_condition_speaks_for_itself_and_events_only_where_no_pod_is() -> None:
    """Events stay for an hour after what they tell."""
    old = [event("ReplicaSet", "vllm-5d9f")]
    made = named("vllm-5d9f-x", DONE)
    made["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "vllm-5d9f", "controller": True}]
    assert len(rows([made], [DEPLOYMENT], old)) == 1
    condition = {"type": "ReplicaFailure", "status": "True", "message": MESSAGE}
    assert len(rows([made], [DEPLOYMENT | {"status": {"conditions": [condition]}}], [])) == 2


def test_the_newest_refusal_is_told() -> None:
    """What was mended since stands in older events for an hour."""
    mended = event("ReplicaSet", "vllm-1a2b") | {"message": "[mount-path.taken] …"}
    (row,) = rows([], [DEPLOYMENT], [mended, event("ReplicaSet", "vllm-5d9f")])
    assert (row.why, row.state.code) == (MESSAGE, "model.unknown")


@pytest.mark.parametrize("kind", _OWNERS)
def test_a_label_in_the_template_alone_asks_for_a_model(kind: str) -> None:
    """Nobody must label the workload itself."""
    template = {"metadata": {"labels": {"weighbridge.dev/model": "phi-4"}}}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    assert model_of({"kind": kind, "spec": spec}) == "phi-4"
    assert not model_of({"kind": kind, "spec": {"template": {}}})


def test_workloads_that_are_refused_are_found_by_either_label(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of those of the namespace that ask for no model, none is looked at."""
    namespace = install.objects.namespace("templates", OPTED_IN)
    for name, place in (("by-template", "template"), ("by-itself", "workload"), ("plain", "")):
        made = plain_deployment()
        made["metadata"]["name"] = name
        if place:
            held = made["metadata"] if place == "workload" else made["spec"]["template"]["metadata"]
            held.setdefault("labels", {})["weighbridge.dev/model"] = "phi-4"
        namespace.create(made)
        involved = {"kind": "ReplicaSet", "name": f"{name}-5d9f", "namespace": namespace.name}
        told = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}, "involvedObject": involved}
        namespace.create(told | {"reason": "FailedCreate", "message": MESSAGE, "type": "Warning"})
    assert install.run("status", "-n", namespace.name, "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["model"], one["state"]) for one in found] == [
        ("by-itself", "phi-4", "refused"),
        ("by-template", "phi-4", "refused"),
    ]


@pytest.fixture
def team(install: Install) -> str:
    """Make a namespace with a pod that serves, and one whose pull failed."""
    namespace = install.objects.namespace("status", OPTED_IN)
    for name, status in (
        ("served", DONE | {"conditions": [READY]}),
        ("failed", puller(terminated=FAILED | {"containerID": "x"})),
    ):
        made = namespace.create(labelled_pod(name, "phi-4"))
        for one in status["initContainerStatuses"]:
            one |= {"image": "x", "imageID": "x", "ready": False, "restartCount": 0}
        set_status(install.server, made, status)
    return namespace.name


def test_programs_read_every_fact(install: Install, team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the pods at the API server, in JSON; names for other commands; and nobody where nobody is."""
    assert install.run("status", "-n", team, "-o", "json") == 0
    failed, served = json.loads(capsys.readouterr().out)
    assert (failed["state"], failed["code"], failed["hint"]) == ("failing", "registry.not-found", "check the spelling")
    assert (served["state"], served["bytes"], served["pullSeconds"]) == ("ready", 1000, 2.5)
    assert served["volume"] == "emptydir"
    assert served["source"].startswith("oci://127.0.0.1:")
    assert install.run("status", "-A", "-o", "name") == 0
    assert {"pod/failed", "pod/served"} <= set(capsys.readouterr().out.split())
    assert install.run("status", "-n", "default", "-o", "yaml") == 0
    assert capsys.readouterr().out.strip() == "[]"
    assert install.run("status", "-n", "default") == 0
    assert "no pod in the namespace default has the label" in capsys.readouterr().err
