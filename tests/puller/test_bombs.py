"""Artifacts of people who mean harm, pulled by a process whose memory is watched: a named error, and little used."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from puller.settings import Settings
from registry.annotations import FILE_METADATA, FILEPATH

from .packs import Layer, Layout, member, tar_of

WEIGHT = "application/vnd.cncf.model.weight.v1."
MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
MEBIBYTES = 96
ZEROS = 1 << 30

PROBE = """
import os, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "puller"], stderr=subprocess.PIPE, text=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
print(done.stderr)
"""


def zstd_zeros(before: bytes = b"", count: int = ZEROS) -> bytes:
    """Return `before` and so many zeros in one frame, a few dozen kilobytes long."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [compressor.compress(before)]
    parts += [compressor.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join([*parts, compressor.flush()])


def endless_tail() -> Layer:
    """An archive of one byte, and a gigabyte behind its end."""
    return Layer(zstd_zeros(tar_of({"a": b"1"})), f"{WEIGHT}tar+zstd")


def unpromised_file() -> Layer:
    """A gigabyte from a layer of some kilobytes, of which nobody told the size."""
    return Layer(zstd_zeros(), f"{WEIGHT}raw+zstd", {FILEPATH: "weights"})


def broken_promise() -> Layer:
    """A file that is said to have ten bytes."""
    packed = gzip.compress(bytes(64 << 20))
    return Layer(packed, f"{WEIGHT}raw+gzip", {FILEPATH: "weights", FILE_METADATA: json.dumps({"size": 10})})


def huge_member() -> Layer:
    """A member of an exabyte."""
    return Layer(member("weights", size=1 << 60).tobuf(tarfile.GNU_FORMAT), f"{WEIGHT}tar")


def sparse_lie() -> Layer:
    """A sparse file of an exabyte, of which nothing is stored."""
    headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 60), "GNU.sparse.numblocks": "1"}
    return Layer(tar_of({}, member("weights", size=0, pax_headers=headers)), f"{WEIGHT}tar")


def long_name() -> Layer:
    """A name of a gigabyte."""
    return Layer(member("x", tarfile.GNUTYPE_LONGNAME, size=1 << 30).tobuf(tarfile.GNU_FORMAT), f"{WEIGHT}tar")


def long_names() -> Layer:
    """Names of a megabyte each, and many of them."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    names = (f"{number}{'n' * 900_000}" for number in range(400))
    content = b"".join(compressor.compress(member(name).tobuf(tarfile.GNU_FORMAT)) for name in names)
    return Layer(content + compressor.flush(), f"{WEIGHT}tar+zstd")


def many_members() -> Layer:
    """A million links."""
    header = member("x", tarfile.SYMTYPE, linkname="y").tobuf(tarfile.USTAR_FORMAT)
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    content = b"".join(compressor.compress(header * 1000) for _ in range(1000))
    return Layer(content + compressor.flush(), f"{WEIGHT}tar+zstd")


def wide_window() -> Layer:
    """A frame that wants a gigabyte of window."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return Layer(compressor.compress(tar_of({"a": b"1"})) + compressor.flush(), f"{WEIGHT}tar+zstd")


BOMBS: list[Callable[[], Layer]] = [
    *(
        endless_tail,
        unpromised_file,
        broken_promise,
        huge_member,
        sparse_lie,
        long_name,
        long_names,
        many_members,
        wide_window,
    )
]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_ends_in_a_named_error_and_little_memory(tmp_path: Path, bomb: Callable[[], Layer]) -> None:
    """Nothing is visible, nothing is left but the room behind it, and the process stayed small."""
    layout = Layout(tmp_path / "layout")
    source = layout.tag(layout.manifest([bomb()], artifact_type=MODELPACK))
    volume = tmp_path / "volume"
    volume.mkdir()
    settings = Settings(source=source, destination=str(volume / "model"))
    environ = {**os.environ, **settings.to_env()}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environ, capture_output=True, text=True, check=True)
    head, _, said = done.stdout.partition("\n")
    code, peak = map(int, head.split())
    assert code == 1, said
    assert "error:" in said
    assert "Traceback" not in said
    assert peak < MEBIBYTES, said
    assert {path.name for path in volume.iterdir()} <= {".weighbridge"}
