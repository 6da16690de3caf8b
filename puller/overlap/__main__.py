"""`python -m puller.overlap`: see command.py.

Tests: tests/puller/overlap/test_sidecar.py
"""

import sys

from registry.process.program import heed_signals, leave, open_streams

if __name__ == "__main__":
    open_streams()
    heed_signals()  # before the imports that take time
    from .command import main

    leave(main(sys.argv[1:]))
