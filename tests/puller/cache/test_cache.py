"""A cache that many pulls share: one download, no registry when it is warm, and nothing in use is let go."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from puller.cache.eviction import Eviction
from puller.pull import pull
from puller.settings import Settings
from puller.store.destination import Destination
from puller.store.receipt import Receipt
from puller.store.standing import receipt_of
from puller.store.trust import Trust
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.registry import Answer, FakeRegistry, fake_registry
from tests.fakes.reporter import Listener
from tests.puller.models import noise, offer, read_tree

MODEL = {"config.json": b"{}", "deep/weights.safetensors": noise(300_000), "copy.json": b"{}"}
PIECE = 64 << 10
ROUNDS = int(os.environ.get("WEIGHBRIDGE_LAWS", "1"))


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve an empty fake registry."""
    with fake_registry() as running:
        yield running


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach loopback registries as nobody."""
    with Access(transport=Transport(proxies={}, timeout_seconds=10), credentials=Credentials()) as opened:
        yield opened


def settings_for(source: str, folder: Path, name: str = "model", **changes: object) -> Settings:
    """Return the settings of a pull to `folder/name` through `folder/cache`."""
    values: dict[str, object] = {"source": source, "destination": str(folder / name), "cache": str(folder / "cache")}
    return Settings(**{**values, "piece_bytes": PIECE, "connections": 4, **changes})  # type: ignore[arg-type] # each test its own


def age(folder: Path) -> None:
    """Have all below a folder be of the day before yesterday."""
    before = time.time() - 2 * 24 * 3600
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        os.utime(path, (before, before))


@pytest.mark.parametrize("is_old", [False, True])
def test_what_a_killed_pull_left_in_a_cache_is_removed_after_a_day(
    fake: FakeRegistry, access: Access, tmp_path: Path, *, is_old: bool
) -> None:
    """Its tag has moved by then, and nobody goes on with it; it is no model that could be let go."""
    first = f"{fake.reference()}@{offer(fake, MODEL)}"
    fake.fail(faults.truncated(200_000), path=str(Digest.of(MODEL["deep/weights.safetensors"])), times=1)
    fake.fail(faults.status(404), path=str(Digest.of(MODEL["deep/weights.safetensors"])), skips=1)
    with pytest.raises(Fault):
        pull(settings_for(first, tmp_path, connections=1), access, QuietReporter())
    (left,) = (tmp_path / "cache").rglob("incoming")
    if is_old:
        age(left.parent)
    fake.faults.clear()
    second = f"{fake.reference()}@{offer(fake, {'config.json': b'[]'})}"
    pull(settings_for(second, tmp_path, "second"), access, QuietReporter())
    assert left.exists() is not is_old
    assert pull(settings_for(first, tmp_path), access, QuietReporter()).size == sum(map(len, MODEL.values()))
    assert read_tree(tmp_path / "second") == {"config.json": b"[]"}


def test_what_came_through_a_cache_is_told_as_fetched(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """By the pull that fetched it, in bytes and seconds; a second directory fetched nothing."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    first = pull(settings_for(source, tmp_path, "one"), access, QuietReporter())
    (name,) = entries(tmp_path)
    entry = receipt_of(tmp_path / "cache" / name, Trust.of_process(trusts_group=False))
    assert entry is not None
    assert first.wire_bytes == entry.wire_bytes == sum(map(len, set(MODEL.values())))
    assert first.seconds >= entry.seconds > 0
    assert pull(settings_for(source, tmp_path, "two"), access, QuietReporter()).wire_bytes == 0


def test_a_killed_pull_into_a_capped_cache_goes_on(
    fake: FakeRegistry, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it reserved on the volume is its own: else a volume without room for the model twice would never take it."""
    source, size = f"{fake.reference()}@{offer(fake, MODEL)}", sum(map(len, MODEL.values()))
    other = f"{fake.reference()}@{offer(fake, {'config.json': b'[]'})}"
    pull(settings_for(other, tmp_path, "other"), access, QuietReporter())
    shutil.rmtree(tmp_path / "other")  # nobody's any more: it may be let go, and need not be
    path = str(Digest.of(MODEL["deep/weights.safetensors"]))
    fake.fail(faults.truncated(200_000), path=path, times=1)
    fake.fail(faults.status(404), path=path, skips=1)
    wanted = settings_for(source, tmp_path, cache_bytes=10 * size)
    with pytest.raises(Fault):
        pull(wanted, access, QuietReporter())
    fake.faults.clear()
    monkeypatch.setattr("puller.cache.eviction.free_bytes", lambda _: size // 2)
    listener = Listener()
    pull(wanted, access, listener)
    assert not [line for line in listener.said if "left aside" in line]
    assert len(entries(tmp_path)) == 2


def test_a_volume_without_room_removes_nothing_in_vain(
    fake: FakeRegistry, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that could be let go would not do."""
    other = f"{fake.reference()}@{offer(fake, {'config.json': b'[]'})}"
    pull(settings_for(other, tmp_path, "other"), access, QuietReporter())
    shutil.rmtree(tmp_path / "other")
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    monkeypatch.setattr("puller.cache.eviction.free_bytes", lambda _: 1000)
    listener = Listener()
    pull(settings_for(source, tmp_path, cache_bytes=1 << 30), access, listener)
    assert [line for line in listener.said if "no room on its volume; it is left aside" in line]
    assert len(entries(tmp_path)) == 1


def test_a_strange_name_behind_a_cache_fails_no_pull(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Whoever may write there may have made it."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    planted = tmp_path / "cache/.weighbridge/.weighbridge-x" / str(os.geteuid()) / "incoming"
    planted.mkdir(parents=True)
    age(tmp_path / "cache/.weighbridge/.weighbridge-x")
    receipt = pull(settings_for(source, tmp_path), access, QuietReporter())
    assert (receipt.source, receipt.names) == (source, frozenset(MODEL))
    assert read_tree(tmp_path / "model") == MODEL
    assert planted.is_dir()


def entries(folder: Path) -> set[str]:
    """Return the models of a cache."""
    return {path.name for path in (folder / "cache").iterdir() if not path.name.startswith(".")}


def test_a_second_directory_of_a_pinned_model_asks_no_registry(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """What the cache has is given by hard links, under any name."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    pull(settings_for(source, tmp_path, "one"), access, QuietReporter())
    fake.requests.clear()
    receipt = pull(settings_for(source, tmp_path, "two"), access, QuietReporter())
    assert read_tree(tmp_path / "one") == read_tree(tmp_path / "two") == MODEL
    assert fake.requests == []
    assert (tmp_path / "one/config.json").samefile(tmp_path / "two/config.json")
    assert receipt.source == source
    assert pull(settings_for(source, tmp_path, "two"), access, QuietReporter()) == receipt


def test_a_tag_is_looked_up_and_its_model_taken_from_the_cache(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """One manifest comes over the wire, and no blob; a tag that moved brings the new model."""
    offer(fake, MODEL)
    pull(settings_for(fake.reference(), tmp_path, "one"), access, QuietReporter())
    fake.requests.clear()
    pull(settings_for(fake.reference(), tmp_path, "two"), access, QuietReporter())
    assert not fake.blob_requests()
    moved = {**MODEL, "config.json": b"{'new': 1}"}
    offer(fake, moved)
    pull(settings_for(fake.reference(), tmp_path, "two"), access, QuietReporter())
    assert (read_tree(tmp_path / "one"), read_tree(tmp_path / "two")) == (MODEL, moved)
    assert len(entries(tmp_path)) == 2


def test_a_choice_has_its_own_entry(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Half a model is never given for the whole one."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    pull(settings_for(source, tmp_path, "half", include=("*.json",)), access, QuietReporter())
    pull(settings_for(source, tmp_path, "whole"), access, QuietReporter())
    assert sorted(read_tree(tmp_path / "half")) == ["config.json", "copy.json"]
    assert read_tree(tmp_path / "whole") == MODEL


def test_another_file_system_gets_a_copy(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A link cannot reach it; bytes, modes and times come along."""
    memory = Path("/dev/shm")  # noqa: S108 - another file system than the tests' own, where there is one
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")  # macOS, or a temporary folder that is in memory itself
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    folder = memory / f"weighbridge-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    try:
        receipt = pull(settings_for(source, tmp_path, destination=str(folder / "model")), access, QuietReporter())
        assert read_tree(folder / "model") == MODEL
        assert (
            pull(settings_for(source, tmp_path, destination=str(folder / "model")), access, QuietReporter()) == receipt
        )
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


def test_the_longest_unused_goes_first(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Beyond the limit room is made, by last use and not by age; what has a name outside stays."""
    offered = {}
    for name in ("a", "b", "c", "d"):
        offered[name] = offer(fake, {"weights": noise(100_000, ord(name))})

    def use(name: str, keep: str = "") -> Receipt:
        settings = settings_for(f"{fake.reference()}@{offered[name]}", tmp_path, keep or "passing", cache_bytes=330_000)
        return pull(settings, access, QuietReporter())

    for name in ("a", "b", "c", "a"):
        use(name)
    use("d", keep="other")
    assert entries(tmp_path) == {offered[name].hex for name in "cad"} - {offered["b"].hex}
    use("b")
    assert offered["d"].hex in entries(tmp_path), "it has a name outside of the cache"


def test_a_model_that_is_locked_is_not_let_go(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Somebody gives it away at this moment."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    (tmp_path / "cache").mkdir()
    pull(settings_for(source, tmp_path, "cache/held", cache=""), access, QuietReporter())
    trust = Trust.of_process(trusts_group=False)
    cache = Eviction(tmp_path / "cache", trust, limit=10, keep_days=0)
    entry = Destination(tmp_path / "cache" / "held", trust)
    with entry.open(lambda _: pytest.fail("nobody else is here")):
        assert "in use" in cache.make_room(5, keep=tmp_path / "another")
        assert entry.path.exists()
    assert "its limit is 10 B" in cache.make_room(11, keep=tmp_path / "another")
    assert entry.path.exists(), "what never fits costs nobody a model"
    assert not cache.make_room(5, keep=tmp_path / "another")
    assert not entry.path.exists()


def test_a_model_larger_than_the_cache_goes_past_it(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """The pull is not refused: it says why, and does without."""
    offer(fake, MODEL)
    listener = Listener()
    pull(settings_for(fake.reference(), tmp_path, cache_bytes=1000), access, listener)
    assert read_tree(tmp_path / "model") == MODEL
    assert any("left aside" in line for line in listener.said)


def test_without_locks_each_pull_works_by_itself(
    fake: FakeRegistry, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that knows no locks is noticed and told, and the model is right all the same."""

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    offer(fake, MODEL)
    listener = Listener()
    for name in ("one", "two", "two"):
        pull(settings_for(fake.reference(), tmp_path, name), access, listener)
        assert read_tree(tmp_path / name) == MODEL
    assert any("knows no locks" in line for line in listener.said)
    assert not list(tmp_path.rglob("alone-*"))
    killed = {name: tmp_path / ".weighbridge" / "two" / f"alone-{name}" for name in ("yesterday", "lately")}
    for folder in killed.values():
        (folder / "incoming").mkdir(parents=True)
    age(killed["yesterday"])
    pull(settings_for(f"{fake.reference()}@{offer(fake, {'other': b''})}", tmp_path, "two"), access, listener)
    assert {name for name, folder in killed.items() if folder.exists()} == {"lately"}


def test_who_waits_sees_how_far_the_other_is(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A second pull of one model fetches nothing: it waits, says so, and takes what the first one brought."""
    source = f"{fake.reference()}@{offer(fake, MODEL)}"
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: object, answer: Answer) -> Answer:
        begun.set()
        go_on.wait(30)
        return answer

    fake.fail(hold, path="/blobs/", times=1)
    first = threading.Thread(target=pull, args=(settings_for(source, tmp_path, "one"), access, QuietReporter()))
    first.start()
    assert begun.wait(30)

    class Impatient(Listener):
        def message(self, line: str) -> None:
            super().message(line)
            if "another pull works on" in line:
                go_on.set()

    listener = Impatient()
    pull(settings_for(source, tmp_path, "two"), access, listener)
    first.join()
    assert read_tree(tmp_path / "one") == read_tree(tmp_path / "two") == MODEL
    assert sum(stop - start for start, stop in (one.range or (0, 0) for one in fake.blob_requests())) <= 300_000
    assert any("another pull works on" in line for line in listener.said)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_pods_that_are_killed_leave_their_work_to_the_others(seed: int, tmp_path: Path) -> None:
    """Law: of 8 processes on one cache 3 die at any moment; the others end right, and no landed piece comes again."""
    random = Random(seed)
    model = {"a.safetensors": noise(2_000_000, seed), "b.safetensors": noise(450_000, seed + 1), "c.json": b"{}"}
    moments = sorted(random.randint(1, 45) for _ in range(3))
    with fake_registry() as fake:
        source = f"{fake.reference()}@{offer(fake, model, chunk=random.choice((0, PIECE)))}"
        processes: list[subprocess.Popen[bytes]] = []
        lock = threading.Lock()

        def strike(_: object, answer: Answer) -> Answer:
            with lock:
                while moments and len(fake.blob_requests()) >= moments[0] and len(processes) == 8:
                    moments.pop(0)
                    processes[random.randrange(8)].send_signal(signal.SIGKILL)
            return answer

        fake.fail(strike)
        command = [sys.executable, "-m", "puller"]
        for number in range(8):
            environ = {**os.environ, **settings_for(source, tmp_path, f"pod-{number}").to_env()}
            processes.append(subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL))
        codes = [process.wait(60) for process in processes]
        for number, code in enumerate(codes):
            if code != -signal.SIGKILL:
                assert code == 0
                assert read_tree(tmp_path / f"pod-{number}") == model
        killed = codes.count(-signal.SIGKILL)
        asked = sum(stop - start for start, stop in (one.range or (0, 0) for one in fake.blob_requests()))
        assert asked <= sum(map(len, model.values())) + killed * 4 * PIECE, seed
