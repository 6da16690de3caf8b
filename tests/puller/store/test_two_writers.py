"""Work that was left, or that another process takes away: nothing is believed that is not in the very file it was of.

Locks that hold for one node alone are those of NFS with nolock, of Lustre with localflock, and of some guests.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from puller.errors import DiskFailed
from puller.pull import pull
from puller.settings import Settings
from puller.store.journal import boot_id
from puller.store.receipt import Receipt
from puller.store.work_dir import Workshop
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, FakeRegistry, Request, fake_registry
from tests.puller.models import noise, offer, offer_packed, read_tree

PIECE = 64 << 10
WEIGHTS = noise(8 * PIECE)
MODEL = {"config.json": b"{}", "model.safetensors": WEIGHTS}
MEMORY = Path("/dev/shm")  # noqa: S108 - another file system than the tests' own, where there is one


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve an empty fake registry."""
    with fake_registry() as running:
        yield running


def bring(fake: FakeRegistry, folder: Path, **changes: object) -> Receipt:
    """Pull the fake's model to `folder/model`."""
    values: dict[str, object] = {"source": fake.reference(), "destination": str(folder / "model")}
    settings = Settings(**{**values, "piece_bytes": PIECE, "connections": 2, **changes})  # type: ignore[arg-type] # each test its own
    transport = Transport(proxies={}, timeout_seconds=10)
    with Access(transport=transport, credentials=Credentials(), patience=HASTY) as access:
        return pull(settings, access, QuietReporter())


def begin(fake: FakeRegistry, folder: Path, pieces: int) -> None:
    """Have a pull fail after so many pieces of the weights."""
    path = str(Digest.of(WEIGHTS))
    fake.fail(faults.truncated(pieces * PIECE), path=path, times=1)
    fake.fail(faults.status(404), path=path, skips=1)
    with pytest.raises(Fault):
        bring(fake, folder, connections=1)
    fake.faults.clear()


def take_away(folder: Path) -> None:
    """Put an empty file of its size in the place of each file that a pull writes, as another process begins anew."""
    for path in [one for one in (folder / ".weighbridge").rglob("*") if {"incoming", "stage"} & {*one.parts}]:
        if path.is_file():
            fresh = path.with_name("fresh")
            fresh.touch()
            os.truncate(fresh, path.stat().st_size)
            fresh.replace(path)


@pytest.mark.parametrize("form", ["foreign", "with chunk digests", "archive"])
@pytest.mark.parametrize("moment", range(1, 9))
def test_a_file_that_took_the_place_of_ours_is_never_published(
    fake: FakeRegistry, tmp_path: Path, form: str, moment: int
) -> None:
    """Law: whenever it comes, the pull is right, or it fails and says that locks do not hold; the next is right."""
    requests = 0

    def strike(request: Request, answer: Answer) -> Answer:
        nonlocal requests
        requests += request.range is not None or form == "archive"
        if requests == moment:
            take_away(tmp_path)
        return answer

    if form == "archive":
        offer_packed(fake, {f"part-{number}": noise(4 * PIECE, number) for number in range(6)}, "+gzip")
        expected = {f"part-{number}": noise(4 * PIECE, number) for number in range(6)}
    else:
        offer(fake, MODEL, chunk=PIECE if form == "with chunk digests" else 0)
        expected = MODEL
    fake.fail(strike, path="/blobs/")
    caught: Fault | None = None
    try:
        bring(fake, tmp_path)
    except Fault as error:
        caught = error
    if caught is None:
        assert read_tree(tmp_path / "model") == expected
    else:
        is_said = isinstance(caught, DiskFailed) and "locks hold for one node alone" in str(caught)
        assert is_said or "what was unpacked of it is gone" in str(caught)
        assert not (tmp_path / "model").exists()
    fake.faults.clear()
    bring(fake, tmp_path)
    assert read_tree(tmp_path / "model") == expected


def test_a_blob_of_which_all_has_landed_and_a_byte_is_wrong_is_fetched_again(
    fake: FakeRegistry, tmp_path: Path
) -> None:
    """Without digests of its pieces none can be kept; a journal that names all of them is no reason to fail."""
    offer(fake, MODEL)
    digest = Digest.of(WEIGHTS)
    begin(fake, tmp_path, pieces=7)
    (incoming,) = (tmp_path / ".weighbridge").rglob(digest.hex)
    (journal,) = (tmp_path / ".weighbridge").rglob("journal")
    with journal.open("a") as file:
        file.write(f"{digest.hex} {7 * PIECE} {8 * PIECE} {incoming.stat().st_ino}\n")

    bring(fake, tmp_path)

    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("chunk", [0, PIECE])
def test_a_journal_speaks_of_no_file_that_is_gone(fake: FakeRegistry, tmp_path: Path, chunk: int) -> None:
    """A new file may get the inode of the one that is gone, and its name it has in any case."""
    offer(fake, MODEL, chunk=chunk)
    digest = Digest.of(WEIGHTS)
    begin(fake, tmp_path, pieces=5)
    (incoming,) = (tmp_path / ".weighbridge").rglob(digest.hex)
    (journal,) = (tmp_path / ".weighbridge").rglob("journal")
    assert journal.read_text().count(digest.hex) == 5
    incoming.unlink()
    fake.fail(faults.status(404), path=str(digest))

    with pytest.raises(Fault):
        bring(fake, tmp_path, connections=1)

    assert digest.hex not in journal.read_text()


@pytest.mark.parametrize(("silent_seconds", "is_taken_over"), [(300, True), (30, False)])
def test_without_locks_what_a_killed_pull_left_is_gone_on_with(
    fake: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent_seconds: int, *, is_taken_over: bool
) -> None:
    """By the next one, once nothing moves there any more: a container that is killed often fills no volume."""

    def no_locks(*_: object) -> None:
        raise OSError(38, os.strerror(38))

    offer(fake, MODEL)
    begin(fake, tmp_path, pieces=5)
    room = tmp_path / ".weighbridge" / "model"
    killed = [room / f"alone-{number}" for number in range(2)]
    (room / str(os.geteuid())).rename(killed[0])
    killed[1].mkdir(0o700)
    silent_since = time.time() - silent_seconds
    for path in (killed[0], *killed[0].rglob("*")):
        os.utime(path, (silent_since, silent_since))
    os.utime(killed[1], (silent_since - 1, silent_since - 1))
    monkeypatch.setattr(fcntl, "flock", no_locks)

    fetched = bring(fake, tmp_path, connections=1).wire_bytes

    assert fetched // PIECE == (3 if is_taken_over else 8)
    assert [folder.exists() for folder in killed] == [not is_taken_over] * 2
    assert read_tree(tmp_path / "model") == MODEL


def test_a_folder_that_was_taken_over_is_not_taken_from_its_taker(tmp_path: Path) -> None:
    """Replicas that start together after a node was lost: one has what the dead one left, and keeps it."""
    left = tmp_path / "alone-dead"
    (left / "incoming").mkdir(parents=True)
    for path in (left / "incoming", left):
        os.utime(path, (1, 1))

    taken = Workshop.alone(tmp_path)
    others = [Workshop.alone(tmp_path) for _ in range(3)]

    assert taken.incoming.exists()
    assert not any(one.incoming.exists() for one in others)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Make a folder on another file system."""
    folder = MEMORY / f"weighbridge-{os.getpid()}-{Random().randrange(1 << 32)}"
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == Path.cwd().stat().st_dev:
        pytest.skip("no second file system at hand")
    folder.mkdir()
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("sync", [False, True])
def test_a_copy_of_what_was_synced_is_not_synced_itself(
    fake: FakeRegistry, tmp_path: Path, elsewhere: Path, *, sync: bool
) -> None:
    """Its receipt holds under this kernel alone, unless this very pull synced it."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    cache = str(tmp_path / "cache")
    assert bring(fake, tmp_path, source=source, cache=cache, sync=True).boot == ""

    copied = bring(fake, elsewhere, source=source, cache=cache, sync=sync)
    linked = bring(fake, tmp_path, source=source, cache=cache, sync=sync, destination=str(tmp_path / "linked"))

    assert copied.boot == ("" if sync else boot_id())
    assert linked.boot == ""


def test_a_cache_on_a_full_volume_is_left_aside(
    fake: FakeRegistry, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The destination's own has room; where both are one volume, that is full."""
    offer(fake, MODEL)
    actual = os.statvfs

    def statvfs(path: object) -> os.statvfs_result:
        found = actual(path)  # type: ignore[arg-type] # as it is called
        if not Path(str(path)).is_relative_to(elsewhere):
            return found
        return os.statvfs_result((4096, 4096, 100, 1, 1, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    bring(fake, tmp_path, cache=str(elsewhere / "cache"))
    assert read_tree(tmp_path / "model") == MODEL
    with pytest.raises(Fault, match="bytes left"):
        bring(fake, elsewhere, cache=str(elsewhere / "cache"))
