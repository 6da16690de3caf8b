"""Pulls under the uids of other users, for tests that run as root: a forked process each."""

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass

from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import Reporter

GROUP = 2000


@dataclass(frozen=True)
class Outcome:
    """How a pull ended: its exit code, and all that it said, the error's code and text last."""

    code: int
    said: str


class _Pipe(Reporter):
    """Says everything to a pipe."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle

    def message(self, line: str) -> None:
        """Say a line."""
        os.write(self._handle, f"{line}\n".encode())


def as_user(uid: int, act: Callable[[int], int], umask: int = 0o022, gid: int = GROUP) -> Outcome:
    """Do something in a process of another user; `act` is given a pipe to write to, and returns the exit code."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 99
        try:
            os.close(reading)
            os.setgroups([gid])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.umask(umask)
            code = act(writing)
        except BaseException as error:  # noqa: BLE001 - a forked process may not go on as its parent
            os.write(writing, f"{type(error).__name__}: {error}\n".encode())
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    return Outcome(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text)


def assigned_to(owner: int, uid: int) -> None:
    """Have all files that this process makes belong to `owner`, though it is `uid`: as volumes do that squash users."""
    os.setresuid(owner, uid, uid)
    ctypes.CDLL(None).setfsuid(owner)  # which the kernel allows who is `owner` by the real id


def pull_as(uid: int, settings: Settings, umask: int = 0o022, owner: int | None = None) -> Outcome:
    """Pull as another user; where an `owner` is given, the volume gives it to all files."""

    def act(handle: int) -> int:
        if owner is not None:
            assigned_to(owner, uid)
        access = Access(transport=Transport(proxies={}), credentials=Credentials())
        try:
            receipt = pull(settings, access, _Pipe(handle))
        except Fault as error:
            os.write(handle, f"{error} [{error.code}]\n".encode())
            return 1
        os.write(handle, f"wire {receipt.wire_bytes}\n".encode())
        return 0

    return as_user(0 if owner is not None else uid, act, umask)
