"""What the operator, or the user of a command, demands of the signatures of one source. Pure.

Tests: tests/registry/signatures/test_policy.py
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Literal

Mode = Literal["require", "warn", "off"]


@dataclass(frozen=True, slots=True)
class Signatory:
    """A person or a workload that may sign, as a certificate names it (Fulcio): its issuer, and its subject.

    `subject` is an e-mail address or a URL; a `pattern` is a regular expression for the whole of it.
    """

    issuer: str
    subject: str = ""
    pattern: str = ""

    def matches(self, issuer: str, subject: str) -> bool:
        """Return whether a certificate's issuer and subject are these."""
        if issuer != self.issuer:
            return False
        return bool(re.fullmatch(self.pattern, subject)) if self.pattern else subject == self.subject

    def __str__(self) -> str:
        return f"{self.pattern or self.subject} by {self.issuer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A demand: one good signature, by one of the keys or one of the signatories.

    `keys` are public keys in PEM; `trust_root` is the JSON of a Sigstore trust root, for certificates.
    """

    mode: Mode = "off"
    keys: tuple[str, ...] = ()
    signatories: tuple[Signatory, ...] = ()
    trust_root: str = ""

    @property
    def is_on(self) -> bool:
        """Whether signatures are looked at."""
        return self.mode != "off"

    @property
    def mark(self) -> str:
        """A text that is equal for equal demands: a receipt has that of the rule that its model passed."""
        signatories = [[one.issuer, one.subject, one.pattern] for one in self.signatories]
        stated = json.dumps([sorted(self.keys), sorted(signatories), self.trust_root])
        return hashlib.sha256(stated.encode()).hexdigest()[:16]


OFF = Rule()
