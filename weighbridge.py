"""The `weighbridge` command: gathers the verbs of the rooms."""

import argparse
import sys
from collections.abc import Sequence

import certs.command
import packer.command
import puller.command
import webhook.command
from certs.errors import CertsError
from registry.errors import Fault

VERSION = "0.1.0"

_DESCRIPTION = "Model weights from an OCI registry into pods, by one label."
_EPILOG = "Exit codes: 0 done, 1 failed, 2 wrong usage. Results go to stdout, everything else to stderr."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; give its exit code."""
    parser = argparse.ArgumentParser(prog="weighbridge", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"weighbridge {VERSION}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    packer.command.add_verbs(verbs, puller.command.bring)
    for room in (puller, webhook, certs):
        room.command.add_verbs(verbs)
    parsed = parser.parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except (Fault, CertsError) as error:
        print(f"error: {error} [{error.code}]", file=sys.stderr)
        print(f"  hint: {error.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
