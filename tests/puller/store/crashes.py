"""Pulls that end at a chosen call to the file system, and what must hold after each: run as `python -m`, see below.

`python -m tests.puller.store.crashes every ROOT` visits each call of a few pulls in turn. `… schedules FIRST COUNT
ROOT` runs random sequences of versions, choices and places by their seeds. It prints what was visited, or the law that
broke.

Every pull is a forked process, so that a kill is one: no `finally` runs, no buffer is written.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import puller.store.filesystem
from puller.pull import pull
from puller.settings import Settings
from puller.store.journal import boot_id
from puller.store.locked import destination_of
from registry.access.access import Access
from registry.annotations import FILE_METADATA
from registry.auth.credentials import Credentials
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.puller.models import layer, read_tree
from tests.puller.packs import CODECS, Layer, Layout, tar_of

CHUNK = 64 << 10
KILLED, REFUSED = 9, 1
_CHANGING = {
    *("os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir"),
    *("os.chmod", "os.utime", "os.truncate", "os.chown", "shutil.rmtree"),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CALLS = ("pwrite", "write", "fsync", "posix_fallocate", "copy_file_range")

Files = Mapping[str, bytes]


class Countdown:
    """Ends this process at the `stop`-th call that changes the file system; counts them without one."""

    def __init__(self, stop: int | None) -> None:
        self.count, self._stop = 0, stop

    def tick(self) -> None:
        """Count one call."""
        self.count += 1
        if self.count == self._stop:
            os._exit(KILLED)

    def install(self) -> None:
        """Watch every call from now on; there is no way back."""
        sys.addaudithook(self._hear)
        for name in _CALLS:
            setattr(os, name, self._counted(getattr(os, name)))
        exchange = self._counted(puller.store.filesystem.exchange)
        _replace_exchange(exchange)  # no Python call: no hook hears it

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if is_write or event in _CHANGING:
            self.tick()

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.tick()
            return call(*arguments, **named)

        return counted


@dataclass(frozen=True)
class Step:
    """A pull: which version, under what choice, to which place, through the cache or not."""

    version: int
    include: tuple[str, ...] = ()
    place: str = "model"
    is_cached: bool = False


@dataclass
class World:
    """A volume, a layout with versions, and all that was ever published."""

    root: Path
    versions: list[Files]
    sources: list[str]
    published: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By inode: an open file, and what it was when it was published."""

    standing: dict[str, tuple[Files, ...]] = field(default_factory=dict)
    """What may stand at each place."""

    lacks: frozenset[str] = frozenset()
    """What the file system cannot do: exchange names, link."""

    def settings(self, step: Step) -> Settings:
        """Return the settings of a step."""
        return Settings(
            source=self.sources[step.version],
            destination=str(self.root / step.place),
            include=step.include,
            connections=2,
            piece_bytes=CHUNK,
            cache=str(self.root / ".cache") if step.is_cached else "",
        )

    def wanted(self, step: Step) -> Files:
        """Return what a step makes."""
        files = self.versions[step.version]
        return {path: files[path] for path in files if not step.include or path in step.include}

    def run(self, step: Step, stop: int | None) -> tuple[int, int]:
        """Pull in a process of its own, ended at its `stop`-th call; return its code and how many calls it made."""
        count_in, count_out = os.pipe()
        child = os.fork()
        if not child:
            countdown = Countdown(stop)
            os.close(count_in)
            self._take_away()
            countdown.install()
            code = self._pull(step)
            os.writev(count_out, [str(countdown.count).encode()])
            os._exit(code)
        os.close(count_out)
        with os.fdopen(count_in) as counts:
            count = int(counts.read() or 0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self._may_stand(step, code)
        return code, count

    def _take_away(self) -> None:
        if "link" in self.lacks:
            os.link = _refused
        if "exchange" in self.lacks:
            _replace_exchange(lambda *_: False)

    def _pull(self, step: Step) -> int:
        access = Access(transport=Transport(proxies={}), credentials=Credentials())
        try:
            pull(self.settings(step), access, QuietReporter())
        except Fault as error:
            os.writev(2, [f"{type(error).__name__}: {error}\n".encode()])
            return REFUSED
        return 0

    def _may_stand(self, step: Step, code: int) -> None:
        before = self.standing.get(step.place, ())
        wanted = self.wanted(step)
        absent: tuple[Files, ...] = ({},) if not before or "exchange" in self.lacks else ()
        self.standing[step.place] = (wanted,) if code == 0 else (*before, *absent, wanted)

    def check(self, what: str) -> None:
        """Hold the volume to the laws."""
        for place, allowed in self.standing.items():
            path = self.root / place
            found = read_tree(path) if path.exists() else {}
            assert found in allowed, f"{what}: {place} holds no whole version: {sorted(found)}"
            self._check_receipt(path, found, what)
        for inode, (handle, was) in self.published.items():
            assert _state(handle) == was, f"{what}: the published inode {inode} has changed"
        self._note_published()

    def _check_receipt(self, path: Path, found: Files, what: str) -> None:
        place = destination_of(Settings(source="", destination=str(path)))
        receipt = place.receipt()
        if receipt is not None and place.holds(receipt, boot_id()):
            named = {record.path: len(found.get(record.path, b"?")) for record in receipt.files}
            assert set(named) == set(found), f"{what}: the receipt speaks of {sorted(named)}"
            number = next(n for n, source in enumerate(self.sources) if source.endswith(receipt.digest))
            right = {record.path: self.versions[number][record.path] for record in receipt.files}
            assert right == found, f"{what}: the receipt speaks for other bytes"

    def _note_published(self) -> None:
        for place in (*self.standing, ".cache"):
            for file in (self.root / place).rglob("*"):
                if ".weighbridge" in file.parts or not file.is_file() or file.is_symlink():
                    continue
                inode = file.stat().st_ino
                if inode not in self.published:
                    handle = os.open(file, os.O_RDONLY)  # held open: the inode's number is not used again
                    self.published[inode] = (handle, _state(handle))

    def close(self) -> None:
        """Close what is open, and remove the volume."""
        for handle, _ in self.published.values():
            os.close(handle)
        shutil.rmtree(self.root)


def _replace_exchange(call: Callable[..., Any]) -> None:
    for module in ("puller.store.filesystem", "puller.store.publish"):
        vars(sys.modules[module])["exchange"] = call


def _refused(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def _state(handle: int) -> str:
    status = os.fstat(handle)
    digest = hashlib.sha256(os.pread(handle, status.st_size, 0)).hexdigest()
    return f"{digest} {status.st_size} {status.st_mode:o} {status.st_mtime_ns}"


def world(root: Path, versions: list[Files], archives: bool = False) -> World:  # noqa: FBT001, FBT002 - a test's own
    """Make a volume, and a layout with versions: files as raw layers with chunks, or as one archive behind zstd."""
    root.mkdir(parents=True)
    layout = Layout(root / "layout")
    sources = []
    for number, files in enumerate(versions):
        if archives and number % 2:
            layers = [Layer(CODECS["+zstd"](tar_of(files)), "application/vnd.cncf.model.weight.v1.tar+zstd")]
        else:
            layers = [_dressed(path, content, number) for path, content in files.items()]
        descriptor = layout.manifest(layers, artifact_type="application/vnd.cncf.model.manifest.v1+json")
        layout.tag(descriptor, f"v{number}")
        sources.append(f"{layout.source(f'v{number}')}@{descriptor['digest']}")
    return World(root, versions, sources)


def _dressed(path: str, content: bytes, version: int) -> Layer:
    """Return a layer whose file has a mode and a time that its neighbours and its next version may not have."""
    described = layer(path, content, chunk=CHUNK)
    mode = 0o755 if (len(path) + version) % 3 == 0 else 0o644
    metadata = {
        "name": path,
        "mode": mode,
        "size": len(content),
        "mtime": f"200{version}-01-01T00:00:00Z",
        "typeflag": 0,
    }
    annotations = (
        {**described.annotations, FILE_METADATA: json.dumps(metadata)} if version % 2 else described.annotations
    )
    return Layer(content, described.media_type, annotations)


def random_versions(random: Random) -> list[Files]:
    """Return 2 to 5 versions that share files, chunks, sizes and equal files."""
    pool = [random.randbytes(CHUNK) for _ in range(4)]
    files = [b"".join(random.choices(pool, k=random.randint(1, 3))) for _ in range(4)]
    files += [random.randbytes(100), b""]
    names = ("a", "b", "deep/c", "deep/d", "a.json")
    return [
        {name: random.choice(files) for name in random.sample(names, random.randint(1, len(names)))}
        for _ in range(random.randint(2, 5))
    ]


def every_call(root: Path) -> int:
    """Kill a pull at each of its calls in turn, over a version that stands; return how many were visited."""
    random = Random(7)
    one, two, three = (random.randbytes(CHUNK) for _ in range(3))
    versions: list[Files] = [
        {"a": one + two, "b": one + two, "c.json": b"{}"},
        {"a": one + two, "b": one + three, "deep/d": two},
    ]
    visited = 0
    for number, (archives, is_cached) in enumerate(((False, False), (True, False), (False, True))):
        made = world(root / str(number), versions, archives)
        for first, then in ((0, 1), (1, 0)):
            old, new = Step(first, is_cached=is_cached), Step(then, is_cached=is_cached)
            stop, code = 0, KILLED
            while code == KILLED:
                stop += 1
                assert made.run(old, None)[0] == 0, f"the version before cannot be pulled before call {stop}"
                made.check(f"before call {stop}")
                if is_cached:
                    shutil.rmtree(made.root / ".cache", ignore_errors=True)  # so that it is filled again, under fire
                code, _ = made.run(new, stop)
                made.check(f"killed at call {stop}")
            visited += stop - 1
        made.close()
    return visited


def schedule(seed: int, root: Path) -> None:
    """Pull a random sequence, each step killed at a random call or not; then every version once more."""
    random = Random(seed)
    made = world(root / str(seed), random_versions(random), archives=random.random() < 0.3)
    made.lacks = frozenset(one for one in ("exchange", "link") if random.random() < 0.15)
    try:
        for number in range(random.randint(2, 6)):
            version = random.randrange(len(made.versions))
            names = sorted(made.versions[version])
            include = tuple(random.sample(names, 1)) if random.random() < 0.25 else ()
            step = Step(version, include, random.choice(("model", "model", "other")), random.random() < 0.4)
            stop = random.choice((None, random.randint(1, 40), random.randint(1, 160)))
            code, _ = made.run(step, stop)
            assert code in (0, KILLED), f"step {number} was refused"
            made.check(f"step {number}: {step}, killed at {stop}")
        for version in range(len(made.versions)):
            assert made.run(Step(version), None)[0] == 0, f"version {version} cannot be pulled in the end"
            made.check(f"version {version} in the end")
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    made.close()


def main(arguments: list[str]) -> None:
    """Run what the arguments say."""
    if arguments[0] == "every":
        sys.stdout.write(f"{every_call(Path(arguments[1]))} calls visited\n")
        return
    first, count = int(arguments[1]), int(arguments[2])
    for seed in range(first, first + count):
        schedule(seed, Path(arguments[3]))
    sys.stdout.write(f"{count} schedules from seed {first}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
