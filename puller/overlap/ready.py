"""The container that waits for the sidecar's pull where it has more memory than the sidecar, in Guaranteed pods.

It ends as the pull did, as the static program does elsewhere, and reads the model ahead into the page cache: what the
sidecar wrote counted towards a smaller memory.

Tests: tests/puller/overlap/test_sidecar.py
"""

import time
from contextlib import suppress
from pathlib import Path

from puller.pod.read_ahead import read_model_ahead
from puller.settings import Settings
from puller.store.locked import destination_of

from .outcome import Outcome, note_told, outcome_in

_POLL_SECONDS = 0.05


def ready(settings: Settings) -> Outcome:
    """Wait for the model to be published, and read it ahead; return how the pull ended."""
    folder = Path(settings.tools)
    while (outcome := outcome_in(folder)) is None:
        time.sleep(_POLL_SECONDS)  # the sidecar makes the file, on a volume that may send no events
    with suppress(OSError):  # the sidecar waits for it, but not for ever
        note_told(folder)
    if outcome.exit_code == 0:
        receipt = destination_of(settings).receipt()
        if receipt is not None:
            read_model_ahead(Path(settings.destination), receipt)
    return outcome
