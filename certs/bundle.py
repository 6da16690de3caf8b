"""The PEM blocks that serve one webhook.

Tests: tests/certs/test_command.py
"""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A CA and a leaf that it signed. `ca_certificate` may hold former CAs behind it, which are still trusted.

    The keys stay out of `repr`, so that no log can show them.
    """

    ca_certificate: bytes
    ca_key: bytes | None = field(repr=False)
    certificate: bytes
    key: bytes = field(repr=False)

    def without_ca_key(self) -> "Bundle":
        """Return the bundle without the key that could sign for any name: a server does not need it."""
        return replace(self, ca_key=None)
