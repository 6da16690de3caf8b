"""The verbs that ask a cluster.

Tests: tests/test_command_line.py
"""

from typing import TYPE_CHECKING

from .catalog import command as catalog
from .check import command as check
from .pods import command as pods

if TYPE_CHECKING:
    import argparse


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that ask a cluster."""
    for room in (check, pods, catalog):
        room.add_verbs(verbs)
