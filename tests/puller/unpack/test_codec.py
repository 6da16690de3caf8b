"""Streams behind codecs, in any slices; and bombs, which whoever takes their output stops."""

import gzip
from contextlib import suppress

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from puller.errors import BadArtifact
from puller.unpack.codec import MAGIC_BYTES, WINDOW_BYTES, decoder_for
from puller.unpack.frames import is_zstd
from tests.puller.models import noise
from tests.puller.packs import CODECS, zstd

STEP = 1 << 20


def decode(content: bytes, step: int) -> bytes:
    """Decode a stream in slices of `step` bytes."""
    output = bytearray()
    decoder = decoder_for(content[:MAGIC_BYTES], output.extend)
    for at in range(0, len(content), step):
        decoder.feed(memoryview(content)[at : at + step])
    decoder.finish()
    return bytes(output)


@given(content=st.binary(max_size=5000), codec=st.sampled_from(sorted(CODECS)), step=st.integers(1, 6000))
@settings(deadline=None)
def test_what_goes_in_comes_out(content: bytes, codec: str, step: int) -> None:
    """Law: decode(encode(content)) == content, however the bytes are cut."""
    assume(codec or not (content.startswith(b"\x1f\x8b") or is_zstd(content[:4])))
    assume(content or codec != "+zstd")  # no frame at all is no zstd stream
    assert decode(CODECS[codec](content), step) == content


@pytest.mark.parametrize("codec", ["+gzip", "+zstd"])
def test_streams_of_several_members_are_one(codec: str) -> None:
    """Gzip members and zstd frames follow one another, skippable frames and a tape's zeros between and behind them."""
    parts = [noise(70_000), b"", noise(3)]
    if codec == "+gzip":
        encoded = b"".join(gzip.compress(part) for part in parts) + bytes(100)
    else:
        encoded = b"".join(zstandard.compress(part) for part in parts) + b"\x5f\x2a\x4d\x18\x03\0\0\0abc"
    assert decode(encoded, 999) == b"".join(parts)


@pytest.mark.parametrize("codec", ["+gzip", "+zstd"])
def test_a_stream_that_ends_early_is_refused(codec: str) -> None:
    """Wherever it is cut but between two members."""
    encoded = CODECS[codec](noise(3000))
    for length in range(MAGIC_BYTES, len(encoded), 97):
        if codec == "+zstd" and length <= 12:
            continue  # within the skippable frame, which the next test looks at
        with pytest.raises(BadArtifact):
            decode(encoded[:length], 500)


@pytest.mark.parametrize("codec", ["+gzip", "+zstd"])
@given(at=st.integers(4, 500), value=st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_a_flipped_byte_is_named_or_gives_other_bytes(codec: str, at: int, value: int) -> None:
    """Law: what comes of a broken stream is bytes or BadArtifact, and nothing else."""
    encoded = bytearray(CODECS[codec](b"weights " * 400))
    encoded[at % len(encoded)] ^= value
    with suppress(BadArtifact):
        decode(bytes(encoded), 100)


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress, zstd])
def test_no_step_is_large_however_much_is_packed(encode) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - three kinds of callable
    """A bomb comes out in small steps, so that its taker can stop it."""
    largest, total = 0, 0

    def take(content: bytes | memoryview) -> None:
        nonlocal largest, total
        largest, total = max(largest, len(content)), total + len(content)
        if total > 20 * STEP:
            raise BadArtifact("enough")

    bomb = encode(bytes(200 * STEP))
    decoder = decoder_for(bomb[:MAGIC_BYTES], take)
    with pytest.raises(BadArtifact, match="enough"):
        decoder.feed(memoryview(bomb))
    assert largest <= STEP
    assert total <= 21 * STEP


def test_a_window_beyond_the_bound_is_refused() -> None:
    """A frame that wants gigabytes of memory to be unpacked is not."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    encoded = compressor.compress(b"x" * 100) + compressor.flush()
    assert WINDOW_BYTES < 1 << 30
    with pytest.raises(BadArtifact, match="window"):
        decode(encoded, 100)
