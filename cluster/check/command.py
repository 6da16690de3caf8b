"""The verb `check`.

Tests: tests/verbs/test_check.py
"""

import argparse
import datetime as dt
import sys

from cluster.options import add_cluster_options, add_output_option, place_of

_CHECK = """\
Looks at the API server, the Deployment, the webhooks, the certificate, the catalog and whoever uses models, and prints
a line for each thing that must be so, with what to do where it is not, or where somebody should look at it. A labelled
pod is shown to the API server, and not stored. With --pre: whether you can install.
"""
_CHECK_EPILOG = """\
Exits 1 when something does not work; what somebody should look at (‼) fails nothing.

  weighbridge check --pre
  weighbridge check
  weighbridge check --context staging -n inference -o json
"""


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `check`."""
    check = verbs.add_parser(
        "check",
        help="say whether an install works, line by line",
        description=_CHECK,
        epilog=_CHECK_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("--pre", action="store_true", help="before an install: what you may create")
    check.add_argument("--offline", action="store_true", help="ask no registry for what the catalog names")
    check.add_argument(
        "-n", "--namespace", default="", help="where to show the API server a pod (default: the first that opted in)"
    )
    add_output_option(check, ("json", "yaml"))
    add_cluster_options(check)
    check.set_defaults(run=_run_check)


def _run_check(arguments: argparse.Namespace) -> int:
    from cluster.connection import connect
    from cluster.output import as_json, as_yaml

    from .check import check, check_before
    from .finding import to_text

    api, now, system = connect(place_of(arguments)), dt.datetime.now(dt.UTC), arguments.system_namespace
    if arguments.pre:
        findings = check_before(api, system, now)
    else:
        findings = check(api, system, arguments.namespace, now, is_offline=arguments.offline)
    is_well = all(finding.mark != "error" for finding in findings)
    if arguments.output:
        lacking = sum(not one.is_checked for one in findings)
        checks = [one.to_raw() for one in findings]
        found = {"server": api.server, "ok": is_well, "notChecked": lacking, "checks": checks}
        print(as_json(found) if arguments.output == "json" else as_yaml(found))
    else:
        print(to_text(findings, sys.__stdout__.encoding if sys.__stdout__ else "utf-8"))
    return 0 if is_well else 1
