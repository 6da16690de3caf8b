"""A token of the pod's ServiceAccount, which the kubelet projects and renews, for a registry that takes such tokens.

Tests: tests/registry/identity/test_identities.py
"""

from typing import TYPE_CHECKING, NamedTuple

from registry.auth.credential import Credential

from .token_file import read_token

if TYPE_CHECKING:
    from .endpoint import Endpoints

_LIFE_SECONDS = 60.0
"""After how long the file is read again: the kubelet writes a new token well before the old one expires."""


class ServiceAccountIdentity(NamedTuple):
    """A projected token: `registry` is the one it is sent to."""

    registry: str
    file: str

    @property
    def who(self) -> str:
        """Return a text for messages."""
        return f"the ServiceAccount's token of {self.file}"

    def credential(self, _: "Endpoints") -> tuple[Credential, float]:
        """Return the token as a credential, and after how many seconds to read it again. Raises BadIdentity."""
        token = read_token(self.file, "the setting token_file")
        return Credential(registry_token=token, source=self.who), _LIFE_SECONDS
