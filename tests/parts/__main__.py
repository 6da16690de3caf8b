"""Build every part ahead of the tests: `python -m tests.parts`."""

import sys

from .build import PartError, binary, say
from .recipes import RECIPES


def main() -> int:
    """Print the path of each part; 1 when one is missing."""
    missing = 0
    for name in RECIPES:
        try:
            sys.stdout.write(f"{name}\t{binary(name)}\n")
        except PartError as error:
            say(str(error))
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
