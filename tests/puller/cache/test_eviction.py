"""Directories of pods that nobody started with for long make room for others, and no other ones do."""

import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from puller.cache.eviction import Eviction
from puller.cache.warm import warm_start
from puller.pod.pull import pull_for_pod
from puller.settings import Settings
from puller.store.destination import Destination
from puller.store.trust import Trust
from puller.store.used import last_use
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.fakes.reporter import Listener
from tests.puller.models import noise, offer, read_tree

KEEP_DAYS = 30
MODEL_BYTES = 100_000
ROOM_FOR_TWO = 250_000
TRUST = Trust.of_process(trusts_group=False)


class Claim:
    """A claim with room for two models, and the pods that start on it."""

    def __init__(self, fake: FakeRegistry, access: Access, volume: Path) -> None:
        self._fake, self._access, self.volume = fake, access, volume
        self._offered: dict[str, str] = {}
        self.listener = Listener()

    def settings(self, name: str, keep_days: int, **changes: object) -> Settings:
        """Return the settings of a pod's puller, as the webhook writes them."""
        if name not in self._offered:
            files = {"weights": noise(MODEL_BYTES, ord(name)), "config.json": b"{}", "adapter_config.json": b"{}"}
            self._offered[name] = offer(self._fake, files).hex
        values: dict[str, object] = {
            "source": f"{self._fake.reference()}@sha256:{self._offered[name]}",
            "destination": str(self.volume / name),
            "cache": str(self.volume / ".cache"),
            "cache_bytes": ROOM_FOR_TWO,
            "cache_keep_days": keep_days,
        }
        return Settings(**{**values, **changes})  # type: ignore[arg-type] # each test its own

    def start(self, name: str, *, keep_days: int = KEEP_DAYS, **changes: object) -> None:
        """Start a pod as its container does: warm, or by a pull."""
        settings = self.settings(name, keep_days, **changes)
        if settings.adapters or warm_start(settings, self.listener) is None:
            pull_for_pod(settings, self._access, self.listener)

    def age(self, name: str, days: float, directory: str = "") -> None:
        """Have the last start with a model's directory, and the last use of its entry, be so many days ago."""
        then = time.time() - days * 24 * 3600
        for place in (directory or name, self._offered[name]):
            for mark in self.volume.rglob(f".weighbridge*/{place}/used"):
                os.utime(mark, (then, then))

    def models(self) -> set[str]:
        """Return the models that the cache holds."""
        return {name for name, digest in self._offered.items() if (self.volume / ".cache" / digest).exists()}

    def directories(self) -> set[str]:
        """Return the directories that pods were given."""
        return {path.name for path in self.volume.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Claim]:
    """Serve a fake registry to pods on an empty claim."""
    transport = Transport(proxies={}, timeout_seconds=10)
    with fake_registry() as fake, Access(transport=transport, credentials=Credentials()) as access:
        yield Claim(fake, access, tmp_path)


@pytest.mark.parametrize(("keep_days", "left"), [(KEEP_DAYS, {"b", "c"}), (60, {"a", "b", "c"}), (0, {"a", "b", "c"})])
def test_the_directory_unused_for_longest_goes_with_its_model(claim: Claim, keep_days: int, left: set[str]) -> None:
    """Where none may go the new model stands beside the cache, and its pod starts all the same."""
    for name, days in (("a", 45), ("b", 40)):
        claim.start(name)
        claim.age(name, days)

    claim.start("c", keep_days=keep_days)

    assert claim.directories() == left
    assert claim.models() == (left if keep_days == KEEP_DAYS else {"a", "b"})
    assert all("weights" in read_tree(claim.volume / name) for name in left)


def test_a_warm_start_counts_as_a_use(claim: Claim) -> None:
    """It fetches nothing and takes no lock; its server reads the directory all the same."""
    for name, days in (("a", 45), ("b", 40)):
        claim.start(name)
        claim.age(name, days)
    claim.start("a")

    claim.start("c")

    assert claim.directories() == {"a", "c"}


def test_the_directory_that_goes_may_be_filled_again(claim: Claim) -> None:
    """A Deployment that was scaled to nothing finds its model when it comes back."""
    claim.start("a")
    claim.age("a", 45)
    claim.start("b")
    claim.start("c")
    assert claim.directories() == {"b", "c"}
    claim.age("b", 45)

    claim.start("a")

    assert claim.directories() == {"a", "c"}


def test_of_two_directories_of_a_model_the_one_in_use_keeps_both(claim: Claim) -> None:
    """Removing the other one frees nothing, because they share the files."""
    claim.start("a")
    claim.start("a", destination=str(claim.volume / "same"))
    claim.age("a", 45)
    claim.start("b")
    claim.age("b", 40)

    claim.start("c")

    assert claim.directories() == {"a", "same", "c"}


def test_models_in_caches_of_the_hub_and_adapters_go_too(claim: Claim) -> None:
    """They stand a folder deeper, an adapter twice."""
    hub = claim.volume / "hub"
    hub.mkdir()
    claim.start("a", destination=str(hub / "model"))
    claim.age("a", 45, directory="model")
    adapter = claim.settings("b", 0).source
    claim.start("c", cache_bytes=0, adapters=(f"one={adapter}",), adapters_dir=str(claim.volume / ".adapters" / "c-1"))
    claim.age("c", 1)
    for mark in (claim.volume / ".adapters").rglob("used"):
        os.utime(mark, (1, 1))
    claim.age("b", 45)

    claim.start("d", cache_bytes=ROOM_FOR_TWO)

    assert not (hub / "model").exists()
    assert not (claim.volume / ".adapters" / "c-1" / "one").exists()
    assert claim.models() == {"c", "d"}


def test_nothing_goes_that_would_not_suffice(claim: Claim) -> None:
    """A model that is in use leaves too little room: then the other one need not go in vain."""
    claim.start("a")
    claim.age("a", 45)
    claim.start("b")
    eviction = Eviction(claim.volume / ".cache", TRUST, limit=2 * MODEL_BYTES, keep_days=KEEP_DAYS)

    assert "in use" in eviction.make_room(2 * MODEL_BYTES, keep=claim.volume / ".cache" / "x")

    assert claim.directories() == {"a", "b"}


def test_a_directory_without_a_mark_stays(claim: Claim) -> None:
    """A puller without such marks may have filled it, and a pod may serve from it."""
    claim.start("a")
    claim.age("a", 45)
    (claim.volume / ".weighbridge" / "a" / "used").unlink()
    claim.start("b")

    claim.start("c")

    assert claim.directories() == {"a", "b", "c"}


def test_a_mark_of_another_user_counts(claim: Claim) -> None:
    """Where one user's folders are closed to another one, that has folders of its own beside them."""
    claim.start("a")
    claim.age("a", 45)
    other = claim.volume / ".weighbridge-4711" / "a"
    other.mkdir(parents=True)
    (other / "used").touch()
    claim.start("b")

    claim.start("c")

    assert claim.directories() == {"a", "b", "c"}


def test_whoever_starts_while_a_directory_goes_gets_it_back(claim: Claim) -> None:
    """Law: the mark is read again once the directory has lost its name, and starts touch it before they look."""
    claim.start("a")
    place = Destination(claim.volume / "a", TRUST)

    with place.open(lambda _: nullcontext()):
        assert not place.remove(lambda: not place.path.exists())

    assert warm_start(claim.settings("a", KEEP_DAYS), QuietReporter()) is not None


def test_a_directory_that_another_pull_holds_stays(claim: Claim) -> None:
    """Its pull may be over at any moment."""
    claim.start("a")
    claim.age("a", 45)
    place = Destination(claim.volume / "a", TRUST)
    eviction = Eviction(claim.volume / ".cache", TRUST, limit=MODEL_BYTES, keep_days=KEEP_DAYS)

    with place.open(lambda _: nullcontext()):
        assert "in use" in eviction.make_room(MODEL_BYTES // 2, keep=claim.volume / ".cache" / "x")
    assert claim.directories() == {"a"}
    assert not eviction.make_room(MODEL_BYTES // 2, keep=claim.volume / ".cache" / "x")
    assert claim.directories() == set()


def test_what_is_planted_beside_models_is_not_touched(claim: Claim) -> None:
    """Folders without a receipt of this user's are nobody's business, and links lead nowhere."""
    claim.start("a")
    claim.age("a", 45)
    (claim.volume / "own").mkdir()
    (claim.volume / "own" / "notes.txt").write_text("mine")
    (claim.volume / "link").symlink_to(claim.volume)
    room = claim.volume / ".weighbridge" / "own"
    room.mkdir()
    (room / "used").touch()
    os.utime(room / "used", (1, 1))
    claim.start("b")

    claim.start("c")

    assert claim.directories() == {"own", "link", "b", "c"}


def test_files_of_users_beside_a_model_keep_it(claim: Claim) -> None:
    """An engine's cache, say: what no pull wrote is nobody's to remove."""
    claim.start("a")
    claim.age("a", 45)
    (claim.volume / "a" / "engine").mkdir()
    (claim.volume / "a" / "engine" / "rank0").write_bytes(b"mine")
    claim.start("b")

    claim.start("c")

    assert claim.directories() == {"a", "b", "c"}
    assert (claim.volume / "a" / "engine" / "rank0").read_bytes() == b"mine"


def test_what_goes_is_told(claim: Claim) -> None:
    """By the puller that needed the room, with the day of the last use."""
    claim.start("a")
    claim.age("a", 45)
    claim.start("b")

    claim.start("c")

    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 45 * 24 * 3600))
    assert f"{claim.volume / 'a'}: removed to make room, last used on {day}" in claim.listener.said


def test_a_directory_that_two_users_keep_folders_behind_is_one(claim: Claim) -> None:
    """It is counted once, and goes with its entry."""
    claim.start("a")
    (claim.volume / ".weighbridge-4711" / "a").mkdir(parents=True)
    (claim.volume / ".weighbridge-4711" / "a" / "used").touch()
    claim.age("a", 45)
    claim.start("b")

    claim.start("c")

    assert claim.directories() == claim.models() == {"b", "c"}


def test_a_directory_goes_only_with_all_of_its_model(claim: Claim) -> None:
    """While the cache's own folder of it is held, removing the directory would free nothing."""
    claim.start("a")
    claim.age("a", 45)
    (entry,) = [path for path in (claim.volume / ".cache").iterdir() if not path.name.startswith(".")]
    eviction = Eviction(claim.volume / ".cache", TRUST, limit=MODEL_BYTES, keep_days=KEEP_DAYS)

    with Destination(entry, TRUST).open(lambda _: nullcontext()):
        assert "in use" in eviction.make_room(MODEL_BYTES // 2, keep=claim.volume / ".cache" / "x")

    assert claim.directories() == {"a"}


def test_a_removal_that_was_cut_short_is_finished_by_the_next(claim: Claim) -> None:
    """Nobody comes back to a directory that was removed because nobody needs it."""
    claim.start("a")
    claim.age("a", 45)
    place = Destination(claim.volume / "a", TRUST)
    with place.open(lambda _: nullcontext()):
        (claim.volume / "a").rename(place.workshop.outgoing)  # and here the process was killed
    claim.start("b")

    claim.start("c")

    assert claim.directories() == claim.models() == {"b", "c"}
    assert not list(claim.volume.rglob("outgoing*"))


def test_what_was_pulled_without_the_setting_is_never_removed(claim: Claim) -> None:
    """By hand, to be mounted as it is, say: no puller tells when it is used."""
    claim.start("a", keep_days=0)
    claim.age("a", 400)
    claim.start("b")

    claim.start("c")

    assert claim.directories() == {"a", "b", "c"}


def test_a_mark_that_is_no_file_says_nothing(tmp_path: Path) -> None:
    """Whoever may write there may have made it."""
    (tmp_path / ".weighbridge" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / ".weighbridge" / "a" / "used")
    assert last_use(tmp_path / "a") is None
