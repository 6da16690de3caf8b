"""The container that waits for the sidecar's pull, and ends as it did: the application starts after it.

It trusts nothing but the receipt beside the model. Then it reads the model ahead into the page cache, within the memory
that its pod lends it: what the sidecar wrote counted towards a smaller one.

Tests: tests/puller/overlap/test_sidecar.py
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from puller.pod.read_ahead import read_ahead
from puller.settings import Settings
from puller.store.locked import destination_of
from puller.store.memory import room_beside_connections
from puller.store.receipt import Receipt
from registry.process.control_group import own_memory_limit
from registry.progress.reporter import Reporter

from .outcome import Outcome, is_under_way, note_told, outcome_in

_POLL_SECONDS = 0.05
_LOST_SECONDS = 60.0
"""How long no pull may be under way: the kubelet starts a sidecar again after 10 s, then 20 s."""

LOST = Outcome(
    1,
    {
        "code": "pull.lost",
        "error": "the container weighbridge-pull ended without a word, and does not come back",
        "hint": "see `kubectl describe pod`: OOMKilled means too little memory (weighbridge.dev/puller-resources)",
    },
)

UNPROVED = Outcome(
    1,
    {
        "code": "pull.unproved",
        "error": "the pull said that it ended well, and no receipt beside the model says so",
        "hint": "see that nothing else writes to the model's volume; the kubelet starts the puller again",
    },
)


@dataclass(frozen=True, slots=True)
class Waits:
    """How the container waits; `clock` returns seconds."""

    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    lost_seconds: float = _LOST_SECONDS


def wait_for_outcome(folder: Path, waits: Waits) -> Outcome:
    """Return how the pull ended; `LOST` where none is under way for a minute and none ended."""
    seen = waits.clock()
    while True:
        found = outcome_in(folder)
        if found is not None:
            return found
        now = waits.clock()
        if is_under_way(folder):
            seen = now
        elif now - seen > waits.lost_seconds:
            return LOST
        waits.sleep(_POLL_SECONDS)


def ready(settings: Settings, reporter: Reporter, waits: Waits | None = None) -> Outcome:
    """Wait for the model to be published, and read it ahead; return how the pull ended."""
    outcome = wait_for_outcome(Path(settings.tools), waits or Waits())
    with suppress(OSError):  # the sidecar waits for it, but not for ever
        note_told(Path(settings.tools))
    if outcome.exit_code == 0:
        receipt = destination_of(settings).receipt()
        if receipt is None or receipt.digest != outcome.message.get("digest"):
            outcome = UNPROVED
        else:
            _read_ahead(settings, receipt)
    if outcome.exit_code:
        reporter.message(f"error: {outcome.message.get('error')} [{outcome.message.get('code')}]")
        reporter.message(f"  hint: {outcome.message.get('hint')}")
    return outcome


def _read_ahead(settings: Settings, receipt: Receipt) -> None:
    files = ((record.path, record.size) for record in receipt.files)
    read_ahead(Path(settings.destination), files, room_beside_connections(own_memory_limit()))
