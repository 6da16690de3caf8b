"""Share a fetch out to processes, for lines that are faster than the threads of one interpreter take turns.

1. Deal: each process gets pieces of every large blob, or a whole blob where only the whole has a digest.
2. Fork, while this process has no connection, and no other thread that holds a lock.
3. Each process fetches what it was dealt, and tells by a pipe what it did (forked.py).
4. This one counts, passes it on to the listener, and raises the first failure; whatever ends it ends the others.

Tests: tests/puller/processes/test_fetch.py
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

from puller.errors import NoThread, ProcessLost, disk_errors
from puller.settings import Settings
from puller.store.filesystem import check_inode
from puller.store.memory import affordable_connections, affordable_processes
from puller.transfer.blob import BlobWriter, PieceListener
from puller.transfer.concurrency import Capacity
from puller.transfer.download import fetch_all
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.file_piece import READ_FLAGS
from registry.errors import Fault
from registry.process.background import Background
from registry.progress.stats import Counted, TransferStats
from registry.repository import Repository

from .forked import HANDLED, Complete, Ended, Landed, Message, Share, Staged, run
from .pipe import readable, receive

LEAST_BYTES = 32 << 20
"""The least that a process is forked for."""

LEAST_BYTES_UNASKED = 256 << 20
"""The least that one is forked for where no number was asked for: it comes to about 0.2 s."""

MOST_UNASKED = 4
"""The most processes where no number was asked for: with more, a pull needs above 64 MiB and 2 MiB a connection."""


class NoProcess(Exception):
    """No further process can be forked: EAGAIN or ENOMEM of fork(2)."""


class Means(NamedTuple):
    """What a fetch may use, at most."""

    processes: int
    connections: int
    cores: int


def affordable(settings: Settings, total: int, *, cores: int, limit: int | None, is_encrypted: bool) -> Means:
    """Return what of the settings' is worth having for `total` bytes, within a memory limit in bytes or None."""
    connections = affordable_connections(settings.connections, limit)
    if settings.processes:
        wanted = min(settings.processes, total // LEAST_BYTES)
    else:  # without TLS the lock is free enough, and processes that write to one file wait for each other
        free = cores - 1 if settings.tools else cores  # an image that comes meanwhile is unpacked by one thread
        wanted = min(free, MOST_UNASKED, total // LEAST_BYTES_UNASKED) if is_encrypted else 1
    return Means(affordable_processes(max(1, wanted), connections, limit), connections, cores)


def fetch_in_processes(  # noqa: PLR0913 - one step of a story, told once
    repositories: Mapping[str, Repository],
    writers: Sequence[BlobWriter],
    means: Means,
    *,
    stats: TransferStats,
    listener: PieceListener,
    track: Callable[[], AbstractContextManager[None]],
) -> None:
    """Fetch every missing piece, by as many processes as there is something to deal to; one alone is this process.

    `track` reports the progress while the block runs, by a thread. Raises what fetch_all raises, and ProcessLost.
    """
    dealt = deal(writers, means.processes) if means.processes > 1 else []
    if len(dealt) <= 1:
        with track():
            fetch_all(repositories, writers, Capacity(means.connections, means.cores), stats=stats, listener=listener)
        return
    (each, more), cores = divmod(means.connections, len(dealt)), means.cores / len(dealt)
    shares = [Share(repositories, share, Capacity(each + (number < more), cores)) for number, share in enumerate(dealt)]
    before = stats.done
    try:
        with _forked(shares) as processes, track():
            processes.follow(stats, listener)
    except (NoProcess, NoThread):  # the pod's limit of processes: one alone needs least, and begins anew
        stats.take_back(stats.done - before)
        for writer in writers:
            if writer.is_ordered:
                writer.reserve()  # what was unpacked cannot be gone on with
        fetch_in_processes(
            repositories, writers, means._replace(processes=1), stats=stats, listener=listener, track=track
        )


def deal(writers: Sequence[BlobWriter], processes: int) -> list[list[BlobWriter]]:
    """Return what each process writes: parts of what can be divided, and the rest whole, to whoever has least.

    Each begins with another file where there are several: processes that write to one at once wait for each other.
    """
    shares: list[list[BlobWriter]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for writer in sorted(writers, key=lambda writer: writer.missing_bytes, reverse=True):
        for part in writer.divided(processes):
            least = loads.index(min(loads))
            shares[least].append(part)
            loads[least] += part.missing_bytes
    return [_turned(share, number / processes) for number, share in enumerate(shares) if share]


def _turned(share: list[BlobWriter], part: float) -> list[BlobWriter]:
    """Return a share in the same order, begun after a part of it."""
    begin = int(part * len(share))
    return share[begin:] + share[:begin]


@dataclass(slots=True)
class _File:
    """A file that processes write to; `parts` are those that are not complete."""

    path: Path
    inode: int
    parts: int = 0

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open it for the block: of a model of many files not all can be open at once."""
        with disk_errors():
            handle = os.open(self.path, READ_FLAGS)
        try:
            check_inode(handle, self.inode, self.path)
            yield handle
        finally:
            os.close(handle)


@dataclass(slots=True)
class _Processes:
    """The processes of one fetch, by the pipes from them; `files` are theirs, by inode."""

    files: Mapping[int, _File]
    running: dict[int, int] = field(default_factory=dict)

    def follow(self, stats: TransferStats, listener: PieceListener) -> None:
        """Count and pass on what the processes do, until all have ended well; raise what one of them failed with."""
        complete = Background[_File](lambda file: self._complete(file, listener))
        try:
            while self.running:
                for pipe in readable(self.running):
                    self._heed(self._next(pipe), stats, listener, complete)
                complete.check()
        except Fault:
            self.end()
            with suppress(Fault):
                complete.finish()  # what the disk refuses meanwhile must be noted before the pull ends
            raise
        complete.finish()

    def fork(self, share: Share) -> None:
        """Fork a process for a share. Raises NoProcess."""
        ours, theirs = os.pipe()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            process = os.fork()
        except OSError as error:
            os.close(ours)
            raise NoProcess from error
        else:
            if not process:
                for other in (*self.running, ours):
                    os.close(other)  # a pipe without its reader tells that the parent is gone
                run(share, theirs)
            self.running[ours] = process
        finally:
            os.close(theirs)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def end(self) -> None:
        """End the processes that still run."""
        for process in self.running.values():
            os.kill(process, signal.SIGKILL)
        for pipe in list(self.running):
            self._reap(pipe)

    def _next(self, pipe: int) -> Message:
        """Return a process's next message; raise ProcessLost where it ended without its last one."""
        try:
            message = cast("Message", receive(pipe))
        except EOFError:
            raise ProcessLost(f"a process that fetched a part of the model ended by {self._reap(pipe)}") from None
        if isinstance(message, Ended):
            self._reap(pipe)
        return message

    def _complete(self, file: _File, listener: PieceListener) -> None:
        with file.opened() as handle:
            listener.complete(handle)

    def _heed(
        self, message: Message, stats: TransferStats, listener: PieceListener, complete: "Background[_File]"
    ) -> None:
        match message:
            case Counted():
                stats.join(message)
            case Landed(layer, piece, span, inode):
                with self.files[inode].opened() as handle:
                    listener.landed(layer, piece, span, handle)
            case Staged(layer):
                listener.staged(layer)
            case Complete(inode):
                file = self.files[inode]
                file.parts -= 1
                if not file.parts:
                    complete.add(file)
            case Ended(error):
                if error is not None:
                    raise error

    def _reap(self, pipe: int) -> str:
        """Wait for the end of a process, and return what ended it."""
        os.close(pipe)
        code = os.waitstatus_to_exitcode(os.waitpid(self.running.pop(pipe), 0)[1])
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


@contextmanager
def _forked(shares: Sequence[Share]) -> Iterator[_Processes]:
    """Fork a process for each share, and end those that still run when the block ends.

    No other thread of this process may hold a lock: it would not be in the new ones, but the lock would.
    """
    files: dict[int, _File] = {}
    for writer in (writer for share in shares for writer in share.writers if isinstance(writer, FileBlobWriter)):
        with disk_errors():
            inode = writer.path.stat().st_ino
        files.setdefault(inode, _File(writer.path, writer.inode)).parts += 1
    for repository in {id(one): one for share in shares for one in share.repositories.values()}.values():
        repository.disconnect()
    processes = _Processes(files)
    try:
        for share in shares:
            processes.fork(share)
        yield processes
    finally:
        processes.end()
