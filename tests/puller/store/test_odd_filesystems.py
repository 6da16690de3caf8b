"""File systems that lack calls: the nice ones are passed over, needed ones go another way, a broken disk is named."""

import errno
import fcntl
import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import puller.store.filesystem
from puller.errors import DiskFailed, NoRoom
from puller.pull import pull
from puller.settings import Settings
from puller.store.writeback import Writeback
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter, Reporter
from tests.fakes.reporter import Listener
from tests.puller.models import layer, noise, read_tree
from tests.puller.packs import Layer, Layout

CHUNK = 64 << 10
OLD = {"a": noise(2 * CHUNK), "b": noise(2 * CHUNK), "same": noise(CHUNK, 3), "equal": noise(CHUNK, 3)}
NEW = {**OLD, "a": noise(2 * CHUNK, 2), "deep/c": noise(CHUNK, 4)}

NICE = ("fsync", "posix_fallocate", "link", "chmod", "fchmod", "utime", "chown", "posix_fadvise", "copy_file_range")
NOT_HERE = ("ENOSYS", "EOPNOTSUPP", "EINVAL", "EPERM", "EACCES", "ENOTTY")
ALWAYS_TOLD = (("EIO", DiskFailed), ("ENOSPC", NoRoom), ("EDQUOT", NoRoom))


def sources(root: Path) -> list[str]:
    """Write two versions of a model to a layout; return what pulls are told."""
    layout = Layout(root / "layout")
    for number, files in enumerate((OLD, NEW)):
        described = [(layer(path, content, chunk=CHUNK), content) for path, content in files.items()]
        layers = [Layer(content, one.media_type, one.annotations) for one, content in described]
        layout.tag(layout.manifest(layers, artifact_type="application/vnd.cncf.model.manifest.v1+json"), f"v{number}")
    return [layout.source("v0"), layout.source("v1")]


def bring(root: Path, source: str, reporter: Reporter | None = None, **changes: Any) -> None:
    """Pull to a folder, everything synced."""
    settings = Settings(source=source, destination=str(root / "model"), sync=True, **changes)
    pull(settings, Access(transport=Transport(proxies={}), credentials=Credentials()), reporter or QuietReporter())


def failing(code: str) -> Callable[..., None]:
    """Return a call that fails."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    return fail


@pytest.mark.parametrize("code", NOT_HERE)
@pytest.mark.parametrize("call", [*NICE, "flock", "statvfs", "exchange", "getxattr"])
@pytest.mark.parametrize("cache", ["", "cache"])
def test_a_call_that_is_not_to_be_had_costs_no_pull(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: str, cache: str
) -> None:
    """Law: each call that a pull could do without, each way to refuse it: the right bytes, of both versions."""
    first, second = sources(tmp_path)
    if call == "exchange":
        monkeypatch.setattr("puller.store.publish.exchange", lambda *_: False)
    else:
        monkeypatch.setattr(fcntl if call == "flock" else os, call, failing(code))
    for source, model in ((first, OLD), (second, NEW), (second, NEW)):
        bring(tmp_path, source, cache=str(tmp_path / cache) if cache else "")
        assert read_tree(tmp_path / "model") == model
    assert not list(tmp_path.glob(".weighbridge/model/*/incoming/*"))


@pytest.mark.parametrize(("code", "fault"), ALWAYS_TOLD)
@pytest.mark.parametrize("call", [*NICE, "flock", "statvfs", "pwrite", "open", "mkdir", "rename", "ftruncate"])
def test_a_broken_or_full_disk_is_always_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: str, fault: type[Fault]
) -> None:
    """Law: an error of the disk itself is never passed over; what stood before stands, and the next pull is right.

    The mark of a model's last use is no part of it: a start of what stands goes on without.
    """
    first, second = sources(tmp_path)
    bring(tmp_path, first)
    calls: list[object] = []
    caught: Fault | None = None

    def fail(*arguments: object, **named: object) -> object:
        if call == "open" and not int(arguments[1]) & os.O_CREAT:  # type: ignore[call-overload] # its flags
            return original(*arguments, **named)
        if call == "utime" and str(arguments[0]).endswith("/used"):
            return original(*arguments, **named)
        calls.append(arguments)
        return failing(code)()

    with monkeypatch.context() as patch:
        original = getattr(fcntl if call == "flock" else os, call)
        patch.setattr(fcntl if call == "flock" else os, call, fail)
        try:
            bring(tmp_path, second)
        except Fault as error:
            caught = error
    assert isinstance(caught, fault) if calls else caught is None, caught
    assert caught is None or os.strerror(getattr(errno, code)) in str(caught)
    assert read_tree(tmp_path / "model") in (OLD, NEW)
    bring(tmp_path, second)
    assert read_tree(tmp_path / "model") == NEW


@pytest.mark.parametrize("code", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("where", ["incoming", "model"])
def test_bytes_that_the_disk_refused_are_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: str
) -> None:
    """Law: the kernel tells an error once, and counts the bytes in memory as written then: no sync proves them."""
    first, second = sources(tmp_path)
    bring(tmp_path, first)
    refused: set[int] = set()

    def fail(handle: int) -> None:
        status, path = os.fstat(handle), os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - a descriptor's
        is_meant = stat.S_ISREG(status.st_mode) and f".weighbridge/model/{os.geteuid()}/{where}/" in path
        if is_meant and not refused:
            refused.add(status.st_ino)
            failing(code)()
        original(handle)

    original = os.fsync
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(Fault):
            bring(tmp_path, second)
    left = [place for place in (tmp_path / ".weighbridge").rglob("*") if place.is_file()]
    assert refused
    assert not [place for place in left if place.stat().st_ino in refused or place.name == "journal"]
    bring(tmp_path, second)
    assert read_tree(tmp_path / "model") == NEW


@pytest.mark.parametrize(("code", "fault"), ALWAYS_TOLD)
def test_an_error_that_a_close_tells_is_the_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, fault: type[Fault]
) -> None:
    """Network volumes say there that the server took no bytes; what was not taken is in no journal."""
    first, second = sources(tmp_path)
    bring(tmp_path, first)

    def fail(handle: int) -> None:
        is_meant = "/incoming/" in os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - a descriptor's
        is_meant &= threading.current_thread() is not threading.main_thread()  # which makes the file
        original(handle)
        if is_meant:
            failing(code)()

    original = os.close
    with monkeypatch.context() as patch:
        patch.setattr(os, "close", fail)
        with pytest.raises(fault, match=os.strerror(getattr(errno, code))):
            bring(tmp_path, second)
    journals = list((tmp_path / ".weighbridge").rglob("journal"))
    assert [len(journal.read_text().splitlines()) for journal in journals] in ([], [1])  # its head
    bring(tmp_path, second)
    assert read_tree(tmp_path / "model") == NEW


def test_nothing_that_is_published_is_held_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS keeps a removed file that its own client has open under another name, so that its folder is not empty."""
    held: list[str] = []

    def unlink(path: Any, **named: Any) -> None:
        folder = os.readlink(f"/proc/self/fd/{named['dir_fd']}") if named.get("dir_fd") is not None else ""  # noqa: PTH115
        wanted = os.path.join(folder, os.fspath(path))  # noqa: PTH118
        links = {one: Path("/proc/self/fd", one) for one in os.listdir("/proc/self/fd")}  # noqa: PTH208
        held.extend(wanted for place in links.values() if place.is_symlink() and os.readlink(place) == wanted)  # noqa: PTH115
        original(path, **named)

    original = os.unlink
    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr("puller.store.writeback.own_memory_limit", lambda: (90 << 20) + 2 * CHUNK)
    bring(tmp_path, sources(tmp_path)[0])
    assert read_tree(tmp_path / "model") == OLD
    assert held == []


def test_what_a_volume_keeps_of_removed_files_fails_no_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder stays until the next pull."""

    def rmdir(path: Any, **named: Any) -> None:
        if os.fspath(path).endswith("incoming"):
            failing("ENOTEMPTY")()
        original(path, **named)

    original = os.rmdir
    first, second = sources(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", rmdir)
        bring(tmp_path, first)
    assert read_tree(tmp_path / "model") == OLD
    bring(tmp_path, second)
    assert read_tree(tmp_path / "model") == NEW


def test_a_server_that_reads_the_version_before_fails_no_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS renames a removed file that its own client has open, and refuses to remove it until it is closed."""
    served: set[int] = set()

    def unlink(path: Any, *, dir_fd: int | None = None) -> None:
        if ".nfs" in os.fspath(path) and served:
            failing("EBUSY")()
        status = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        if status.st_ino in served and status.st_nlink == 1:
            kept = Path(path).with_name(f".nfs{status.st_ino}")
            os.rename(path, kept, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            return
        original(path, dir_fd=dir_fd)

    original = os.unlink
    first, second = sources(tmp_path)
    bring(tmp_path, second)
    served.add((tmp_path / "model" / "deep/c").stat().st_ino)
    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(os, "remove", unlink)

    for source, expected in ((first, OLD), (first, OLD), (second, NEW), (first, OLD)):
        bring(tmp_path, source)
        assert read_tree(tmp_path / "model") == expected

    assert list(tmp_path.rglob(".nfs*"))
    served.clear()
    bring(tmp_path, second)
    assert not list(tmp_path.rglob(".nfs*"))
    assert not list(tmp_path.rglob("outgoing*"))


def test_a_signal_is_heeded_while_the_disk_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync returns for no signal; a thread waits for it, and the program's end is told meanwhile."""

    class Asked(Exception):
        """The signal came."""

    over = threading.Event()

    def fsync(_: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # as a sleep of the kernel that nothing ends
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
        over.wait(5)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})

    def ask(*_: object) -> None:
        raise Asked

    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "fsync", fsync)
    before = signal.signal(signal.SIGUSR1, ask)
    try:
        with pytest.raises(Asked):
            Writeback(is_synced=True).tree(tmp_path)
        assert not over.is_set()
        assert threading.active_count() > 1, "the sync is not over"
    finally:
        over.set()
        signal.signal(signal.SIGUSR1, before)


def test_a_volume_that_cannot_sync_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked for it hears that it was not to be had."""
    monkeypatch.setattr(os, "fsync", failing("EINVAL"))
    listener = Listener()
    bring(tmp_path, sources(tmp_path)[0], listener)
    assert len([line for line in listener.said if "cannot sync" in line]) == 1


def test_a_volume_that_tells_zeros_is_not_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network volumes answer statvfs with zeros throughout."""
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255)))
    bring(tmp_path, sources(tmp_path)[0])
    assert read_tree(tmp_path / "model") == OLD


def test_a_file_with_as_many_names_as_it_may_have_goes_on_as_a_second_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One content under many names: where links end, another file begins, and links go on."""
    names: dict[int, int] = {}

    def link(source: Path, target: Path, **named: Any) -> None:
        inode = source.stat().st_ino
        names[inode] = names.get(inode, 1) + 1
        if names[inode] > 5:
            failing("EMLINK")()
        original(source, target, **named)

    original = os.link
    monkeypatch.setattr(os, "link", link)
    model = {f"file-{number}": b"the same" for number in range(23)}
    layout = Layout(tmp_path / "layout")
    described = [layer(path, content) for path, content in model.items()]
    layers = [Layer(b"the same", one.media_type, one.annotations) for one in described]
    source = layout.tag(layout.manifest(layers, artifact_type="application/vnd.cncf.model.manifest.v1+json"))
    bring(tmp_path, source)
    assert read_tree(tmp_path / "model") == model
    assert len({path.stat().st_ino for path in (tmp_path / "model").iterdir()}) < 8


def test_names_that_the_volume_takes_for_one_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where case or Unicode form do not count, one file would take the other's place: the pull ends instead."""
    layout = Layout(tmp_path / "layout")
    described = [layer(path, path.encode()) for path in ("Model.bin", "model.bin")]
    layers = [
        Layer(path.encode(), one.media_type, one.annotations)
        for path, one in zip(("Model.bin", "model.bin"), described, strict=True)
    ]
    source = layout.tag(layout.manifest(layers, artifact_type="application/vnd.cncf.model.manifest.v1+json"))

    def lower(path: Path) -> os.stat_result | None:
        if path.parent.name == "model":
            return next(
                (entry.lstat() for entry in path.parent.iterdir() if entry.name.lower() == path.name.lower()), None
            )
        return puller.store.trust.status_of(path)

    monkeypatch.setattr("puller.tree.materialize.status_of", lower)
    with pytest.raises(Fault, match="takes the name for another file"):
        bring(tmp_path, source)
    assert not (tmp_path / "model").exists()
