"""A credential, as a value that shows no secret.

Tests: tests/registry/auth/test_credentials.py
"""

from dataclasses import dataclass, field

from registry.printable import printable, without_tokens


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A credential. Its `repr` shows no secret."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    source: str = field(default="", compare=False)
    """Where it was found, for --debug: a file, a credential helper that a file names, or an identity."""

    lapses_at: float = field(default=float("inf"), compare=False)
    """Until when an identity's credential is good, by the clock of time.monotonic."""

    def __repr__(self) -> str:
        return f"Credential({self.who!r}, source={self.source!r})"

    @property
    def who(self) -> str:
        """Return a text for messages: whose it is.

        Some registries take a token as the user's name, so a name that looks like one is not shown.
        """
        if self.lapses_at < float("inf"):
            return printable(self.source)
        if not self.username:
            return "the token's owner"
        secrets = (self.password, self.identity_token, self.registry_token)
        if not self.password or self.username in secrets or without_tokens(self.username) != self.username:
            return f"the owner of the token in {printable(self.source) or 'a docker config'}"
        return f"user {printable(self.username)!r}"
