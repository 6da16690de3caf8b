"""The shipped server among clients that stall, trickle and flood: all others are answered as if they were alone."""

import base64
import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.deploy.rendered import DEPLOY
from tests.fakes.hostile import PHASES, Target, stalled, trickle
from tests.parts.admission import Webhook, running_webhook
from tests.parts.process import poll
from webhook.contract import MODEL, STATUS
from webhook.names import DOMAIN
from webhook.pod.quantities import quantity
from webhook.server.connection import BODY_LIMIT

from .test_catalog import swap
from .test_review import request_body

PROMPT_SECONDS = 1
# The server's own deadlines are five seconds; beyond these it has none.
ENDED_SECONDS = 20
POD: dict[str, Any] = {
    "metadata": {"name": "vllm", "labels": {MODEL.name: "phi-4"}},
    "spec": {"containers": [{"name": "server"}]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """Run the shipped server."""
    catalog = {"phi-4": "oci://registry.example.com/models/phi-4:v1"}
    with running_webhook(tmp_path_factory.mktemp("server"), catalog, {"PROBE_LISTEN": "127.0.0.1:0"}) as running:
        yield running


@pytest.fixture(scope="module")
def target(server: Webhook) -> Target:
    """Return where it listens."""
    return _target(server)


def _target(server: Webhook) -> Target:
    host, port = server.url.removeprefix("https://").split(":")
    return Target((host, int(port)), ssl.create_default_context(cadata=server.ca_certificate.decode()))


def _post(target: Target, body: bytes, path: str = "/mutate/pods") -> tuple[int, dict[str, Any]]:
    with closing(http.client.HTTPSConnection(*target.address, context=target.trusted, timeout=30)) as client:
        client.request("POST", path, body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        return answer.status, content


def _seconds_of_an_admission(target: Target, pod: dict[str, Any] = POD) -> float:
    started = time.monotonic()
    status, answer = _post(target, json.dumps(request_body(pod)).encode())
    assert (status, answer["response"]["allowed"]) == (200, True)
    return time.monotonic() - started


@pytest.mark.parametrize("phase", PHASES)
def test_sixty_four_stalled_clients_hold_up_nobody(target: Target, phase: str) -> None:
    """Whatever phase of a connection a client stops in, small and large pods of others are admitted at once."""
    large = POD | {"spec": {"containers": [{"name": "server", "env": [{"name": f"V{i}"} for i in range(30_000)]}]}}
    with stalled(target, phase, 64):
        assert _seconds_of_an_admission(target) < PROMPT_SECONDS
        assert _seconds_of_an_admission(target, large) < 5 * PROMPT_SECONDS


def test_more_clients_than_the_server_has_places_for_hold_up_nobody(target: Target) -> None:
    """Beyond its limit the server ends what has stalled for longest, and takes the next."""
    with stalled(target, "a connection without a byte", 1200):
        assert _seconds_of_an_admission(target) < PROMPT_SECONDS


def test_stalled_clients_are_hung_up_on(target: Target) -> None:
    """Each phase ends by itself; only between requests may a client be silent, as the API server is."""
    between_requests = {"a handshake and nothing after it", "answers that nobody reads"}
    with ExitStack() as open_connections:
        for phase in PHASES.keys() - between_requests:
            (client,) = open_connections.enter_context(stalled(target, phase, 1))
            open_connections.callback(_wait_for_the_end, client)


def _wait_for_the_end(client: socket.socket) -> None:
    client.settimeout(ENDED_SECONDS)
    with suppress(ConnectionError):
        while client.recv(1 << 16):
            pass


def test_a_client_that_trickles_has_as_long_as_any_other(target: Target) -> None:
    """A byte now and then does not put the end off: the whole request has one deadline."""
    content = b"POST /mutate/pods HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000
    with target.shake_hands() as client:
        assert trickle(client, content) < len(content) // 2


def test_a_client_that_speaks_no_tls_is_hung_up_on(target: Target) -> None:
    """An alert, and the end."""
    with target.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while client.recv(1 << 16):
            pass


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"{}," * 2_700_000 + b"{}]", id="eight MiB of empty objects"),
        pytest.param(b" " * (BODY_LIMIT + 1), id="a byte too many"),
        pytest.param(b'{"a":' * 500_000, id="deep"),
        pytest.param(b'{"a": NaN}', id="not a number"),
    ],
)
def test_a_body_that_no_api_server_sends_is_refused_with_its_reason(target: Target, body: bytes) -> None:
    """4xx, a code and a hint, also where the body is not read to its end."""
    status, told = _post(target, body)
    assert 400 <= status < 500
    assert told["code"] in {"review.malformed", "review.too-large"}


def test_memory_stays_below_the_shipped_limit(target: Target, server: Webhook) -> None:
    """The dearest bodies that are let in, one after another and many at once, fit where the Deployment runs."""
    empty = json.dumps(request_body(POD | {"x": "X"})).replace('"X"', "[" + "{}," * 95_000 + "{}]").encode()
    env = [{"name": "", "value": ""} for _ in range(60_000)]
    named = json.dumps(request_body(POD | {"spec": {"containers": [{"name": "server", "env": env}]}})).encode()
    for body in (empty, named):
        assert _post(target, body)[0] == 200
        with stalled(target, "half a large body", 16):
            assert _post(target, body)[0] == 200

    assert _peak_bytes(server.process.pid) < _shipped_limit()


def test_six_thousand_annotations_that_do_nothing_cost_nothing(target: Target) -> None:
    """What is told is bounded, and so is the work for it."""
    stray = {f"{DOMAIN}nothing-{number}": "x" for number in range(6097)}
    pod = POD | {"metadata": POD["metadata"] | {"annotations": stray}}

    assert _seconds_of_an_admission(target, pod) < PROMPT_SECONDS
    _, answer = _post(target, json.dumps(request_body(pod)).encode())
    assert len(answer["response"]["warnings"]) == 6
    assert "and 6,092 more annotations" in answer["response"]["warnings"][-1]


def test_a_catalog_of_ten_thousand_entries_that_changes_holds_up_nobody(tmp_path: Path) -> None:
    """It is read beside the admissions, which take what was read last; the new one is seen soon."""
    mount = tmp_path / "catalog"
    with running_webhook(tmp_path, {}, {}) as server:
        for generation in ("old", "new"):
            others = {f"model-{number}": f"registry.example.com/m/{number}:{generation}" for number in range(10_000)}
            swap(mount, generation, others | {"phi-4": f"registry.example.com/phi-4:{generation}"})
            assert poll(lambda: _source(_target(server)).endswith(generation), 30)  # noqa: B023 - called at once


def _source(target: Target) -> str:
    """Return the source that a pod gets, promptly; none while its model is in no catalog."""
    started = time.monotonic()
    _, answer = _post(target, json.dumps(request_body(POD)).encode())
    assert time.monotonic() - started < PROMPT_SECONDS
    if not answer["response"]["allowed"]:
        return ""
    patched = jsonpatch.apply_patch(POD, json.loads(base64.b64decode(answer["response"]["patch"])))
    source: str = json.loads(patched["metadata"]["annotations"][STATUS.name])["source"]
    return source


def test_hostile_clients_leave_no_traceback_in_the_log(server: Webhook) -> None:
    """The log is for decisions and for our own mistakes; two lines of a client's make no pages of ours."""
    assert "Traceback" not in server.process.said()


def test_probes_and_metrics_have_a_port_of_their_own(server: Webhook) -> None:
    """The kubelet and Prometheus are answered in the clear; admissions are not."""
    port = re.search(r"Probes and metrics at: http://127\.0\.0\.1:(\d+)", server.process.said())
    assert port
    told = {}
    with closing(http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=10)) as client:
        for path in ("/healthz", "/readyz", "/metrics", "/mutate/pods"):
            client.request("GET", path)
            answer = client.getresponse()
            told[path] = (answer.status, answer.read().decode())
    assert {path: status for path, (status, _) in told.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 200,
        "/mutate/pods": 404,
    }
    _, metrics = told["/metrics"]
    assert 'weighbridge_admission_requests_total{reason="injected",result="changed",webhook="pods"}' in metrics
    assert "weighbridge_catalog_entries 1.0" in metrics


def test_a_stopping_server_answers_what_is_under_way_and_ends(tmp_path: Path) -> None:
    """Idle connections of the API server do not keep it, and are told by `Connection: close`."""
    with running_webhook(tmp_path, {"phi-4": "oci://registry.example.com/models/phi-4:v1"}, {}) as server:
        target = _target(server)
        with closing(http.client.HTTPSConnection(*target.address, context=target.trusted, timeout=10)) as client:
            client.request("GET", "/healthz")
            assert client.getresponse().read() == b"ok\n"
            assert server.process.stop() == 0


def _shipped_limit() -> int:
    text = (DEPLOY / "base" / "deployment.yaml").read_text()
    limit = re.search(r"limits:\s+memory: (\S+)", text)
    assert limit
    return int(quantity(limit[1]) or 0)


def _peak_bytes(arbiter: int) -> int:
    """Return the peak of the memory of gunicorn and its worker together, as the kernel counts it for a container."""
    worker = poll(lambda: Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split(), 5)
    assert worker
    peaks = [re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()) for pid in (arbiter, *worker)]
    return sum(int(peak[1]) << 10 for peak in peaks if peak)
