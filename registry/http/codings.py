"""Content codings (RFC 9110, 8.4): none is requested, so none is accepted. Pure.

The decoded size would be unknown, and digests are those of the bytes as sent.

Tests: tests/registry/remote/test_hostile.py
"""

from registry.errors import Refused
from registry.printable import printable

from .failures import Headers


def check_coding(headers: Headers, name: str) -> None:
    """Raise Refused when an answer has a content coding; `name` says what was requested."""
    coding = headers.get("Content-Encoding", "").strip()
    if coding and coding.lower() != "identity":
        raise Refused(
            f"{name}: came with Content-Encoding {printable(coding, 60)!r}, unasked",
            hint="have the registry, or the proxy before it, send contents as they are",
        )
