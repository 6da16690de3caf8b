"""How a registry takes large blobs, and what its answers taught of that. Pure.

Tests: tests/packer/test_outcomes.py
"""

from dataclasses import dataclass
from enum import Enum


class UploadMode(Enum):
    """How a registry accepts a large blob.

    Nearly every registry accepts one streamed PATCH, as docker sends it. Behind a proxy with a limit the blob must be
    sent in chunks; a registry without PATCH needs one PUT, for which the digest must be known before the first byte.
    """

    STREAMED = "one PATCH"
    CHUNKED = "many PATCHes"
    WHOLE = "one PUT"


BETTER = {
    413: UploadMode.CHUNKED,
    404: UploadMode.WHOLE,
    405: UploadMode.WHOLE,
    416: UploadMode.WHOLE,
    501: UploadMode.WHOLE,
}
"""The manner to go over to, by the status that refused a blob."""


@dataclass(slots=True)
class Learned:
    """What a registry's answers to uploads taught: shared by the uploads to one repository, in any threads."""

    mode: UploadMode = UploadMode.STREAMED
    losses: int = 0
    """How many uploads in a row the registry lost before it took a byte of them."""
