"""`weighbridge catalog`: named models, added and removed beside those of other tools."""

import threading
from dataclasses import replace

import pytest

from cluster.api import Answer
from cluster.catalog.edit import Editor
from cluster.catalog.entries import FIELD_MANAGER, NewEntry, owned
from cluster.connection import connect
from cluster.errors import Conflict
from cluster.options import Place
from registry.errors import Fault
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Object, Objects
from webhook.refusals import BadModelName

SYSTEM = "weighbridge-system"
SOURCE = "oci://registry.example.com/models/phi-4:v1"
MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}}


@pytest.fixture
def objects(api_server: ApiServer) -> Objects:
    """Return the API server's objects."""
    return api_server.objects()


@pytest.fixture
def editor(api_server: ApiServer, objects: Objects) -> Editor:
    """Make an empty catalog in a namespace of its own."""
    namespace = objects.namespace("catalog", {}).name
    objects.create(MAP, namespace)
    return Editor(connect(Place(kubeconfig=str(api_server.kubeconfig))), namespace)


def texts(editor: Editor) -> dict[str, str]:
    """Return what the ConfigMap holds."""
    held: dict[str, str] = editor.read().get("data", {})
    return held


def test_entries_come_change_and_go(editor: Editor) -> None:
    """Each under our field manager; the same again changes nothing, not even a version."""
    assert editor.add(NewEntry(name="phi-4", source=SOURCE)) == "added"
    assert editor.add(NewEntry(name="qwen", source="hf://Qwen/Qwen3-8B", gpu=True, mount_path="/m")) == "added"
    before = editor.read()["metadata"]["resourceVersion"]
    assert editor.add(NewEntry(name="phi-4", source=SOURCE)) == "unchanged"
    assert editor.read()["metadata"]["resourceVersion"] == before
    assert editor.add(NewEntry(name="phi-4", source=f"{SOURCE}.1")) == "changed"
    assert texts(editor) == {
        "phi-4": f"{SOURCE}.1",
        "qwen": "source: hf://Qwen/Qwen3-8B\ngpu: true\nmountPath: /m\n",
    }
    assert owned(editor.read()) == {"phi-4", "qwen"}
    assert editor.remove("phi-4") == "removed"
    assert set(texts(editor)) == {"qwen"}
    assert editor.remove("qwen") == "removed"
    assert texts(editor) == {}


def test_a_new_source_leaves_what_else_an_entry_has(editor: Editor) -> None:
    """Unless it is named; pods would lose their tolerations and servers their path."""
    editor.add(NewEntry(name="phi-4", source=f"{SOURCE}.0", gpu=True, mount_path="/m"))
    editor.add(NewEntry(name="phi-4", source=SOURCE))
    assert texts(editor) == {"phi-4": f"source: {SOURCE}\ngpu: true\nmountPath: /m\n"}
    editor.add(NewEntry(name="phi-4", source=SOURCE, gpu=False))
    assert texts(editor) == {"phi-4": f"source: {SOURCE}\nmountPath: /m\n"}
    editor.add(NewEntry(name="phi-4", source=SOURCE, mount_path=""))
    assert texts(editor) == {"phi-4": SOURCE}


def test_the_webhooks_pods_are_annotated_so_that_the_kubelet_looks_again(editor: Editor, objects: Objects) -> None:
    """Where the user may; without pods, or without that right, nobody can hurry."""
    editor.add(NewEntry(name="phi-4", source=SOURCE))
    assert not editor.hurry()
    labels = {"app.kubernetes.io/name": "weighbridge", "app.kubernetes.io/component": "webhook"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "webhook-1", "labels": labels},
        "spec": {"containers": [{"name": "webhook", "image": "x"}]},
    }
    objects.create(pod, editor.namespace)
    assert editor.hurry()
    found = objects.read("v1", "Pod", "webhook-1", editor.namespace)["metadata"]["annotations"]
    assert found == {"catalog.weighbridge.dev/version": editor.read()["metadata"]["resourceVersion"]}

    def refuse(*_: object) -> Answer:
        return Answer(403, {}, (), b'{"message": "no"}')

    assert not replace(editor, api=replace(editor.api, send=refuse)).hurry()


def test_a_dry_run_changes_nothing(editor: Editor) -> None:
    """The API server is asked all the same."""
    editor.add(NewEntry(name="phi-4", source=SOURCE))
    dry = replace(editor, options={"dryRun": "All"})
    assert dry.add(NewEntry(name="two", source=SOURCE)) == "added"
    assert dry.remove("phi-4") == "removed"
    assert texts(editor) == {"phi-4": SOURCE}


def test_what_others_wrote_stays_theirs(editor: Editor, objects: Objects) -> None:
    """Their entries are kept by each change of ours; one of theirs is changed or removed by force alone."""
    objects.merge(MAP | {"data": {"theirs": "registry.example.com/a/b:1"}}, editor.namespace)
    editor.add(NewEntry(name="ours", source=SOURCE))
    editor.remove("ours")
    assert texts(editor) == {"theirs": "registry.example.com/a/b:1"}
    with pytest.raises(Conflict, match=r"\.data\.theirs"):
        editor.add(NewEntry(name="theirs", source=SOURCE))
    with pytest.raises(Conflict, match="belongs to the field manager"):
        editor.remove("theirs")
    forced = replace(editor, options={"force": "true"})
    assert forced.add(NewEntry(name="theirs", source=SOURCE)) == "changed"
    assert forced.remove("theirs") == "removed"
    assert texts(editor) == {}


def test_two_at_once_lose_nothing(editor: Editor) -> None:
    """Each write is bound to what was read."""
    names = [f"model-{number}" for number in range(6)]

    def add(name: str) -> None:
        while True:
            try:
                editor.add(NewEntry(name=name, source=SOURCE))
            except Conflict:
                continue
            return

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(texts(editor)) == set(names)
    assert {one["manager"] for one in editor.read()["metadata"]["managedFields"]} >= {FIELD_MANAGER}


@pytest.mark.parametrize(
    ("name", "source", "mount_path"),
    [
        ("org/phi-4", SOURCE, ""),
        ("", SOURCE, ""),
        ("phi-4", "Phi 4", ""),
        ("phi-4", "s3://bucket/phi-4", ""),
        ("phi-4", SOURCE, "models"),
        ("phi-4", SOURCE, "/a/../b"),
        ("phi-4", "oci://registry.example.com/a:b: c", ""),
    ],
)
def test_what_the_webhook_would_refuse_is_refused(name: str, source: str, mount_path: str) -> None:
    """Before anything is asked of a cluster."""
    with pytest.raises(Fault):
        NewEntry(name=name, source=source, mount_path=mount_path).text()


def test_a_name_that_is_none_says_what_one_is() -> None:
    """As the webhook says it."""
    with pytest.raises(BadModelName) as caught:
        NewEntry(name="org/phi-4", source=SOURCE).text()
    assert "1 to 63 letters" in caught.value.hint
