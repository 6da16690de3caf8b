"""Start the webhook: `python -m webhook`.

Tests: tests/webhook/test_serving.py
"""

import os
import sys

from registry.errors import Fault

from .settings import Settings


def main() -> None:
    """Check the settings, then exec gunicorn; exit with 2 if they are wrong."""
    try:
        Settings.from_env(os.environ)
    except Fault as fault:
        sys.stderr.write(f"error: {fault} [{fault.code}]\n  hint: {fault.hint}\n")
        sys.exit(2)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webhook.server.serving"]
    os.execv(sys.executable, command)  # noqa: S606 - no shell, and the server must be process 1 to get its signals


if __name__ == "__main__":
    main()
