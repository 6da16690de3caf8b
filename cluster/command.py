"""The verbs that ask a cluster.

Tests: tests/test_command_line.py
"""

from typing import TYPE_CHECKING

from .catalog import command as catalog
from .certificates import command as certificates
from .check import command as check
from .pods import command as pods

if TYPE_CHECKING:
    import argparse


def add_verbs(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    certs_verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the verbs that ask a cluster, those below `certs` as well."""
    for room in (check, pods, catalog):
        room.add_verbs(verbs)
    certificates.add_verbs(certs_verbs)
