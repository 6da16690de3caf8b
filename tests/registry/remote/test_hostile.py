"""Answers that are wrong in every way: right bytes or a named failure, and a healthy host mends everything.

Each case of the law is a seed and can be asked again by it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault, Refused
from registry.http.transport import Transport
from registry.open import open_pusher, open_repository
from registry.printable import some
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.raw import answering
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry
from tests.puller.models import noise, offer

FILES = {"a": noise(3000), "b": b"", "c": b"{}"}
SEEDS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 10
BATCH = 25


@contextmanager
def reach(hosts_dir: str = "") -> Iterator[Access]:
    """Reach registries as nobody, without a wait."""
    transport = Transport(proxies={}, timeout_seconds=0.1)
    with Access(transport=transport, credentials=Credentials(), hosts_dir=hosts_dir, patience=HASTY) as access:
        yield access


def mirrored(root: Path, registry: str, *mirrors: str) -> str:
    """Write where the mirrors of a registry are; give the directory."""
    place = root / f"{registry.replace(':', '_')}_"
    place.mkdir(parents=True, exist_ok=True)
    (place / "hosts.toml").write_text("\n".join(f'[host."http://{mirror}"]' for mirror in mirrors))
    return str(root)


def read(access: Access, source: str) -> list[bytes]:
    """Read a model: its manifest, its small file whole, the large ones in two parts where parts are given."""
    repository = open_repository(parse_source(source), access)
    contents = []
    for layer in repository.resolve().manifest.layers:
        if layer.size < 1000:
            contents.append(repository.read(layer, 1000))
            continue
        content = bytearray()
        while len(content) < layer.size:
            body = repository.open(layer, len(content), min(len(content) + 2000, layer.size))
            try:
                buffer, start = memoryview(bytearray(layer.size + 1)), body.start
                while count := body.readinto(buffer):
                    skipped = len(content) - start
                    content += buffer[max(skipped, 0) : count]
                    start += count
                    if start >= body.stop:
                        break
            finally:
                body.close()
        contents.append(bytes(content))
    return contents


MALFORMED = [
    "http://[::1",
    "http://h:99999/",
    "http://h:abc/",
    "http://a b/",
    "http://a..b/",
    "/\x1b[2J",
    "http://\xe9/",
]


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("what", ["Location", "realm", "upload"])
def test_a_malformed_head_is_a_named_failure_and_the_next_host_is_asked(tmp_path: Path, value: str, what: str) -> None:
    """From a registry a Fault, from a mirror its own failure."""
    with fake_registry() as origin, fake_registry() as bad:
        for fake in (origin, bad):
            offer(fake, FILES)
        if what == "Location":
            bad.fail(faults.status(307, Location=value), path="/")
        elif what == "realm":
            bad.fail(faults.status(401, WWW_Authenticate=f'Bearer realm="{value}"'), path="/")
        else:
            bad.fail(faults.status(202, Location=value), method="POST", path="/uploads/")
        with reach() as access:
            pusher = open_pusher(parse_source(bad.reference()), access)
            act = (
                partial(pusher.put, b"y", Digest.of(b"y"))
                if what == "upload"
                else partial(read, access, bad.reference())
            )
            with pytest.raises(Fault) as caught:
                act()
        assert str(caught.value).isprintable()
        with reach(mirrored(tmp_path, origin.address, bad.address)) as access:
            assert read(access, origin.reference()) == list(FILES.values())


def test_raw_utf_8_and_spaces_in_a_location_are_encoded_and_followed() -> None:
    """As browsers do it, and as stores with such names need it."""
    with fake_registry() as fake:
        offer(fake, FILES)
        where = "/store/mod\u00e8le x/\u6a21".encode().decode("latin-1")

        def lead(request: Request, _: Answer) -> Answer:
            return Answer(307, headers={"Location": where + request.path.rpartition("/")[2]})

        def serve(request: Request, _: Answer) -> Answer:
            return Answer(200, fake.blobs["sha256:" + request.path.rpartition("sha256:")[2]])

        fake.fail(lead, path="^/v2/.*/blobs/")
        fake.fail(serve, path="^/store/mod%C3%A8le%20x/%E6%A8%A1")
        with reach() as access:
            assert read(access, fake.reference()) == list(FILES.values())


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 \x1b[2J\x1b]0;x\x07\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 404 \x1b[31mgone\r\nContent-Length: 0\r\n\r\n",
        b"\x1b[2J\n\x1b[31m not HTTP at all \xff\xfe\r\n\r\n",
        b"HTTP/1.1 \x1b 200\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 99999 High\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\x1b[",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xd9\xa1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n: \r\n\x00\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:\x1b[2J\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer \x1b[2J realm=\x07\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer " + b"a" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 418 X\r\nContent-Length: 60\r\n\r\n{"errors":[{"code":"\\u001b[2J","message":"\\u202e\\n\\u009b"}]}',
        b"HTTP/1.1 307 X\r\nLocation: /a\r\n b\r\nContent-Length: 0\r\n\r\n",
        b"",
        b"\r\n\r\n",
    ],
    ids=range(22),
)
def test_nothing_that_a_server_sends_reaches_a_terminal_as_it_is(content: bytes) -> None:
    """ESC, newlines and what turns text around come out as escapes, wherever they stood."""
    with answering(content) as address, reach() as access, pytest.raises(Fault) as caught:
        open_repository(parse_source(f"{address}/team/model:v1"), access).resolve()
    assert str(caught.value).isprintable()
    assert caught.value.code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        (["\x1b[2J", "b\nc"], "\\x1b[2J, b\\nc"),
    ],
)
def test_of_many_names_the_first_are_told_on_one_line(names: list[str], said: str) -> None:
    """And how many more there are; whoever made the names may have meant a terminal."""
    assert some(names) == said


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, br", "x-\x1b[2J"])
@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
def test_a_coding_that_nobody_asked_for_is_refused_by_name(coding: str, path: str) -> None:
    """Of manifests, small blobs and parts alike."""
    with fake_registry() as fake, reach() as access:
        offer(fake, FILES)
        fake.fail(faults.with_headers(Content_Encoding=coding), path=path)
        with pytest.raises(Refused, match="Content-Encoding") as caught:
            read(access, fake.reference())
        assert str(caught.value).isprintable()


def test_the_coding_identity_is_none() -> None:
    """It changes nothing (RFC 9110, 8.4)."""
    with fake_registry() as fake, reach() as access:
        offer(fake, FILES)
        fake.fail(faults.with_headers(Content_Encoding="Identity"), path="")
        assert read(access, fake.reference()) == list(FILES.values())


_HEADERS = (
    *("Location", "WWW-Authenticate", "Content-Range", "Content-Encoding", "Docker-Content-Digest", "Retry-After"),
    *("Content-Type", "Connection", "Transfer-Encoding", "Range", "OCI-Chunk-Min-Length", "Date", "Set-Cookie"),
)
_STATUSES = (
    *(
        200,
        201,
        202,
        203,
        204,
        206,
        226,
        300,
        301,
        302,
        303,
        304,
        305,
        307,
        308,
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
    ),
    *(
        408,
        409,
        410,
        411,
        412,
        413,
        415,
        416,
        418,
        421,
        425,
        426,
        429,
        451,
        500,
        501,
        502,
        503,
        504,
        505,
        507,
        511,
        520,
        599,
    ),
)
_VALUES = (
    *(
        "",
        " ",
        ",",
        "0",
        "-1",
        "1e9",
        "9" * 5000,
        "\xe9",
        "\x1b[2J",
        "a\r\n b",
        "/",
        "//",
        "//[",
        "?",
        "#",
        "1",
        "/v2/",
    ),
    *(
        "http://[::1",
        "http://h:99999/",
        "http://a b/",
        "ftp://x/",
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "gzip",
    ),
    *("Basic", 'Basic realm="x"', "Bearer", 'Bearer realm="', 'Bearer realm="http://127.0.0.1:1/t"', "Negotiate, NTLM"),
    *(
        "bytes 0-0/1",
        "bytes 0-9/*",
        "bytes 5-2/10",
        "bytes */10",
        "bytes 0-99999999999999999999/1",
        "0-0",
        "0-",
        "close",
    ),
    *(
        "chunked",
        "identity",
        "sha256:",
        f"sha256:{'0' * 64}",
        "text/html",
        "Wed, 25 Nov 2026 18:20:08 GMT",
        "keep-alive",
    ),
)


def _mutated_body(body: bytes, random: Random) -> bytes:
    at = random.randint(0, len(body))
    flipped = body[:at] + random.randbytes(1) + body[at + 1 :]
    nonsense = (
        b"",
        b"[" * 5000,
        b"null",
        b'{"errors":3}',
        b'{"errors":[null]}',
        b'{"token":[]}',
        b"{}",
        b"\x1f\x8b",
        b"<p>",
    )
    return random.choice((body[:at], body + b"x", flipped, *nonsense))


def mutating(random: Random, base: str) -> Change:
    """Change an answer's status, headers or body, or none of them, by chance."""

    def change(_: Request, answer: Answer) -> Answer:
        if random.random() < 0.4:
            return answer
        headers = dict(answer.headers)
        status, body = answer.status, answer.body
        if random.random() < 0.4:
            status = random.choice(_STATUSES)
        for _number in range(random.choice((0, 1, 1, 2))):
            value = random.choice((*_VALUES, f"http://{base}/v2/", f"http://{base}/é".encode().decode("latin-1")))
            headers[random.choice(_HEADERS)] = value
        if random.random() < 0.3:
            body = _mutated_body(body, random)
        return replace(answer, status=status, headers=headers, body=body)

    return change


def script(fake: FakeRegistry, random: Random) -> None:
    """Mutate whatever a registry answers."""
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH"):
        fake.fail(mutating(random, fake.address), method=method, path="")


def ask(seed: int, act: Callable[[FakeRegistry, Access, Random], None]) -> None:
    """Do something with a registry whose answers are mutated: it succeeds, or fails by name."""
    random = Random(seed)
    with fake_registry() as fake, reach() as access:
        offer(fake, FILES)
        script(fake, random)
        try:
            act(fake, access, random)
        except Fault as error:
            said = str(error)
        else:
            said = ""
    assert said.isprintable(), seed


def pulls(fake: FakeRegistry, access: Access, _: Random) -> None:
    """Read the model."""
    contents = read(access, fake.reference())
    assert [len(content) for content in contents] == [len(content) for content in FILES.values()]


def pushes(fake: FakeRegistry, access: Access, random: Random) -> None:
    """Write a blob in one of two ways."""
    pusher = open_pusher(parse_source(fake.reference("v2")), access)
    content = noise(random.choice((0, 1, 5000)))
    if pusher.has(Digest.of(content), len(content)) or random.random() < 0.5:
        pusher.put(content, Digest.of(content))
        return
    with pusher.begin(len(content), Digest.of(content)) as upload:
        upload.write(memoryview(content))
        upload.commit(Digest.of(content))


@pytest.mark.parametrize("batch", range(SEEDS // BATCH))
@pytest.mark.parametrize("act", [pulls, pushes])
def test_any_answer_ends_in_success_or_in_a_named_failure(
    batch: int, act: Callable[[FakeRegistry, Access, Random], None]
) -> None:
    """Law: any status, any header, any body, of any request: never another exception."""
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        ask(seed, act)


@pytest.mark.parametrize("batch", range(SEEDS // BATCH))
def test_one_healthy_host_mends_whatever_the_others_answer(batch: int, tmp_path: Path) -> None:
    """Law: with the registry itself in health, two mirrors may answer anything: the digest that is named is read."""
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        random = Random(seed)
        with fake_registry() as origin, fake_registry() as one, fake_registry() as two:
            digest = next(offer(fake, FILES) for fake in (origin, one, two))
            for fake in (one, two):
                offer(fake, FILES)
                script(fake, random)
            hosts = mirrored(tmp_path / str(seed), origin.address, one.address, two.address)
            with reach(hosts) as access:
                repository = open_repository(parse_source(f"{origin.reference()}@{digest}"), access)
                layers = repository.resolve().manifest.layers
                contents = [repository.read(layer, 5000) for layer in layers]
            assert contents == list(FILES.values()), seed
