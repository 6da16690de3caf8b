"""Content codings (RFC 9110, 8.4): none is asked for, so none is taken. Pure.

What would be unpacked has a size that nobody promised, and digests are those of the bytes as they are.
"""

from typing import Protocol

from registry.errors import Refused
from registry.printable import printable


class Headers(Protocol):
    """Headers of an answer, whoever read it; names in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Return a header's value."""
        ...


def check_coding(headers: Headers, name: str) -> None:
    """Raise Refused when an answer came in a content coding; `name` says what it is an answer to."""
    coding = headers.get("Content-Encoding", "").strip()
    if coding and coding.lower() != "identity":
        raise Refused(
            f"{name}: came with Content-Encoding {printable(coding, 60)!r}, unasked",
            hint="have the registry, or the proxy before it, send contents as they are",
        )
