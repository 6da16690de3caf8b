"""One volume, many users: honest ones share a model, and what a stranger put there counts as absent."""

import datetime as dt
import fcntl
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest

from puller.pull import pull
from puller.settings import Settings
from puller.store.journal import boot_id
from puller.store.receipt import VERSION, Receipt
from registry.access.access import Access
from registry.annotations import ARTIFACT_TYPE, layer_type
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.puller.models import layer, noise, read_tree
from tests.puller.packs import Layer, Layout, member, tar_of

from .users import GROUP, Outcome, as_user, pull_as

ALICE, BOB = 1001, 1002
CHUNK = 64 << 10
MODEL = {"config.json": b'{"a": 1}', "deep/w.safetensors": noise(3 * CHUNK)}
OTHER = {"config.json": b'{"a": 2}', "deep/w.safetensors": noise(3 * CHUNK, 8)}
ROUNDS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 10

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="other users' files need root to be made")


class Volume:
    """A volume that a group shares, and a layout beside it with two versions of a model."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.root = root / "volume"
        self.root.mkdir()
        os.chown(self.root, 0, GROUP)
        self.root.chmod(0o2775)
        self.layout = Layout(root / "layout")
        self.sources = [self.push(files, f"v{number}") for number, files in enumerate((MODEL, OTHER))]

    def push(self, files: dict[str, bytes], tag: str) -> str:
        """Push a version under a tag; return what a pull is told, pinned."""
        described = [(layer(path, content, chunk=CHUNK), content) for path, content in files.items()]
        layers = [Layer(content, one.media_type, one.annotations) for one, content in described]
        descriptor = self.layout.manifest(layers, artifact_type="application/vnd.cncf.model.manifest.v1+json")
        self.layout.tag(descriptor, tag)
        return f"{self.layout.source(tag)}@{descriptor['digest']}"

    def settings(self, name: str = "phi", version: int = 0, **changes: object) -> Settings:
        """Return the settings of a pull to a folder of the volume."""
        values: dict[str, object] = {"source": self.sources[version], "destination": str(self.root / name)}
        return Settings(**{**values, **changes})  # type: ignore[arg-type] # each test its own

    def disconnect(self) -> None:
        """Take the blobs away: who asks the layout for one gets an error."""
        shutil.rmtree(self.layout.folder / "blobs")


@pytest.fixture
def volume() -> Iterator[Volume]:
    """Return a volume that other users can reach."""
    with tempfile.TemporaryDirectory(prefix="weighbridge-claims-") as folder:
        yield Volume(Path(folder))


def own(settings: Settings) -> Receipt:
    """Pull as this test's own user."""
    return pull(settings, Access(transport=Transport(proxies={}), credentials=Credentials()), QuietReporter())


def succeeded(outcome: Outcome, *, wire: int | None = None) -> None:
    """Check that a pull ended well; `wire` is how many bytes it fetched."""
    assert outcome.code == 0, outcome.said
    assert wire is None or outcome.said.endswith(f"wire {wire}\n"), outcome.said


@root_only
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
@pytest.mark.parametrize("cache", ["", ".cache"])
def test_a_second_honest_user_of_a_claim_fetches_nothing(volume: Volume, umask: int, cache: str) -> None:
    """What one user published another one gets without the registry; and each can pull beside the other."""
    folder = str(volume.root / cache) if cache else ""
    succeeded(pull_as(ALICE, volume.settings(cache=folder), umask))
    succeeded(pull_as(BOB, volume.settings("other", 1, cache=folder), umask))
    volume.disconnect()
    second = volume.settings("again" if cache else "phi", cache=folder)
    succeeded(pull_as(BOB, second, umask))
    assert read_tree(Path(second.destination)) == MODEL
    succeeded(pull_as(BOB, second, umask))
    succeeded(pull_as(ALICE, volume.settings(cache=folder), umask))


SQUASHED = 65534


@root_only
@pytest.mark.parametrize(("uid", "owner"), [(ALICE, SQUASHED), (0, SQUASHED), (ALICE, 0)])
@pytest.mark.parametrize("cache", ["", ".cache"])
def test_a_volume_that_gives_all_files_one_owner_is_pulled_to_again_and_again(
    volume: Volume, uid: int, owner: int, cache: str
) -> None:
    """As EFS access points and NFS with all_squash do: versions follow each other, and nothing is left behind."""
    volume.root.chmod(0o2777)
    folder = str(volume.root / cache) if cache else ""
    for version, expected in ((0, MODEL), (0, MODEL), (0, MODEL), (1, OTHER), (0, MODEL), (0, MODEL)):
        settings = volume.settings(version=version, cache=folder)
        succeeded(pull_as(uid, settings, owner=owner))
        assert read_tree(volume.root / "phi") == expected
        (house,) = (volume.root / ".weighbridge").iterdir() if not cache else [volume.root / ".weighbridge" / "phi"]
        assert {entry.name for entry in house.iterdir()} <= {"lock", "manifest", "receipt", "used", str(uid)}
        assert (house / "receipt").stat().st_uid == owner
        assert {entry.name for entry in (house / str(uid)).iterdir()} <= {"receipt.new"}


@root_only
@pytest.mark.parametrize("owner", [SQUASHED, 0])
def test_what_stands_on_such_a_volume_is_believed_only_where_groups_are(volume: Volume, owner: int) -> None:
    """Whoever may write there writes as the same owner: so it is hashed at each start, unless all are trusted."""
    volume.root.chmod(0o2777)
    succeeded(pull_as(ALICE, volume.settings(), owner=owner))
    spoiled = volume.root / "phi" / "deep/w.safetensors"
    before = spoiled.stat()
    spoiled.write_bytes(OTHER["deep/w.safetensors"])
    os.chown(spoiled, owner, -1)
    os.utime(spoiled, ns=(before.st_atime_ns, before.st_mtime_ns))
    believed = pull_as(ALICE, volume.settings(trust_group=True), owner=owner)
    assert "holds it already, as published" in believed.said
    succeeded(pull_as(ALICE, volume.settings(), owner=owner))
    assert read_tree(volume.root / "phi") == MODEL


@root_only
@pytest.mark.parametrize("owner", [SQUASHED, 0])
@pytest.mark.parametrize("cache", ["", ".cache"])
def test_an_unpacked_model_on_such_a_volume_is_not_taken_from_its_readers(
    volume: Volume, owner: int, cache: str
) -> None:
    """No digest is known of what was unpacked: each start would fetch it, and remove what other pods have open."""
    volume.root.chmod(0o2777)
    archive = Layer(tar_of(MODEL), "application/vnd.cncf.model.weight.v1.tar")
    described = volume.layout.manifest([archive], artifact_type="application/vnd.cncf.model.manifest.v1+json")
    volume.layout.tag(described, "packed")
    source, folder = (
        f"{volume.layout.source('packed')}@{described['digest']}",
        str(volume.root / cache) if cache else "",
    )
    settings = volume.settings(source=source, cache=folder)
    succeeded(pull_as(ALICE, settings, owner=owner))
    held = (volume.root / "phi").stat().st_ino
    again = pull_as(ALICE, settings, owner=owner)
    assert again.code == 1
    assert "destination.occupied" in again.said
    succeeded(pull_as(ALICE, replace(settings, destination=str(volume.root / "second")), owner=owner))
    succeeded(pull_as(ALICE, replace(settings, trust_group=True), owner=owner))
    assert (volume.root / "phi").stat().st_ino == held
    succeeded(pull_as(ALICE, volume.settings(version=1, cache=folder), owner=owner))
    assert read_tree(volume.root / "phi") == OTHER


@root_only
def test_what_root_filled_is_believed_on_a_volume_that_tells_users_apart(volume: Volume) -> None:
    """A job that runs as root fills the claim; servers of other users start warm."""
    succeeded(pull_as(0, volume.settings()))
    said = pull_as(ALICE, volume.settings()).said
    assert "holds it already, as published" in said
    assert not list((volume.root / ".weighbridge" / "phi").glob(".*")), "what tries the volume leaves nothing"


@root_only
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o2775])
@pytest.mark.parametrize("cache", ["", ".cache"])
@pytest.mark.parametrize("other", [False, True], ids=["same model", "another model"])
@pytest.mark.parametrize("is_pinned", [False, True], ids=["tag", "digest"])
def test_users_of_a_claim_never_stand_in_each_others_way(
    volume: Volume, mode: int, cache: str, *, other: bool, is_pinned: bool
) -> None:
    """Whatever makes its root writable for them: all, all with the sticky bit, or a group."""
    volume.root.chmod(mode)

    def wanted(name: str, version: int) -> Settings:
        settings = volume.settings(name, version, cache=str(volume.root / cache) if cache else "")
        return settings if is_pinned else replace(settings, source=settings.source.partition("@")[0])

    succeeded(pull_as(ALICE, wanted("phi", 0)))
    succeeded(pull_as(BOB, wanted("gemma", 1) if other else wanted("phi", 0)))
    succeeded(pull_as(ALICE, wanted("phi", 0)))


@root_only
def test_a_group_that_is_trusted_starts_warm_without_hashing(volume: Volume) -> None:
    """The operator's word makes one user's receipt count for the others of its group."""
    succeeded(pull_as(ALICE, volume.settings()))
    volume.disconnect()
    outcome = pull_as(BOB, volume.settings(trust_group=True))
    succeeded(outcome)
    assert "holds it already" in outcome.said
    assert not (volume.root / ".weighbridge/phi" / f"receipt.{BOB}").exists(), "there was nothing to note"


@root_only
def test_another_version_over_another_users_model_is_refused_before_a_byte(volume: Volume) -> None:
    """Nobody removes what somebody else pulled; the message says whose it is."""
    succeeded(pull_as(ALICE, volume.settings()))
    outcome = pull_as(BOB, volume.settings(version=1))
    assert (outcome.code, f"belongs to user {ALICE}" in outcome.said) == (1, True), outcome.said
    assert read_tree(volume.root / "phi") == MODEL


def test_a_model_that_was_copied_is_hashed_once_and_believed_then(volume: Volume) -> None:
    """A restored volume has other inodes, and the same bytes: nothing is fetched."""
    own(volume.settings())
    copy = volume.root.parent / "copy"
    shutil.copytree(volume.root, copy, symlinks=True)
    volume.disconnect()
    first = own(volume.settings(destination=str(copy / "phi")))
    assert first.inode == (copy / "phi").stat().st_ino
    assert own(volume.settings(destination=str(copy / "phi"))) == first


def test_a_copied_model_makes_place_for_another_version(volume: Volume) -> None:
    """Its files have the sizes and times that their receipt says: they are ours."""
    own(volume.settings())
    copy = volume.root.parent / "copy"
    shutil.copytree(volume.root, copy, symlinks=True)
    own(volume.settings(version=1, destination=str(copy / "phi")))
    assert read_tree(copy / "phi") == OTHER


def test_a_touched_file_and_ones_own_beside_it_cost_nothing(volume: Volume) -> None:
    """Whoever builds an engine into the folder, or touches a file, keeps both, and starts without the registry."""
    own(volume.settings())
    (volume.root / "phi/engine").mkdir()
    (volume.root / "phi/engine/rank0.engine").write_bytes(b"built here")
    (volume.root / "phi/config.json").touch()
    volume.disconnect()
    own(volume.settings())
    assert read_tree(volume.root / "phi") == {**MODEL, "engine/rank0.engine": b"built here"}


def test_a_touched_file_that_the_next_version_has_too_is_not_fetched_again(volume: Volume) -> None:
    """Its receipt does not vouch for it any more, but its bytes do."""
    next_version = {**MODEL, "config.json": b'{"a": 3}'}
    source = volume.push(next_version, "v2")
    own(volume.settings())
    (volume.root / "phi/deep/w.safetensors").touch()
    receipt = own(volume.settings(source=source))
    assert read_tree(volume.root / "phi") == next_version
    assert receipt.wire_bytes == len(next_version["config.json"])


def test_ones_own_files_go_over_into_the_next_version(volume: Volume) -> None:
    """A tag that moved replaces what a pull wrote, and nothing else."""
    own(volume.settings())
    (volume.root / "phi/adapter.safetensors").write_bytes(b"trained for days")
    own(volume.settings(version=1))
    assert read_tree(volume.root / "phi") == {**OTHER, "adapter.safetensors": b"trained for days"}


def test_the_cache_gives_what_its_receipt_names(volume: Volume) -> None:
    """What somebody put into a folder of the cache goes no further."""
    cache = str(volume.root / ".cache")
    own(volume.settings("one", cache=cache))
    entry = next(path for path in (volume.root / ".cache").iterdir() if path.name != ".weighbridge")
    (entry / "modeling_x.py").write_text("import os")
    own(volume.settings("two", cache=cache))
    assert read_tree(volume.root / "two") == MODEL


def test_a_cache_elsewhere_is_refused_before_the_first_byte(volume: Volume) -> None:
    """A link in the cache's place leads out of the volume."""
    (volume.root / ".cache").symlink_to(volume.root.parent)
    with pytest.raises(Exception, match="the cache is no folder"):
        own(volume.settings(cache=str(volume.root / ".cache")))


def test_a_strange_folder_in_the_cache_is_neither_counted_nor_removed(volume: Volume) -> None:
    """Only what a receipt speaks for can be let go."""
    cache = volume.root / ".cache"
    (cache / "mine").mkdir(parents=True)
    (cache / "mine/thesis.tex").write_bytes(b"x" * 100_000)
    (cache / "file").write_bytes(b"x")
    own(volume.settings("one", cache=str(cache), cache_bytes=500_000))
    assert (cache / "mine/thesis.tex").exists()


def test_a_volume_that_cannot_be_written_starts_warm(volume: Volume) -> None:
    """What stands whole needs neither a lock nor the right to write."""
    own(volume.settings())
    if os.geteuid() == 0:
        os.chown(volume.root, ALICE, GROUP)
        outcome = pull_as(BOB, volume.settings())
        succeeded(outcome)
    volume.disconnect()
    for path in (volume.root, *volume.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    own(volume.settings())


def test_who_holds_a_lock_for_ever_holds_nobody_up(volume: Volume) -> None:
    """A warm start needs no lock; a pull waits a bounded time, says for whom, and goes on without."""
    own(volume.settings())
    lock = volume.root / ".weighbridge/phi/lock"
    handle = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        own(volume.settings())
        own(volume.settings(version=1, lock_seconds=1))
    finally:
        os.close(handle)
    assert read_tree(volume.root / "phi") == OTHER
    assert not list(volume.root.glob(".weighbridge/phi/alone-*"))


def test_a_planted_journal_is_not_believed(volume: Volume) -> None:
    """Bytes with digests are hashed, whatever the journal of this very boot says."""
    workshop = volume.root / ".weighbridge/phi" / str(os.geteuid())
    digest = Digest.of(MODEL["deep/w.safetensors"])
    (workshop / "incoming").mkdir(parents=True)
    planted = workshop / "incoming" / digest.hex
    planted.write_bytes(b"\0" * 3 * CHUNK)
    head = {"manifest": volume.sources[0].partition("@")[2], "boot": boot_id(), "bytes": 1}
    lines = [f"{digest.hex} {start} {start + CHUNK} {planted.stat().st_ino}" for start in range(0, 3 * CHUNK, CHUNK)]
    (workshop / "journal").write_text("\n".join([json.dumps(head), *lines, ""]))
    own(volume.settings())
    assert read_tree(volume.root / "phi") == MODEL


def test_a_model_can_be_hashed_at_each_start(volume: Volume) -> None:
    """Bytes that this user's own process changed, time put back, are found by who asks for it."""
    own(volume.settings())
    weights = volume.root / "phi/deep/w.safetensors"
    before = weights.stat()
    with weights.open("r+b") as file:
        file.write(b"evil")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    own(volume.settings(rehash=True))
    assert read_tree(volume.root / "phi") == MODEL


def plant(volume: Volume, random: Random, model: dict[str, bytes], _: int) -> int:
    """Put up to six things where a pull keeps its own, as another user may who can write to the volume."""
    house = volume.root / ".weighbridge"
    names = [
        *("phi", ".weighbridge", ".weighbridge/phi", ".cache", f".weighbridge-{ALICE}"),
        *(
            f".weighbridge/phi/{name}"
            for name in ("lock", "receipt", f"receipt.{ALICE}", f"receipt-{ALICE}-0", "manifest")
        ),
        *(f".weighbridge/phi/{name}" for name in (str(ALICE), "incoming", "stage", "journal", "manifest/x")),
        *(f".weighbridge/phi/{ALICE}/{name}" for name in ("incoming", "stage", "journal", "model", "outgoing")),
        *("phi/config.json", "phi/deep", "phi/deep/w.safetensors", "phi/evil.py"),
    ]
    for _ in range(random.randint(1, 6)):
        place = volume.root / random.choice(names)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _plant_one(place, volume, random, model)
        except OSError:
            continue
    if random.random() < 0.3 and house.is_dir():
        _plant_receipt(volume, random)
    for path in volume.root.rglob("*"):
        if not path.is_symlink() and path.stat().st_uid == BOB and random.random() < 0.3:
            path.chmod(random.choice((0o777, 0o755, 0o644, 0o700, 0o000)))
    return 0


def _plant_one(place: Path, volume: Volume, random: Random, model: dict[str, bytes]) -> None:
    outside = volume.root.parent / "precious"
    kind = random.choice(("folder", "file", "file", "link", "link", "pipe", "model", "sparse"))
    if os.path.lexists(place):
        return
    if kind == "folder":
        place.mkdir()
        (place / "bobs").write_bytes(b"Bob's own")
    elif kind == "file":
        place.write_bytes(random.choice((b"", b"{}", b"[" * 10_000, random.randbytes(100))))
    elif kind == "link":
        place.symlink_to(random.choice((outside, outside / "secret.bin", volume.root, Path("nowhere"))))
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "sparse":
        place.touch()
        os.truncate(place, 3 << 30)
    else:
        for path, content in model.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(random.choice((content, b"\0" * len(content))))


def _plant_receipt(volume: Volume, random: Random) -> None:
    """Write a receipt that says of the planted folder all that a pull would like to hear."""
    path = volume.root / "phi"
    files = [
        {"path": name, "layer": str(Digest.of(content)), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
        for name, content in MODEL.items()
        if (path / name).is_file() and (status := (path / name).stat())
    ]
    source = volume.sources[0]
    document = {
        "version": VERSION,
        "source": source,
        "pinned": source,
        "digest": source.partition("@")[2],
        "selection": [],
        "files": [{**file, "proof": "layer"} for file in files],
        "links": [],
        "wire_bytes": 0,
        "seconds": 0.0,
        "published": 1,
        "inode": path.stat().st_ino if path.is_dir() else 1,
        "boot": random.choice(("", boot_id())),
    }
    receipt = volume.root / ".weighbridge/phi/receipt"
    if not os.path.lexists(receipt):
        with suppress(OSError):
            receipt.parent.mkdir(parents=True, exist_ok=True)
            receipt.write_text(json.dumps(document))


def belongings(root: Path, uid: int) -> dict[int, str]:
    """Return what a user has below a folder: by inode, what it is and holds."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder) / name
            status = path.lstat()
            if status.st_uid == uid:
                content = str(Digest.of(path.read_bytes())) if path.is_file() and status.st_size < 1 << 20 else ""
                found[status.st_ino] = f"{status.st_mode:o} {content if not path.is_symlink() else path.readlink()}"
    return found


@root_only
@pytest.mark.parametrize("batch", range(max(ROUNDS // 25, 1)))
def test_whatever_a_stranger_planted_the_bytes_are_right_or_the_error_has_a_name(batch: int) -> None:
    """Law: nothing outside of the destination changes, and no file of the stranger's is gone."""
    for seed in range(batch * 25, batch * 25 + 25):
        random = Random(seed)
        with tempfile.TemporaryDirectory(prefix="weighbridge-claims-") as folder:
            volume = Volume(Path(folder))
            precious = volume.root.parent / "precious"
            precious.mkdir()
            (precious / "secret.bin").write_bytes(b"Alice's own")
            for path in (precious, precious / "secret.bin"):
                os.chown(path, ALICE, GROUP)
            (precious / "secret.bin").chmod(0o600)
            if random.random() < 0.5:
                succeeded(pull_as(ALICE, volume.settings()))
            as_user(BOB, partial(plant, volume, random, MODEL))
            before = belongings(volume.root, BOB), belongings(precious, ALICE)
            outcome = pull_as(ALICE, volume.settings(lock_seconds=1))
            assert outcome.code in {0, 1}, f"seed {seed}: {outcome.said}"
            assert outcome.code == 0 or "[" in outcome.said, f"seed {seed}: {outcome.said}"
            after = belongings(volume.root, BOB), belongings(precious, ALICE)
            assert before[0].items() <= after[0].items(), f"seed {seed}: {outcome.said}"
            assert before[1] == after[1], f"seed {seed}: {outcome.said}"
            if outcome.code == 0:
                found = read_tree(volume.root / "phi")
                assert {name: found.get(name) for name in MODEL} == MODEL, f"seed {seed}: {outcome.said}"


@pytest.mark.parametrize("year", [1901, 2100, 2300, 2446])
def test_a_file_of_any_time_that_its_volume_stores_is_known_again(tmp_path: Path, year: int) -> None:
    """An archive may tell it; a receipt that no later pull could read would lock the model out."""
    seconds = int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(member("w.bin", size=5, mtime=seconds), io.BytesIO(b"hello"))
    layout = Layout(tmp_path / "layout")
    packed = Layer(buffer.getvalue(), layer_type("weight", "tar"))
    source = layout.tag(layout.manifest([packed], artifact_type=ARTIFACT_TYPE))
    settings = Settings(source=source, destination=str(tmp_path / "model"))
    access = Access(transport=Transport(proxies={}), credentials=Credentials())
    first = pull(settings, access, QuietReporter())
    assert pull(settings, access, QuietReporter()) == first
