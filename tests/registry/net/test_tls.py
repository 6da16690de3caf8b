"""SSL contexts are made once, ahead of time where the host is known, and never while a process is forked."""

import threading
from pathlib import Path

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import BadCaFile
from registry.http.transport import Transport
from registry.net.tls import Contexts, Tls
from registry.reference import Reference


def test_each_context_is_made_once() -> None:
    """By whoever comes first: the thread that prepares it, or one of those that need it."""
    contexts, tls = Contexts(), Tls()
    contexts.prepare(tls)
    got = [contexts.get(tls)]
    threads = [threading.Thread(target=lambda: got.append(contexts.get(tls))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 5
    assert len(set(map(id, got))) == 1
    assert contexts.get(Tls(skip_verify=True)) is not got[0]


def test_what_cannot_be_prepared_is_told_to_whoever_needs_it(tmp_path: Path) -> None:
    """And to nobody else: the host may never be asked."""
    contexts, tls = Contexts(), Tls.trusting(str(tmp_path / "absent.pem"))
    contexts.prepare(tls)
    contexts.join()
    with pytest.raises(BadCaFile, match=r"absent\.pem"):
        contexts.get(tls)


def test_nothing_is_begun_that_a_fork_would_tear_apart() -> None:
    """Law: once connections are closed, as before a fork, no thread is left that holds a lock."""
    before = threading.active_count()
    access = Access(transport=Transport(proxies={}), credentials=Credentials())
    access.prepare(Reference.parse("registry.example/team/model:v1"))
    access.transport.close()
    assert threading.active_count() == before


def test_a_host_without_tls_needs_nothing() -> None:
    """Nothing is read for it."""
    before = threading.active_count()
    Access(transport=Transport(proxies={}), credentials=Credentials()).prepare(Reference.parse("127.0.0.1:5000/m:v1"))
    assert threading.active_count() == before
