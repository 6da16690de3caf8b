"""The initContainer: `python -m puller`, configured by its environment.

Tests: tests/puller/test_container.py
"""

import gc

from registry.process.program import begin, leave

if __name__ == "__main__":
    gc.disable()  # what modules make stays: collecting it in between is a twentieth of the start
    begin()
    from .container import main

    leave(main())
