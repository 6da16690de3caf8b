"""`python -m puller.overlap`: see command.py.

Tests: tests/puller/overlap/test_sidecar.py
"""

import sys

from registry.process.program import begin, leave

if __name__ == "__main__":
    begin()
    from .command import main

    leave(main(sys.argv[1:]))
