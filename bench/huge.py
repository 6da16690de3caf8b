"""What a puller does with the manifest of a huge model before and beside the bytes: `python -m bench.huge`.

A model of 1.5 TB in 400 files is described, not stored. Each step is timed once; the last line has the peak memory.
"""

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packer.form import ModelInfo
from packer.layer_blob import LayerBlob, raw
from packer.modelpack import chunk_bytes, config_of, manifest_of
from packer.source.source_file import SourceFile
from puller.artifact.read import read_form
from puller.plan import ModelPlan
from puller.settings import Settings
from puller.store.journal import Journal
from puller.store.trust import Trust
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.queue import Queue
from registry.chunk_index import Chunks
from registry.digest import Digest
from registry.manifest import Manifest, parse_manifest

_FILES, _FILE_BYTES = 400, 3_750_000_000


def main() -> int:
    """Print the seconds of each step."""
    chunk = chunk_bytes(_FILES * _FILE_BYTES)
    with _timed("describe, for the packer"):
        pushed = [_described(number, chunk) for number in range(_FILES)]
        files, blobs = [file for file, _ in pushed], [blob for _, blob in pushed]
        config = config_of(files, blobs, ModelInfo())
        content = manifest_of(files, blobs, config).to_bytes()
    sys.stdout.write(f"manifest: {len(content):,} bytes, chunks of {chunk >> 20} MiB\n")
    settings = Settings(source="registry.example/model:v1", destination="/model")
    with _timed("parse the manifest"):
        manifest = parse_manifest(content)
    if not isinstance(manifest, Manifest):
        return 1
    with _timed("read the artifact"):
        form = read_form(manifest, lambda: config)
    with _timed("plan"):
        plan = ModelPlan.of(form.parts, settings)
    with _timed("make the work list"):
        queue = Queue(
            [FileBlobWriter(blob, Path(blob.layer.digest.hex)) for blob in plan.blobs],
            settings.connections,
            settings.connections,
        )
    sys.stdout.write(f"pieces: {len(queue):,}\n")
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal", _digest("manifest", "sha256"), "boot")
        with _timed("journal every piece"), journal.open({}, _FILES * _FILE_BYTES):
            for blob in plan.blobs:
                for piece in blob.pieces:
                    journal.record(blob.layer.digest, piece.start, piece.stop, 1)
        with _timed("read the journal again"):
            found = journal.read(Trust.of_process(trusts_group=False), {blob.layer.digest.hex for blob in plan.blobs})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"journalled pieces: {len(found):,}; peak memory {peak} MiB\n")
    return 0


def _described(number: int, chunk: int) -> tuple[SourceFile, LayerBlob]:
    status = os.stat_result((0o100644, 0, 0, 1, 0, 0, _FILE_BYTES, 0, 0, 0))
    name = f"model-{number:05}-of-{_FILES:05}.safetensors"
    chunks = Chunks(chunk, tuple(_digest(f"{number}-{part}", "blake3") for part in range(-(-_FILE_BYTES // chunk))))
    return SourceFile(name, Path(name), status), raw(_digest(name, "sha256"), _FILE_BYTES, chunks)


def _digest(text: str, algorithm: str) -> Digest:
    return Digest(hashlib.sha256(json.dumps(text).encode()).hexdigest(), algorithm)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    sys.stdout.write(f"{what}: {time.perf_counter() - began:.3f} s\n")


if __name__ == "__main__":
    sys.exit(main())
