"""Build the parts ahead of the tests: `python -m tests.parts`; with `--node` those of a cluster with a node, too."""

import argparse
import sys

from .build import PartError, binary, say
from .recipes import OF_A_NODE, RECIPES


def main() -> int:
    """Print the path of each part; 1 when one is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.parts", description="Build the parts ahead of the tests.")
    parser.add_argument("--node", action="store_true", help="with those of a cluster that has a node")
    with_node = parser.parse_args().node
    wanted = [name for name in RECIPES if with_node or name not in OF_A_NODE]
    missing = 0
    for name in wanted:
        try:
            sys.stdout.write(f"{name}\t{binary(name)}\n")
        except PartError as error:
            say(str(error))
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
