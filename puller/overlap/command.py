"""`python -m puller.overlap install|ready`: the sidecar's hook at its start, and the container that waits for it.

Tests: tests/puller/overlap/test_sidecar.py
"""

import os
from collections.abc import Sequence
from pathlib import Path

from puller.settings import Settings
from registry.process.program import ending_of
from registry.process.signals import Ended
from registry.progress.reporter import Reporter

from .outcome import install_program


def main(arguments: Sequence[str]) -> int:
    """Do what the argument says; return the exit code. Whatever goes wrong is said in the container's log."""
    reporter = Reporter()
    try:
        settings = Settings.from_env(os.environ)
        if list(arguments) == ["install"]:
            install_program(Path(settings.tools))
            return 0
        return _ready(settings, reporter)
    except (Exception, KeyboardInterrupt, Ended) as error:  # noqa: BLE001 - see above
        ending = ending_of(error)
        reporter.message(f"error: {ending.facts} [{ending.code}]")
        return ending.exit_code


def _ready(settings: Settings, reporter: Reporter) -> int:
    from puller.termination import leave_message

    from .ready import ready

    outcome = ready(settings, reporter)
    leave_message(settings.termination_log, outcome.message)
    return outcome.exit_code
