"""`python -m puller.overlap begun|ready`: the hook at the sidecar's start, and the container that waits for it.

Tests: tests/puller/overlap/test_sidecar.py
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from puller.settings import Settings
from registry.process.program import ending_of
from registry.process.signals import Ended
from registry.progress.reporter import Reporter

from .outcome import is_begun

_BEGIN_SECONDS, _POLL_SECONDS = 30.0, 0.02


def main(arguments: Sequence[str]) -> int:
    """Do what the argument says; return the exit code. Whatever goes wrong is said in the container's log."""
    reporter = Reporter()
    try:
        settings = Settings.from_env(os.environ)
        if list(arguments) == ["begun"]:
            return _begun(settings, reporter)
        return _ready(settings, reporter)
    except (Exception, KeyboardInterrupt, Ended) as error:  # noqa: BLE001 - see above
        ending = ending_of(error)
        reporter.message(f"error: {ending.facts} [{ending.code}]")
        return ending.exit_code


def _begun(settings: Settings, reporter: Reporter) -> int:
    """Wait until the sidecar has begun: the kubelet starts no other container before, which would read an old outcome.

    A sidecar that fails before takes this process with it; the time is for clusters whose containers share processes.
    """
    ends_at = time.monotonic() + _BEGIN_SECONDS
    while not is_begun(Path(settings.tools)):
        if time.monotonic() > ends_at:
            reporter.message(f"error: the sidecar has not begun within {_BEGIN_SECONDS:.0f} s")
            return 1
        time.sleep(_POLL_SECONDS)  # who asks whether a lock is held is not told when it comes to be
    return 0


def _ready(settings: Settings, reporter: Reporter) -> int:
    from puller.pod.termination import leave_message

    from .ready import ready

    outcome = ready(settings)
    leave_message(settings.termination_log, outcome.message)
    reporter.message(outcome.message.decode(errors="replace"))
    return outcome.exit_code
