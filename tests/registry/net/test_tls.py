"""SSL contexts are made once for each settings."""

import threading
from pathlib import Path

import pytest

from registry.errors import BadCaFile
from registry.net.tls import Contexts, Tls


def test_each_context_is_made_once() -> None:
    """By whoever comes first."""
    contexts, tls = Contexts(), Tls()
    got = [contexts.get(tls)]
    threads = [threading.Thread(target=lambda: got.append(contexts.get(tls))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 5
    assert len(set(map(id, got))) == 1
    assert contexts.get(Tls(skip_verify=True)) is not got[0]


def test_a_context_that_cannot_be_made_is_told_each_time(tmp_path: Path) -> None:
    """The file may be there the next time."""
    contexts, tls = Contexts(), Tls.trusting(str(tmp_path / "absent.pem"))
    for _ in range(2):
        with pytest.raises(BadCaFile, match=r"absent\.pem"):
            contexts.get(tls)
