"""The API server as the verbs see it: who is asked, as whom, and what each failure says."""

import base64
import datetime as dt
import json
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

import weighbridge
from cluster import kinds
from cluster.api import Answer, Api
from cluster.connection import connect
from cluster.errors import (
    Absent,
    BadObject,
    Conflict,
    Forbidden,
    LoggedOut,
    NoKubeconfig,
    Rejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from cluster.kinds import parse_object
from cluster.options import Place
from registry.errors import Fault
from tests.parts.apiserver import ApiServer
from tests.parts.process import free_port


def kubeconfig(server: ApiServer, folder: Path, change: Callable[[Any], object]) -> Path:
    """Write a changed copy of the administrator's kubeconfig."""
    document = YAML(typ="safe", pure=True).load(server.kubeconfig)
    change(document)
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return path


def test_a_kubeconfig_leads_to_the_cluster_and_its_namespace(api_server: ApiServer, tmp_path: Path) -> None:
    """By option or by KUBECONFIG, which may be several files; the context says which namespace is meant."""
    path = kubeconfig(api_server, tmp_path, lambda one: one["contexts"][0]["context"].update(namespace="team"))
    for place, environ in (
        (Place(kubeconfig=str(path)), {}),
        (Place(), {"KUBECONFIG": f"{tmp_path / 'absent'}:{path}"}),
        (Place(context="t"), {"KUBECONFIG": str(path)}),
    ):
        api = connect(place, environ)
        assert (api.server, api.namespace) == (api_server.url, "team")
        assert api.read(kinds.NAMESPACE, "default")["metadata"]["name"] == "default"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_kubeconfig_may_have_no_ca(api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the system's CAs count, which do not know this one, or nobody's where it says so."""

    def without_ca(document: Any, **more: object) -> None:
        cluster = document["clusters"][0]["cluster"]
        for key in [key for key in cluster if key.startswith("certificate-authority")]:
            del cluster[key]
        cluster.update(more)

    path = kubeconfig(api_server, tmp_path, without_ca)
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        connect(Place(kubeconfig=str(path))).read(kinds.NAMESPACE, "default")
    ca = YAML(typ="safe", pure=True).load(api_server.kubeconfig)["clusters"][0]["cluster"]
    trusted = ca.get("certificate-authority") or _written(tmp_path / "ca.crt", ca["certificate-authority-data"])
    with monkeypatch.context() as changed:
        changed.setenv("SSL_CERT_FILE", trusted)
        assert connect(Place(kubeconfig=str(path))).read(kinds.NAMESPACE, "default")
    path = kubeconfig(api_server, tmp_path, lambda one: without_ca(one, **{"insecure-skip-tls-verify": True}))
    assert connect(Place(kubeconfig=str(path))).read(kinds.NAMESPACE, "default")


def _written(path: Path, text: str) -> str:
    path.write_bytes(base64.b64decode(text))
    return str(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("clusters: [", "expected the node content"),
        ("{contexts: [], clusters: [], users: [], current-context: c}", "Expected object with name c"),
        ("[]", "kubeconfig"),
        ("{contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [], current-context: c}", "name c"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_named(content: str, words: str, tmp_path: Path) -> None:
    """With what is wrong in it."""
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(NoKubeconfig, match=words) as caught:
        connect(Place(kubeconfig=str(path)))
    assert str(path) in str(caught.value)


def test_without_a_kubeconfig_and_outside_of_pods_there_is_no_cluster(tmp_path: Path) -> None:
    """The file that was looked for is named; in a pod its account is meant."""
    with pytest.raises(NoKubeconfig, match="no kubeconfig at /absent"):
        connect(Place(), {"KUBECONFIG": "/absent"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        with pytest.raises(NoKubeconfig, match="this pod's account"):
            connect(Place(), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


def test_in_a_pod_its_account_is_meant(api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the token of now: the kubelet renews it. A kubeconfig comes before it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    origin = urlsplit(api_server.url)
    environ = {"KUBERNETES_SERVICE_HOST": str(origin.hostname), "KUBERNETES_SERVICE_PORT": str(origin.port)}
    account = tmp_path / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(api_server.ca_file.read_bytes())
    (account / "namespace").write_text("team\n")
    (account / "token").write_text(api_server.guest_token)
    api = connect(Place(account=account), environ)
    assert (api.server, api.namespace) == (api_server.url, "team")
    with pytest.raises(Forbidden, match="guest"):
        api.items(kinds.NAMESPACE)
    (account / "token").write_text(f"{api_server.admin_token}\n")
    assert api.items(kinds.NAMESPACE)
    stated = connect(Place(account=account), environ | {"KUBECONFIG": str(api_server.kubeconfig)})
    assert stated.namespace == "default"


def test_each_failure_says_what_was_asked(api_server: ApiServer, tmp_path: Path) -> None:
    """In the words of RBAC, so that an administrator knows which permission is wanted."""
    admin = connect(Place(kubeconfig=str(api_server.kubeconfig)))
    guest = connect(
        Place(kubeconfig=str(kubeconfig(api_server, tmp_path, lambda one: _token(one, api_server.guest_token))))
    )
    with pytest.raises(Forbidden, match=r"list pods in all namespaces: .*guest") as caught:
        guest.items(kinds.POD)
    assert caught.value.hint == "ask for a Role or ClusterRole that lets you list pods in all namespaces"
    with pytest.raises(Forbidden, match=r"get deployments\.apps/x in the namespace team"):
        guest.read(kinds.DEPLOYMENT, "x", "team")
    with pytest.raises(Absent, match="get configmaps/nobody in the namespace default"):
        admin.read(kinds.CONFIG_MAP, "nobody", "default")
    with pytest.raises(Rejected, match="create pods in the namespace default"):
        admin.try_create(kinds.POD, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}, "default")
    stranger = kubeconfig(api_server, tmp_path, lambda one: _token(one, "nobody's"))
    with pytest.raises(LoggedOut, match="list namespaces"):
        connect(Place(kubeconfig=str(stranger))).items(kinds.NAMESPACE)


def test_fields_of_others_are_a_conflict(api_server: ApiServer) -> None:
    """Server-side apply names who owns them."""
    api = connect(Place(kubeconfig=str(api_server.kubeconfig)))
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": {"a": "1"}}
    api.apply(kinds.CONFIG_MAP, document, "default", {"fieldManager": "one"})
    with pytest.raises(Conflict, match='conflict with "one"'):
        api.apply(kinds.CONFIG_MAP, document | {"data": {"a": "2"}}, "default", {"fieldManager": "two"})


def test_a_server_that_cannot_be_reached_says_why(api_server: ApiServer, tmp_path: Path) -> None:
    """Refused, untrusted, or silent."""
    cases: list[tuple[str, type[Fault], str]] = [
        (f"https://127.0.0.1:{free_port()}", Unreachable, "Connection refused")
    ]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cases.append((f"https://127.0.0.1:{silent.getsockname()[1]}", TimedOut, "did not answer within 0.2 s"))
        for url, error, words in cases:
            path = kubeconfig(api_server, tmp_path, partial(_point_at, url))
            with pytest.raises(error, match=words) as caught:
                connect(Place(kubeconfig=str(path), timeout_seconds=0.2)).items(kinds.POD)
            assert "object at" not in str(caught.value)
    path = kubeconfig(api_server, tmp_path, lambda one: one["clusters"][0]["cluster"].pop("certificate-authority"))
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        connect(Place(kubeconfig=str(path))).items(kinds.POD)


def test_lists_are_read_page_by_page_and_warnings_kept() -> None:
    """Whatever the API server calls a page, and however it quotes."""
    asked: list[str] = []

    def send(method: str, path: str, body: bytes | None, media_type: str) -> Answer:
        asked.append(path)
        more = {"continue": "next"} if "continue" not in path else {}
        assert (method, body, media_type) == ("GET", None, "application/json")
        return Answer(200, {}, (), json.dumps({"metadata": more, "items": [{"metadata": {}}]}).encode())

    found = Api(send, "https://x").items(kinds.DEPLOYMENT, "team", labels="a=b")
    assert found == [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}] * 2
    assert asked[1] == "/apis/apps/v1/namespaces/team/deployments?labelSelector=a%3Db&limit=500&continue=next"


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [(500, b"{}", ServerFailed), (503, b"<html>", ServerFailed), (429, b"", ServerFailed), (422, b"[]", Rejected)],
)
def test_answers_without_words_are_faults_as_well(status: int, content: bytes, error: type[Fault]) -> None:
    """A proxy's page is not quoted."""
    api = Api(lambda *_: Answer(status, {}, (), content), "https://x")
    with pytest.raises(error, match=f"it answered {status}"):
        api.read(kinds.POD, "x", "y")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            'pods is forbidden: User "guest" cannot create resource "pods" in API group "" in the namespace "x"',
            Forbidden,
        ),
        ('admission webhook "pods.weighbridge.dev" denied the request: [model.unknown] …', Rejected),
        ('pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9', Rejected),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest": …', Rejected),
        ("pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: …", Rejected),
    ],
)
def test_a_missing_permission_is_told_from_other_refusals(said: str, error: type[Fault]) -> None:
    """All of them answer 403; only one of them is mended by a Role."""
    api = Api(lambda *_: Answer(403, {}, (), json.dumps({"message": said}).encode()), "https://x")
    with pytest.raises(error) as caught:
        api.try_create(kinds.POD, {}, "x")
    assert ("Role" in caught.value.hint) is (error is Forbidden)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_answers_that_are_no_objects_are_faults(content: bytes) -> None:
    """Whatever a proxy in between sends, and whatever was asked."""
    api = Api(lambda *_: Answer(200, {"date": "yesterday"}, (), content), "https://x")
    asked: list[Callable[[], object]] = [
        lambda: api.version(lambda: dt.datetime.now(dt.UTC)),
        lambda: api.read(kinds.POD, "x", "y"),
        lambda: api.items(kinds.POD),
        lambda: api.may("get", kinds.POD),
        lambda: api.try_create(kinds.POD, {}, "y"),
    ]
    for ask in asked:
        with pytest.raises(ServerFailed, match="no object"):
            ask()


@pytest.mark.parametrize("text", ["pod/a", "po/a", "pods/a", "Pod/a"])
def test_objects_are_named_as_for_kubectl(text: str) -> None:
    """In each spelling of their kind."""
    assert parse_object(text) == (kinds.POD, "a")


@pytest.mark.parametrize(
    ("text", "words"),
    [("a", "is no KIND/NAME"), ("pod/", "is no KIND/NAME"), ("pod/a/b", "is no"), ("deployement/a", "deployment")],
)
def test_text_that_names_no_object_is_told(text: str, words: str) -> None:
    """With what was meant."""
    with pytest.raises(BadObject, match=words):
        parse_object(text)


def test_without_the_package_one_line_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself does not need it."""
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    assert weighbridge.main(["check"]) == 1
    said = capsys.readouterr().err
    assert "[cluster.no-client]" in said
    assert "pip install 'weighbridge[cluster]'" in said


def _token(document: Any, token: str) -> None:
    document["users"][0]["user"]["token"] = token


def _point_at(url: str, document: Any) -> None:
    document["clusters"][0]["cluster"]["server"] = url
