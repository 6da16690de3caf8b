"""The laws of a pull, asked at random: right bytes or a named error, whatever the registry and the machine do.

Each case is a seed and can be asked again by it. `make laws` asks many more than the everyday run does.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import Fault, Mismatch
from registry.http.transport import Transport
from registry.net.limits import Limits
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.manner import Manner
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, Change, FakeRegistry, fake_registry

from .models import noise, offer, offer_packed, read_tree
from .packs import CODECS

SCHEDULES = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 10
KILLS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 2
BATCH = 25

CONNECTIONS, PIECE = 4, 100_000
OFFSETS = (0, 1, 12, 30, 100, 150, 1000, 20_000)
"""Where in an answer something happens: in its head, or in its body."""

HURRIED = Limits(exchange_seconds=0.4, hurried_seconds=0.3, floor_seconds=0.2)


def random_model(random: Random) -> dict[str, bytes]:
    """Return up to four files, of sizes around those where something changes."""
    sizes = (0, 1, 999, 10_000, 49_999, 50_000, 50_001, 65_535, 65_536, 65_537, 200_000)
    return {
        f"file-{number}": noise(random.choice(sizes), random.getrandbits(32)) for number in range(random.randint(1, 4))
    }


def random_fault(random: Random, content: bytes) -> Change:
    """Return one way to be wrong."""
    count = random.choice((0, 1, 100, 30_000))
    return random.choice(
        (
            faults.status(random.choice((401, 403, 404, 408, 416, 418, 429, 500, 502, 503, 504)), Retry_After="0"),
            faults.truncated(count),
            faults.truncated(count, resets=True),
            faults.stalled(count),
            faults.shortened(random.randint(1, 5)),
            faults.lengthened(b"more"),
            faults.flipped(random.getrandbits(20)),
            faults.replaced(b"<html>"),
            faults.replaced(b"{}", Content_Type="application/json"),
            faults.with_headers(Content_Encoding="gzip"),
            faults.with_headers(Content_Range="bytes 0-9/10"),
            faults.with_headers(Connection="close"),
            faults.redirected("http://127.0.0.1:1{path}"),
            faults.mannered(Manner(cut_at=random.choice(OFFSETS))),
            faults.mannered(Manner(stops_at=random.choice(OFFSETS))),
            faults.mannered(Manner(trickles_at=random.choice(OFFSETS))),
            faults.ignoring_ranges(content),
        )
    )


def script(fake: FakeRegistry, model: dict[str, bytes], random: Random) -> None:
    """Write a random script of faults."""
    contents = [content for content in model.values() if content] or [b"x"]
    for _ in range(random.randint(0, 6)):
        path = random.choice(("/manifests/", "/blobs/", "/blobs/", "/blobs/"))
        fake.fail(random_fault(random, random.choice(contents)), path=path, times=random.choice((1, 1, 2, 5, 1000)))


def ask(seed: int, root: Path) -> None:
    """Pull under a random script: the model is right or absent, and a healthy registry mends everything."""
    random = Random(seed)
    model = random_model(random)
    with fake_registry() as fake:
        codec = random.choice((None, None, *CODECS))
        if codec is None:
            offer(fake, model, chunk=random.choice((0, 65_536, 100_000)))
        else:
            offer_packed(fake, model, codec)
        script(fake, model, random)
        settings = Settings(
            source=fake.reference(),
            destination=str(root / "model"),
            connections=random.randint(1, 6),
            piece_bytes=random.choice((20_000, 50_000, 1 << 20)),
        )
        transport = Transport(proxies={}, timeout_seconds=0.2, limits=HURRIED)
        with Access(transport=transport, credentials=Credentials(), patience=HASTY) as access:
            try:
                pull(settings, access, QuietReporter())
            except Fault:
                assert not (root / "model").exists(), seed
            else:
                assert read_tree(root / "model") == model, seed
            fake.faults.clear()
            pull(settings, access, QuietReporter())
        assert read_tree(root / "model") == model, seed


@pytest.mark.parametrize("batch", range(SCHEDULES // BATCH))
def test_any_script_of_faults_ends_in_the_right_bytes_or_a_named_error(batch: int, tmp_path: Path) -> None:
    """Law: after a pull the model is right or absent; a pull after it, undisturbed, makes it right."""
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        print(f"seed {seed}")  # noqa: T201 - pytest shows it when the law is broken
        root = tmp_path / str(seed)
        root.mkdir()
        ask(seed, root)


def kill_and_go_on(seed: int, root: Path) -> None:
    """Kill a pull at a random request, then pull again: the tree is right, and little came twice."""
    random = Random(seed)
    model = {"a.safetensors": noise(3_000_000, seed), "b.safetensors": noise(450_000, seed + 1), "c.json": b"{}"}
    moment = random.randint(1, 36)
    with fake_registry() as fake:
        offer(fake, model, chunk=random.choice((0, PIECE)))
        reached = threading.Event()

        def count(_: object, answer: Answer) -> Answer:
            if len(fake.blob_requests()) >= moment:
                reached.set()
            return answer

        fake.fail(count)
        settings = Settings(
            source=fake.reference(), destination=str(root / "model"), connections=CONNECTIONS, piece_bytes=PIECE
        )
        environ = {**os.environ, **settings.to_env()}
        command = [sys.executable, "-m", "puller"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
            reached.wait(30)
            process.send_signal(signal.SIGKILL)
        assert not (root / "model").exists() or read_tree(root / "model") == model
        done = subprocess.run(command, env=environ, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert read_tree(root / "model") == model
        asked = sum(stop - start for start, stop in (request.range or (0, 0) for request in fake.blob_requests()))
        assert asked <= sum(map(len, model.values())) + CONNECTIONS * PIECE, seed


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_pull_costs_at_most_a_piece_a_connection(seed: int, tmp_path: Path) -> None:
    """Law: after `kill -9` at any moment the next pull is right, and fetches no piece again that had landed."""
    kill_and_go_on(seed, tmp_path)


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
@pytest.mark.parametrize("size", [0, 1 << 20, 5 << 20])
def test_a_registry_that_answers_something_else_ends_a_pull_that_goes_on(tmp_path: Path, chunk: int, size: int) -> None:
    """Law: what an earlier pull left is no reason to ask for ever: the registry has a page for its maintenance now."""
    content, transport = noise(3_000_000), Transport(proxies={}, timeout_seconds=10)
    with (
        fake_registry() as fake,
        Access(transport=transport, credentials=Credentials(), patience=HASTY) as access,
    ):
        offer(fake, {"model.gguf": content}, chunk=chunk)
        settings = Settings(
            source=fake.reference(), destination=str(tmp_path / "model"), connections=1, piece_bytes=PIECE
        )
        fake.fail(faults.truncated(1_000_000), times=1)
        fake.fail(faults.status(404), skips=1)
        with pytest.raises(Fault):
            pull(settings, access, QuietReporter())
        before = len(fake.requests)
        fake.faults.clear()
        fake.fail(faults.replaced(bytes(size)))
        with pytest.raises(Mismatch):
            pull(settings, access, QuietReporter())
        assert len(fake.requests) - before < 30
        fake.faults.clear()
        pull(settings, access, QuietReporter())
        assert read_tree(tmp_path / "model") == {"model.gguf": content}
