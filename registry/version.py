"""The version, defined here alone: the package, the User-Agent and the default image read it.

Tests: tests/test_program.py
"""

VERSION = "0.1.0"
