"""Packed layers from a registry that misbehaves: unpacked in order, over many connections, whatever breaks."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from puller.errors import BadArtifact, NoRoom
from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from puller.transfer.archive_blob import PIECE_BYTES, Abandoned, Sequencer
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Mismatch
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Change, FakeRegistry, fake_registry
from tests.puller.models import noise, offer_packed, read_tree
from tests.puller.packs import CODECS

MODEL = {"a/weights.bin": noise(5 * PIECE_BYTES + 77), "b.json": b"{}", "c.bin": noise(3 * PIECE_BYTES, 8), "d": b""}


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve an empty fake registry."""
    with fake_registry() as running:
        yield running


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach loopback registries as nobody."""
    with Access(
        transport=Transport(proxies={}, timeout_seconds=5), credentials=Credentials(), patience=HASTY
    ) as opened:
        yield opened


def bring(fake: FakeRegistry, access: Access, folder: Path, connections: int = 6) -> Receipt:
    """Pull the fake's model to `folder/model`."""
    settings = Settings(source=fake.reference(), destination=str(folder / "model"), connections=connections)
    return pull(settings, access, QuietReporter())


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("connections", [1, 3, 16])
def test_archives_come_over_many_connections(
    fake: FakeRegistry, access: Access, tmp_path: Path, codec: str, connections: int
) -> None:
    """Pieces are asked for by ranges, several at a time, and no byte twice."""
    offer_packed(fake, MODEL, codec)
    receipt = bring(fake, access, tmp_path, connections)
    assert read_tree(tmp_path / "model") == MODEL
    assert receipt.wire_bytes == sum(len(blob) for blob in fake.blobs.values() if blob != b"{}")
    assert any(request.range for request in fake.blob_requests())


@pytest.mark.parametrize(
    "change",
    [
        faults.truncated(100_000),
        faults.truncated(PIECE_BYTES - 1),
        faults.status(503),
        faults.truncated(100_000, resets=True),
    ],
    ids=["early end", "late end", "503", "reset"],
)
def test_what_breaks_is_gone_on_with(fake: FakeRegistry, access: Access, tmp_path: Path, change: Change) -> None:
    """The unpacking goes on in the middle: what came before the break is not asked for again."""
    offer_packed(fake, MODEL, "+zstd")
    fake.fail(change, times=3)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


def test_a_registry_without_ranges_is_one_stream(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Each blob is asked for once, whole."""
    offer_packed(fake, MODEL, "+gzip")
    for digest, content in fake.blobs.items():
        fake.fail(faults.ignoring_ranges(content), path=digest)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    assert len(fake.blob_requests()) == 2


@pytest.mark.parametrize("codec", CODECS)
def test_a_wrong_byte_is_the_transfers_fault_and_not_the_archives(
    fake: FakeRegistry, access: Access, tmp_path: Path, codec: str
) -> None:
    """Whatever it breaks inside, the digest is what is named; nothing is visible, and the next pull is right."""
    offer_packed(fake, MODEL, codec)
    fake.fail(faults.flipped(1000))
    with pytest.raises(Mismatch):
        bring(fake, access, tmp_path)
    assert not (tmp_path / "model").exists()
    fake.faults.clear()
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


def test_what_was_unpacked_whole_is_not_fetched_again(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Of two layers one cannot be had: the next pull asks for that one alone."""
    offer_packed(fake, MODEL, "+zstd")
    missing = max((blob for blob in fake.blobs.items()), key=lambda item: len(item[1]))[0]
    fake.fail(faults.status(404), path=missing)
    with pytest.raises(Exception, match="404"):
        bring(fake, access, tmp_path, connections=1)
    done = [path for path in tmp_path.glob(".weighbridge/model/*/stage/*") if (path / "list").exists()]
    fake.faults.clear()
    fake.requests.clear()
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    asked = {request.path.rpartition(":")[2] for request in fake.blob_requests()}
    assert asked.isdisjoint(path.name for path in done)


def test_a_member_that_promises_more_than_the_volume_has_is_refused_at_its_header(
    fake: FakeRegistry, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known before its first byte is written."""
    offer_packed(fake, {"zeros": bytes(16 * PIECE_BYTES)}, "+zstd")
    status = os.statvfs(tmp_path)
    blocks = PIECE_BYTES // status.f_frsize
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*status[:3], blocks, blocks, *status[5:])))
    with pytest.raises(NoRoom, match="promised"):
        bring(fake, access, tmp_path)
    assert not (tmp_path / "model").exists()


def test_one_broken_archive_ends_the_pull_of_all(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Workers that wait for their turn are let go."""
    offer_packed(fake, MODEL, "+gzip")
    good = list(fake.blobs.values())
    manifest = fake.manifests["v1"]
    for content in good:
        if content != b"{}":
            broken = content[:-9] + bytes(9)
            manifest = manifest.replace(str(Digest.of(content)).encode(), str(fake.add_blob(broken)).encode())
    fake.manifests["v1"] = manifest
    with pytest.raises(BadArtifact, match="gzip"):
        bring(fake, access, tmp_path)


def test_turns_are_taken_in_order_or_given_up() -> None:
    """Law: bytes pass in the order of their offsets; who waits when the work ends is told so."""
    turn, passed = Sequencer(), list[int]()

    def walk(position: int) -> None:
        turn.take(position)
        passed.append(position)
        turn.pass_on(position + 1)

    threads = [threading.Thread(target=walk, args=(position,)) for position in reversed(range(9))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed == list(range(9))
    turn.end()
    with pytest.raises(Abandoned):
        turn.take(99)
