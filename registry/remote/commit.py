"""Writes whose outcome may be unknown after a failure, and how it is found out.

A time limit, a cut connection or a 5xx does not tell whether a write took effect. The write is not sent again before
the registry was asked: if the registry has what was written, the write succeeded.

Tests: tests/packer/test_outcomes.py
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from registry.access.access import Access
from registry.digest import Digest
from registry.errors import Fault, Mismatch, Unavailable
from registry.http.response import Response
from registry.http.retry import Patience, Wait
from registry.net.limits import committing
from registry.net.origin import Origin
from registry.progress.stats import human

from .client import Client

_WORKED_SECONDS = 10.0
"""A write that broke off after so long was being processed: the server may go on with it after the cut."""

_QUESTION_SECONDS = 3.0
"""How long a request is retried that only saves bytes."""

_PASSING = (408, 425, 429)
_ANY = frozenset({*range(200, 300), *range(400, 500)} - {*_PASSING})
"""Statuses that are definite answers: neither redirects nor temporary failures."""

_FORBIDDEN = (400, 401, 403, 405)
"""Answers of a store to HEAD at an address that was signed for GET."""


class Committer:
    """Writes to one repository of a registry, and finds out their outcome. Safe to share between threads."""

    def __init__(self, client: Client, access: Access) -> None:
        self.client, self.patience = client, access.patience
        self._limits = access.transport.limits
        self._hasty = replace(access.patience, seconds=min(access.patience.seconds, _QUESTION_SECONDS))
        self.broken: set[Digest] = set()
        """The blobs that the registry has in another size than their own."""

    def commit(self, write: Callable[[], None], took_effect: Callable[[], bool], size: int, name: str) -> None:
        """Write, with retries, until a success or until the write took effect; raise the last Fault.

        `size` are the bytes that the registry must process, and `name` is their name in messages.
        """
        waiting, is_unclear, was_worked_on = self.patience.begin(), False, False
        while True:
            began = self._limits.clock()
            try:
                with self.waiting(size, name):
                    return write()
            except Mismatch:
                raise
            except Fault as error:
                is_unclear = is_unclear or error.temporary
                if is_unclear and took_effect():
                    return None
                if error.temporary and not was_worked_on and self._limits.clock() - began > _WORKED_SECONDS:
                    was_worked_on, waiting = True, self._longer(size).begin()
                waiting.after(Unavailable(str(error)) if was_worked_on and not error.temporary else error)

    def waiting(self, size: int, name: str) -> AbstractContextManager[None]:
        """Extend the limit of answers inside the block to what `size` bytes need, and report long waits."""

        def say(left: float) -> None:
            self.patience.say(Wait(f"{self.client.origin}: has not answered yet to {human(size)} of {name}", 0, left))

        return committing(size, say)

    def holds(self, digest: Digest, size: int | None = None) -> bool:
        """Return whether the registry surely has a blob of `size` bytes; raise its temporary faults, and Unauthorized.

        A redirect that ends in a refusal means that it has it: registries sign addresses for GET alone. One of another
        size is `broken` from now on: a registry that lost a part of it, and let it be closed.
        """
        has, stated = self._asked(digest)
        if has and None not in (stated, size) and stated != size:
            self.broken.add(digest)
            return False
        return has

    def surely_holds(self, digest: Digest, size: int | None = None) -> bool:
        """Return whether the registry has a blob, as `holds`; False after any failure."""
        try:
            return self._hasty.patiently(lambda: self.holds(digest, size))
        except Fault:
            return False

    def lost_some_of(self, digest: Digest, size: int) -> bool:
        """Return whether the registry certainly has a blob that was written just now in another size."""
        try:
            has, stated = self._hasty.patiently(lambda: self._asked(digest))
        except Fault:
            return False
        if not has or stated in (None, size):
            self.broken.discard(digest)
            return False
        self.broken.add(digest)
        return True

    def check_mended(self, digest: Digest, size: int) -> None:
        """Raise Mismatch where a blob that was broken, and was sent whole now, is broken still."""
        if digest in self.broken and self.lost_some_of(digest, size):
            raise Mismatch(
                f"{self.client.origin}: was sent {digest} with {size} bytes, and keeps it with another size",
                hint="delete that blob, and what refers to it, at the registry; then push again",
            )

    def has_taken(self, digest: Digest, size: int | None = None) -> bool:
        """Return whether the registry has a blob that was written, as far as that can be found out now."""
        try:
            if self.holds(digest, size):
                return True
            if digest in self.broken:
                return False
            url = self.client.url(f"blobs/{digest}")  # for registries without HEAD
            with self.client.request("GET", url, headers={"Range": "bytes=0-0"}, accept=(200, 206)):
                return True
        except Fault:
            return False

    def _asked(self, digest: Digest) -> tuple[bool, int | None]:
        """Return whether the registry has a blob, and its size where the answer states one."""
        url = self.client.url(f"blobs/{digest}")
        with self.client.request("HEAD", url, headers={}, accept=_ANY) as response:
            if response.status != 200:
                return Origin.of(response.url) != self.client.origin and response.status in _FORBIDDEN, None
            return True, _stated_bytes(response)

    def _longer(self, size: int) -> Patience:
        return replace(self.patience, seconds=max(self.patience.seconds, self._limits.answer_seconds(size)))


def _stated_bytes(response: Response) -> int | None:
    """Return the length that an answer to HEAD states; None for none, and for 0, which some servers write instead."""
    stated = response.headers.get("Content-Length", "").strip()
    is_plain = response.headers.get("Content-Encoding", "identity").lower() == "identity"
    return int(stated) or None if is_plain and re.fullmatch("[0-9]{1,18}", stated) else None
