"""Pulls through mirrors that are good, absent, slow or lying: they cost time, never correctness."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Mismatch, NotFound, Unavailable
from registry.http.retry import Patience
from registry.http.transport import Transport
from registry.net.limits import Limits
from registry.open import open_pusher
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.patience import HASTY, NONE
from tests.fakes.registry import Change, FakeRegistry, Request, fake_registry
from tests.parts.distribution import Registry, running_registry

from .models import layer, manifest_of, noise, offer, put_manifest, read_tree
from .test_laws import HURRIED, random_fault, random_model

WEIGHTS = noise(300_000)
MODEL = {"config.json": b"{}", "model.safetensors": WEIGHTS}
PIECE = 64 << 10
SCHEDULES = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 6


@pytest.fixture
def origin() -> Iterator[FakeRegistry]:
    """Serve the registry itself."""
    with fake_registry() as running:
        yield running


@pytest.fixture
def mirror() -> Iterator[FakeRegistry]:
    """Serve a mirror."""
    with fake_registry() as running:
        yield running


def hosts_dir(folder: Path, origin: str, *mirrors: FakeRegistry, line: str = "") -> str:
    """Write the hosts.toml of a registry."""
    place = folder / "certs.d" / f"{origin.replace(':', '_')}_"
    place.mkdir(parents=True, exist_ok=True)
    tables = [f'[host."http://{mirror.address}"]\n{line}\n' for mirror in mirrors]
    (place / "hosts.toml").write_text("".join(tables))
    return str(place.parent)


def bring(
    origin: FakeRegistry, folder: Path, hosts: str, seconds: float = 10, patience: Patience = NONE, **changes: object
) -> Receipt:
    """Pull the origin's model to `folder/model`; without patience of its own nobody may wait."""
    values: dict[str, object] = {"source": origin.reference(), "destination": str(folder / "model")}
    settings = Settings(**{**values, "piece_bytes": PIECE, "connections": 4, **changes})  # type: ignore[arg-type] # each test its own
    transport = Transport(proxies={}, timeout_seconds=seconds, limits=HURRIED if seconds < 1 else Limits())
    with Access(transport=transport, credentials=Credentials(), hosts_dir=hosts, patience=patience) as access:
        return pull(settings, access, QuietReporter())


def offer_both(origin: FakeRegistry, mirror: FakeRegistry, chunk: int = 0) -> None:
    """Return both the same model."""
    offer(origin, MODEL, chunk=chunk)
    offer(mirror, MODEL, chunk=chunk)


@pytest.mark.parametrize("line", ["", 'capabilities = ["pull"]'])
def test_with_a_good_mirror_the_registry_sees_no_blob_bytes(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path, line: str
) -> None:
    """Only a tag that the mirror may not resolve is asked of the registry; ?ns= tells the mirror alone whose it is."""
    offer_both(origin, mirror)
    bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror, line=line))
    assert read_tree(tmp_path / "model") == MODEL
    assert [request.path for request in origin.requests] == (["/v2/team/model/manifests/v1"] if line else [])
    namespace = "?ns=" + origin.address.replace(":", "%3A")
    assert mirror.requests
    assert all(request.path.endswith(namespace) for request in mirror.requests)


FAULTS = {
    "lacks it": faults.status(404),
    "is overrun": faults.status(503, Retry_After="100"),
    "breaks": faults.status(500),
    "refuses": faults.status(403),
    "asks who": faults.status(401, WWW_Authenticate='Basic realm="r"'),
    "sends a page": faults.replaced(b"<html>sign in</html>"),
    "sends one byte wrong": faults.flipped(4321),
    "is short": faults.shortened(1),
    "is long": faults.lengthened(b"x"),
    "hangs up": faults.truncated(0),
    "dies in mid-blob": faults.truncated(10_000),
    "is reset in mid-blob": faults.truncated(10_000, resets=True),
    "stalls at once": faults.stalled(0),
    "stalls in mid-blob": faults.stalled(10_000),
    "sends another range": faults.with_headers(Content_Range="bytes 7-50006/300000"),
    "compresses": faults.with_headers(Content_Encoding="gzip"),
    "redirects to nowhere": faults.redirected("http://127.0.0.1:1{path}"),
    "knows no ranges": faults.ignoring_ranges(WEIGHTS),
    "knows no ranges and lies": faults.ignoring_ranges(noise(300_000, seed=8)),
}


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_whatever_a_mirror_does_wrong_the_model_is_right(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path, chunk: int, fault: Change
) -> None:
    """What the mirror fails to give comes from the registry, with no back-off between the two."""
    offer_both(origin, mirror, chunk)
    mirror.fail(fault, path=f"/blobs/{layer('weights', WEIGHTS).digest}")
    bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror), seconds=0.3)
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("fault", [faults.truncated(0), faults.truncated(0, resets=True)], ids=["ends", "resets"])
def test_a_mirror_without_the_blob_is_no_reason_to_ask_the_registry_for_ever(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path, fault: Change
) -> None:
    """Its storage is down behind a front that answers: patience wears out, as it does without a mirror."""
    offer(origin, MODEL)
    origin.fail(fault, path="/blobs/")
    with pytest.raises(Unavailable):
        bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror), patience=HASTY)
    assert len(origin.blob_requests()) < 200


@pytest.mark.parametrize("fault", [faults.truncated(30_000), faults.stalled(30_000)], ids=["dies", "stalls"])
def test_a_piece_goes_on_with_the_next_host_where_it_was(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path, fault: Change
) -> None:
    """The bytes that a mirror gave before it failed are not fetched again."""
    content = {"model.gguf": noise(40_000)}
    offer(origin, content)
    offer(mirror, content)
    mirror.fail(fault)
    receipt = bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror), seconds=0.3)
    assert read_tree(tmp_path / "model") == content
    assert [request.range for request in origin.blob_requests()] == [(30_000, 40_000)]
    assert receipt.wire_bytes == 40_000


def test_a_mirror_that_proved_wrong_is_not_used_again(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """One chunk with a wrong digest is enough; the registry brings it anew, and all that is left."""
    offer_both(origin, mirror, PIECE)
    mirror.fail(faults.flipped(7))
    bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror), connections=1)
    assert read_tree(tmp_path / "model") == MODEL
    assert len(mirror.blob_requests()) == 1


def test_a_foreign_blob_that_proved_wrong_in_the_end_is_fetched_anew(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """Where only the whole has a digest nobody knows which piece was wrong: all come again, from the registry."""
    offer_both(origin, mirror)
    mirror.fail(faults.flipped(7), path=f"/blobs/{layer('weights', WEIGHTS).digest}", times=1)
    bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror))
    assert read_tree(tmp_path / "model") == MODEL
    pieces = [(start, min(start + PIECE, len(WEIGHTS))) for start in range(0, len(WEIGHTS), PIECE)]
    assert sorted(request.range for request in origin.blob_requests() if request.range) == pieces


def test_bytes_that_an_earlier_pull_left_and_that_are_wrong_are_fetched_anew(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """A pull that ended between a mirror's lie and its discovery does not make the next one fail."""
    offer_both(origin, mirror)
    weights = f"/blobs/{layer('weights', WEIGHTS).digest}"
    mirror.fail(faults.flipped(7), path=weights, times=1)
    mirror.fail(lambda request, answer: answer if _is_first(request) else faults.status(404)(request, answer))
    origin.fail(faults.status(404))
    hosts = hosts_dir(tmp_path, origin.address, mirror)
    with pytest.raises(NotFound):
        bring(origin, tmp_path, hosts, patience=HASTY, connections=1)
    origin.faults.clear()
    bring(origin, tmp_path, "")
    assert read_tree(tmp_path / "model") == MODEL


def _is_first(request: Request) -> bool:
    return request.range is None or request.range[0] == 0


def test_a_blob_that_a_mirror_lacks_is_asked_of_it_once(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """The other pieces go to the next host at once; the mirror is still good for what it has."""
    offer_both(origin, mirror)
    digest = str(layer("weights", WEIGHTS).digest)
    del mirror.blobs[digest]
    bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror), connections=1)
    assert read_tree(tmp_path / "model") == MODEL
    assert [digest in request.path for request in mirror.blob_requests()].count(True) == 1
    assert all(digest in request.path for request in origin.blob_requests())


def test_a_liar_is_followed_by_the_next_mirror(origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path) -> None:
    """The registry is last: as long as one mirror is good, it sees nothing."""
    with fake_registry() as liar:
        for fake in (liar, mirror, origin):
            offer(fake, MODEL, chunk=PIECE)
        liar.fail(faults.flipped(7))
        bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, liar, mirror))
    assert read_tree(tmp_path / "model") == MODEL
    assert origin.requests == []


@pytest.mark.parametrize("fault", [faults.replaced(b"<html>"), faults.flipped(9), faults.stalled(20)])
def test_a_manifest_is_held_to_its_digest_whoever_sends_it(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path, fault: Change
) -> None:
    """What is no manifest, or another one than was pinned, is asked of the next host."""
    offer(mirror, MODEL)
    digest = offer(origin, MODEL)
    mirror.fail(fault, path="/manifests/")
    hosts = hosts_dir(tmp_path, origin.address, mirror)
    bring(origin, tmp_path, hosts, seconds=0.3, source=f"{origin.reference()}@{digest}")
    assert read_tree(tmp_path / "model") == MODEL


def test_a_broken_stream_is_not_begun_anew_where_another_host_serves_ranges(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """A mirror without ranges would send all of the blob again: the next host is asked for the rest alone."""
    offer_both(origin, mirror)
    path = f"/blobs/{layer('weights', WEIGHTS).digest}"
    mirror.fail(faults.ignoring_ranges(WEIGHTS), path=path)
    mirror.fail(faults.truncated(120_000), path=path, times=1)
    receipt = bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror))
    assert read_tree(tmp_path / "model") == MODEL
    assert [path in request.path for request in mirror.blob_requests()].count(True) == 1
    ranges = sorted(request.range for request in origin.blob_requests() if request.range)
    assert ranges == [(120_000, 300_000)]
    assert receipt.wire_bytes == sum(map(len, MODEL.values()))


def test_when_every_host_lies_the_error_says_so(origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path) -> None:
    """A wrong digest stays an error, and no model appears."""
    offer_both(origin, mirror)
    for fake in (origin, mirror):
        fake.fail(faults.flipped(7), path=f"/blobs/{layer('weights', WEIGHTS).digest}")
    with pytest.raises(Mismatch):
        bring(origin, tmp_path, hosts_dir(tmp_path, origin.address, mirror))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("batch", range(3))
def test_any_script_of_a_mirrors_faults_ends_in_the_right_bytes(batch: int, tmp_path: Path) -> None:
    """Law: with a healthy registry behind it, nothing that a mirror does makes a pull fail.

    Its word on tags is another matter: it is either not asked for it, or the model is pinned.
    """
    for seed in range(batch, SCHEDULES, 3):
        print(f"seed {seed}")  # noqa: T201 - pytest shows it when the law is broken
        random = Random(seed)
        root = tmp_path / str(seed)
        root.mkdir()
        with fake_registry() as origin, fake_registry() as mirror:
            model = random_model(random)
            chunk = random.choice((0, PIECE, 100_000))
            digest = offer(origin, model, chunk=chunk)
            offer(mirror, model, chunk=chunk)
            content = random.choice([content for content in model.values() if content] or [b"x"])
            for path in random.choices(("/manifests/", "/blobs/", "/blobs/"), k=random.randint(1, 5)):
                mirror.fail(random_fault(random, content), path=path, times=random.choice((1, 2, 5, 1000)))
            is_pinned = random.random() < 0.5
            source = f"{origin.reference()}@{digest}" if is_pinned else origin.reference()
            line = "" if is_pinned else 'capabilities = ["pull"]'
            hosts = hosts_dir(root, origin.address, mirror, line=line)
            size = random.choice((20_000, PIECE))
            bring(origin, root, hosts, 0.2, HASTY, source=source, connections=random.randint(1, 6), piece_bytes=size)
        assert read_tree(root / "model") == model, seed


def test_the_pullers_program_reads_its_hosts_dir_from_the_environment(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """What a pod says in WEIGHBRIDGE_PULL_HOSTS_DIR is what is asked."""
    offer_both(origin, mirror)
    settings = Settings(
        source=origin.reference(),
        destination=str(tmp_path / "model"),
        hosts_dir=hosts_dir(tmp_path, origin.address, mirror),
    )
    environ = {**os.environ, **settings.to_env()}
    assert "WEIGHBRIDGE_PULL_HOSTS_DIR" in environ
    command = [sys.executable, "-m", "puller"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert origin.requests == []


def test_a_pod_finds_the_operators_mirrors_in_its_environment(
    origin: FakeRegistry, mirror: FakeRegistry, tmp_path: Path
) -> None:
    """A text with a table for the registry; no file is needed, and the registry is not asked at all."""
    offer(origin, MODEL)
    offer(mirror, MODEL)
    settings = Settings(
        source=origin.reference(),
        destination=str(tmp_path / "model"),
        mirrors=f'["{origin.address}".host."http://{mirror.address}"]\n',
    )
    command, environ = [sys.executable, "-m", "puller"], {**os.environ, **settings.to_env()}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_tree(tmp_path / "model") == MODEL
    assert origin.requests == []


def test_a_real_pull_through_cache_serves_what_it_fetched(registry: Registry, part: Part, tmp_path: Path) -> None:
    """CNCF distribution as a cache of another: the first pull fills it, the second asks the registry for no blob."""
    source = f"{registry.address}/mirrors/model:v1"
    with Access(transport=Transport(proxies={}, timeout_seconds=20), credentials=Credentials()) as access:
        pusher = open_pusher(parse_source(source), access)
        for content in (*MODEL.values(), b"{}"):
            pusher.put(content, Digest.of(content))
        put_manifest(pusher, manifest_of([layer(path, content) for path, content in MODEL.items()]))
    (tmp_path / "cache").mkdir()
    with running_registry(part("registry"), tmp_path / "cache", upstream=f"http://{registry.address}") as cache:
        place = tmp_path / "certs.d" / "_default"
        place.mkdir(parents=True)
        (place / "hosts.toml").write_text(f'[host."http://{cache.address}"]\n')
        for name in ("first", "second"):
            before = registry.process.said().count("/blobs/")
            transport = Transport(proxies={}, timeout_seconds=20)
            with Access(transport=transport, credentials=Credentials(), hosts_dir=str(place.parent)) as access:
                pull(Settings(source=source, destination=str(tmp_path / name)), access, QuietReporter())
            assert read_tree(tmp_path / name) == MODEL
            asked = registry.process.said().count("/blobs/") - before
        assert f"ns={registry.address.replace(':', '%3A')}" in cache.process.said()
    assert asked == 0
