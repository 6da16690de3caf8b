"""The initContainer: `python -m puller`, configured by its environment.

Tests: tests/puller/test_container.py
"""

import gc

from registry.process.program import heed_signals, leave, open_streams

if __name__ == "__main__":
    gc.disable()  # what modules make stays: collecting it in between is a twentieth of the start
    open_streams()
    heed_signals()  # before the imports that take time
    from .container import main

    leave(main())
