"""The API server: objects in and out as plain JSON, and each failure as a Fault that says what was asked.

Tests: tests/verbs/test_api.py
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from registry.printable import printable
from webhook.pod.podspec import Raw, entries, mapping

from . import kinds
from .errors import Absent, Conflict, Forbidden, LoggedOut, Rejected, ServerFailed
from .kinds import Kind

_PAGE = 500
_BY_RBAC = "is forbidden: User "
"""What the API server says of a missing permission; quotas and policies answer 403 as well, with other words."""

_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API server: its status, its headers with small letters, its warnings, and its content."""

    status: int
    headers: Mapping[str, str]
    warnings: tuple[str, ...]
    content: bytes


Send = Callable[[str, str, bytes | None, str], Answer]
"""Sends a method to a path with a body and its media type; raises Unreachable and TimedOut."""


@dataclass(frozen=True, slots=True)
class Made:
    """An object as the API server made it, and the warnings that came with it."""

    content: Raw
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """The API server's version, and how many seconds its clock is ahead of ours."""

    version: str
    ahead_seconds: float


@dataclass(frozen=True, slots=True)
class Api:
    """An API server as one user. `namespace` is the one that is meant where none is named."""

    send: Send
    server: str
    namespace: str = "default"

    def version(self, now: Callable[[], dt.datetime]) -> Server:
        """Return the version of the API server, and its clock beside ours."""
        answer = self._checked("GET", "/version", "get /version")
        return Server(str(_object(answer).get("gitVersion", "")), _ahead_seconds(answer, now()))

    def read(self, kind: Kind, name: str, namespace: str = "") -> Raw:
        """Return an object. Raises Absent, Forbidden and other faults."""
        return _object(self._checked("GET", kind.path(namespace, name), _asked("get", kind, namespace, name)))

    def items(self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Raw]:
        """Return all objects of a kind, in one namespace or in all, that the selectors match."""
        return [one for page in self.pages(kind, namespace, labels=labels, fields=fields) for one in page]

    def pages(self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "") -> Iterator[list[Raw]]:
        """Yield the same by pages, so that who keeps a few of many need not hold all of them."""
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(_PAGE), "continue": ""}
        while True:
            stated = urlencode({name: value for name, value in query.items() if value})
            path, asked = f"{kind.path(namespace)}?{stated}", _asked("list", kind, namespace)
            page = _object(self._checked("GET", path, asked))
            implied = {"apiVersion": kind.api_version, "kind": kind.name}
            yield [implied | item for item in entries(page, "items")]
            query["continue"] = str(mapping(page, "metadata").get("continue") or "")
            if not query["continue"]:
                return

    def try_create(self, kind: Kind, document: Raw, namespace: str = "") -> Made:
        """Return what the API server would make of a new object, without storing it."""
        return self._write("POST", kind.path(namespace), document, _asked("create", kind, namespace), {"dryRun": "All"})

    def apply(self, kind: Kind, document: Raw, namespace: str, options: Mapping[str, str]) -> Made:
        """Apply an object by server-side apply; `options` are fieldManager, and force and dryRun where wanted."""
        return self._patch(kind, document, namespace, options, "application/apply-patch+yaml")

    def merge(self, kind: Kind, document: Raw, namespace: str, options: Mapping[str, str]) -> Made:
        """Change an object by a JSON merge patch (RFC 7396); `options` as for `apply`."""
        return self._patch(kind, document, namespace, options, "application/merge-patch+json")

    def replace(self, kind: Kind, document: Raw, namespace: str) -> Made:
        """Write a whole object in place of the version that it names. Raises Conflict."""
        name = str(document["metadata"]["name"])
        return self._write("PUT", kind.path(namespace, name), document, _asked("update", kind, namespace, name), {})

    def may(self, verb: str, kind: Kind, namespace: str = "", name: str = "") -> bool:
        """Return whether the user may do something (authorization.k8s.io, SelfSubjectAccessReview)."""
        asked = {"verb": verb, "group": kind.group, "resource": kind.resource, "namespace": namespace, "name": name}
        review = {"apiVersion": kinds.ACCESS_REVIEW.api_version, "kind": kinds.ACCESS_REVIEW.name}
        document, path = review | {"spec": {"resourceAttributes": asked}}, kinds.ACCESS_REVIEW.path()
        made = self._write("POST", path, document, _asked("create", kinds.ACCESS_REVIEW), {})
        return mapping(made.content, "status").get("allowed") is True

    def _patch(self, kind: Kind, document: Raw, namespace: str, options: Mapping[str, str], media_type: str) -> Made:
        name = str(document["metadata"]["name"])
        asked = _asked("patch", kind, namespace, name)
        return self._write("PATCH", kind.path(namespace, name), document, asked, options, media_type)

    def _write(  # noqa: PLR0913, PLR0917 - what is written, where, and how
        self,
        method: str,
        path: str,
        document: Raw,
        asked: str,
        options: Mapping[str, str],
        media_type: str = "application/json",
    ) -> Made:
        query = f"?{urlencode(options)}" if options else ""
        answer = self._checked(method, path + query, asked, json.dumps(document).encode(), media_type)
        return Made(_object(answer), answer.warnings)

    def _checked(
        self, method: str, path: str, asked: str, body: bytes | None = None, media_type: str = "application/json"
    ) -> Answer:
        answer = self.send(method, path, body, media_type)
        if answer.status < 400:
            return answer
        raise _fault(answer, asked)


def _asked(verb: str, kind: Kind, namespace: str = "", name: str = "") -> str:
    """Return a request in the words of RBAC: `list pods in the namespace chat`."""
    what = f"{verb} {kind.permission}" + (f"/{name}" if name else "")
    if not kind.is_namespaced:
        return what
    return f"{what} in the namespace {namespace}" if namespace else f"{what} in all namespaces"


def _object(answer: Answer) -> Raw:
    try:
        found: Any = json.loads(answer.content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ServerFailed("what answered sent no object: is a proxy or a login page in the way?")
    return found


def _ahead_seconds(answer: Answer, now: dt.datetime) -> float:
    """Return how far the answer's clock is ahead; 0 where it says no time (RFC 9110, 6.6.1)."""
    try:
        return (parsedate_to_datetime(answer.headers.get("date", "")) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _fault(answer: Answer, asked: str) -> Exception:
    """Return the error of an unwanted answer, with what was asked and the API server's own words."""
    try:
        said = printable(str(json.loads(answer.content)["message"]), _WORDS)
    except (ValueError, LookupError, TypeError, RecursionError):
        said = f"it answered {answer.status}"
    if answer.status == 401:
        return LoggedOut(f"{asked}: {said}")
    if answer.status == 403 and _BY_RBAC in said:
        needed = f"ask for a Role or ClusterRole that lets you {asked}"
        return Forbidden(f"{asked}: {said}", hint=needed)
    if answer.status == 404:
        return Absent(f"{asked}: {said}")
    if answer.status == 409:
        return Conflict(f"{asked}: {said}")
    if answer.status < 500 and answer.status != 429:
        return Rejected(f"{asked}: {said}")
    return ServerFailed(f"{asked}: {said}")
