"""One small exchange with an identity endpoint: a cloud's token service, or an agent on the node.

Redirects are not followed: a request carries a secret, meant for this endpoint alone. Endpoints on the node are asked
without a proxy, as every SDK asks them.

Tests: tests/registry/identity/test_identities.py
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from registry.errors import BadIdentity, Fault, IdentityRefused, Unavailable
from registry.http.failures import asked_seconds, other_failure
from registry.http.response import Response
from registry.http.transport import Transport
from registry.net.addresses import is_local
from registry.net.limits import ending_within
from registry.net.origin import Origin, redacted
from registry.net.tls import Tls
from registry.printable import printable, without_tokens

_LIMIT = 1 << 20
_SECONDS = 20.0
_CONNECT_SECONDS = 2.0
"""For endpoints on the node: where there is none, a pull must not wait long to learn it."""

_FORM = "application/x-www-form-urlencoded"
_BUSY = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ServiceUnavailable|IDPCommunicationError")
"""Codes of Amazon's services that come with status 400 although a later request may succeed."""

_CODES = ("__type", "error", "code", "Code", "status")
_TEXTS = ("message", "Message", "error_description", "detail")


@dataclass(frozen=True, slots=True)
class Question:
    """A request to an identity endpoint. Its `repr` shows neither headers nor body."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @classmethod
    def form(cls, url: str, fields: Mapping[str, str]) -> "Question":
        """Return a question that posts a form."""
        return cls(url, {"Content-Type": _FORM}, urlencode(fields).encode())

    @classmethod
    def json(cls, url: str, content: object, headers: Mapping[str, str]) -> "Question":
        """Return a question that posts JSON."""
        return cls(url, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())


class Endpoints:
    """Asks identity endpoints over the program's transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._node: Transport | None = None

    def ask(self, question: Question, who: str) -> bytes:
        """Return the body of the answer; `who` names the identity in messages.

        Raises IdentityRefused, Unavailable, Refused, BadIdentity for a URL that no secret may go to.
        """
        _check(question.url)
        with ending_within(_SECONDS, self._transport.limits):
            method = "GET" if question.body is None else "POST"
            transport = self._transport_to(question.url)
            with transport.request(method, question.url, question.headers, question.body) as response:
                content = response.read(_LIMIT)
                if response.status != 200:
                    raise _failure(response, content, who)
                return content

    def ask_json(self, question: Question, who: str) -> dict[str, Any]:
        """Return the JSON object of the answer; raise as `ask`, and Unavailable for an answer that is none."""
        try:
            answer = json.loads(self.ask(question, who))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable(f"{redacted(question.url)}: answered no JSON object")
        return answer

    def _transport_to(self, url: str) -> Transport:
        if not is_on_node(url):
            return self._transport
        if self._node is None:
            self._node = self._transport.with_options(Tls(), None, _CONNECT_SECONDS)
        return self._node


def text_of(answer: Mapping[str, Any], key: str, url: str) -> str:
    """Return a text of an answer that a header can carry; raise Unavailable when it has none."""
    text = answer.get(key)
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        raise Unavailable(f"{redacted(url)}: answered no {key}")
    return text


def is_on_node(url: str) -> bool:
    """Return whether an endpoint is on this machine or its own link, where metadata servers and agents listen."""
    host = Origin.of(url).host
    return host in ("localhost", "metadata.google.internal", "fd00:ec2::23", "fd00:ec2::254") or is_local(host)


def _check(url: str) -> None:
    """Raise BadIdentity for an endpoint that would get a secret without TLS although it is not on the node."""
    if urlsplit(url).scheme != "https" and not is_on_node(url):
        raise BadIdentity(f"{redacted(url)}: an identity endpoint beyond the node must be https")


def _failure(response: Response, content: bytes, who: str) -> Fault:
    code, text = _words(content)
    words = printable(f"{code}: {text}" if code and text else code or text, 300)
    said = f"{redacted(response.url)}: answered {response.status} to {who}{f' ({words})' if words else ''}"
    if response.status == 400 and _BUSY.search(code):
        seconds = asked_seconds(response.headers.get("Retry-After", ""), "", datetime.now(UTC))
        return Unavailable(said, retry_after_seconds=seconds, is_overload=True)
    if response.status in (400, 401, 403, 404):
        return IdentityRefused(said)
    return other_failure(said, response.status, response.headers)


def _words(content: bytes) -> tuple[str, str]:
    """Return the code and the words of a refusal, in JSON or in Amazon's XML, without what may be a token."""
    try:
        answer = json.loads(content)
        answer = answer.get("error") if isinstance(answer.get("error"), dict) else answer
        found = [next((str(answer[key]) for key in keys if answer.get(key)), "") for keys in (_CODES, _TEXTS)]
    except (ValueError, AttributeError, RecursionError):
        text = content.decode(errors="replace")
        matches = (re.search(f"<{tag}>([^<]*)</{tag}>", text) for tag in ("Code", "Message"))
        found = [match[1] if match else "" for match in matches]
    code, text = map(without_tokens, found)
    return code.rpartition("#")[2], text
