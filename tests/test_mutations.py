"""Whatever is broken around a pull, it ends with a code: see tests/mutations.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAWS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5"))
CASES = LAWS * 50
BATCH = 50


@pytest.mark.parametrize("batch", range(max(CASES // BATCH, 1)))
def test_what_is_mutated_ends_in_success_or_in_an_error_with_a_code(batch: int, tmp_path: Path) -> None:
    """Law: no traceback, no hang, no large memory, and never wrong bytes, for state, layouts, configs and answers."""
    command = [sys.executable, "-m", "tests.mutations", str(batch * BATCH), str(BATCH), str(tmp_path / "world")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
