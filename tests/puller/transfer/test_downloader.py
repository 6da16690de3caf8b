"""A worker and the answers that it reads: what it asks for next, by the pieces that its task has."""

from collections import deque
from pathlib import Path
from typing import Any

from puller.artifact.model_artifact import load_artifact
from puller.plan import ModelPlan
from puller.settings import Settings
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.queue import Queue, Task
from puller.transfer.watchdog import Watchdog
from puller.transfer.worker import BUFFER_BYTES, DownloadContext, Downloader
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.http.transport import Transport
from registry.open import open_repository
from registry.progress.stats import TransferStats
from registry.source import parse_source
from tests.fakes.registry import Answer, fake_registry
from tests.puller.models import noise, offer

PIECE = 64 << 10
CONTENT = noise(4 * PIECE)


class Quiet:
    """A listener that does nothing."""

    def landed(self, *_: object) -> None:
        """Do nothing."""

    def complete(self, *_: object) -> None:
        """Do nothing."""

    def staged(self, *_: object) -> None:
        """Do nothing."""


class Watched:
    """A repository, and the hosts that were blamed for corrupt bytes."""

    def __init__(self, repository: Any) -> None:
        self.patience, self.open, self.blamed = repository.patience, repository.open, list[set[str]]()
        self._repository = repository

    def report_corrupt(self, hosts: frozenset[str]) -> bool:
        """Note the hosts, and pass it on."""
        self.blamed.append(set(hosts))
        found: bool = self._repository.report_corrupt(hosts)
        return found


def test_a_piece_before_the_stream_is_asked_for_anew_and_nobody_blamed(tmp_path: Path) -> None:
    """Pieces that broken streams put back may come after later ones; the answer that is open cannot bring them."""
    transport = Transport(proxies={}, timeout_seconds=10)
    with fake_registry() as fake, Access(transport=transport, credentials=Credentials()) as access:
        offer(fake, {"w": CONTENT}, chunk=PIECE)
        fake.fail(lambda _, __: Answer(200, CONTENT), path="/blobs/")  # ranges are answered with the whole
        repository = open_repository(parse_source(fake.reference()), access)
        artifact = load_artifact(repository, repository.resolve(), access)
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"))
        (blob,) = ModelPlan.of(artifact.form.parts, settings).blobs
        writer, watched = FileBlobWriter(blob, tmp_path / "w"), Watched(repository)
        writer.reserve()
        context = DownloadContext(
            repository=watched,  # type: ignore[arg-type] # as far as a worker uses one
            queue=Queue([writer], 1, 1),
            stats=TransferStats(len(CONTENT)),
            watchdog=Watchdog(),
            listener=Quiet(),
        )
        order = deque(blob.pieces[number] for number in (2, 0, 1, 3))
        Downloader(context, memoryview(bytearray(BUFFER_BYTES)), Task(writer, order)).run()
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert watched.blamed == []
