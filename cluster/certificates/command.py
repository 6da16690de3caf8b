"""The verbs `certs status` and `certs rotate`.

Tests: tests/verbs/test_certificates.py
"""

import argparse
import datetime as dt
import sys
import time
from functools import partial
from pathlib import Path
from typing import TextIO

from cluster.options import add_cluster_options, add_output_option, place_of
from registry.process.arguments import positive

_STATUS = """\
Shows the webhook's certificate: its names, its days, its CAs; in the cluster also who manages it, and whether the API
server trusts what signed it. With --dir: that in a folder, and no cluster is asked.
"""
_STATUS_EPILOG = """\
Exits 1 where it does not serve.

  weighbridge certs status
  weighbridge certs status --dir ./tls -o json
"""
_ROTATE = """\
Gives the webhook a new CA and a new certificate, without a gap: the former CA is trusted beside the new one until
nothing serves what it signed, and nothing restarts. Built-in certificates take it from there by themselves, within
some two minutes. For those of `certs init` it takes as long as --settle, and the kubelet up to a minute.
"""
_ROTATE_EPILOG = """\
  weighbridge certs rotate
  weighbridge certs rotate --dry-run
"""
_SETTLE_SECONDS = 30


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `status` and `rotate` below `certs`."""
    raw = argparse.RawDescriptionHelpFormatter
    status = verbs.add_parser(
        "status", help="show the certificate", description=_STATUS, epilog=_STATUS_EPILOG, formatter_class=raw
    )
    status.add_argument("--dir", type=Path, metavar="DIR", help="a folder with tls.crt, tls.key and ca.crt")
    add_output_option(status, ("json", "yaml"))
    add_cluster_options(status)
    status.set_defaults(run=_run_status)
    rotate = verbs.add_parser(
        "rotate", help="make a new CA and certificate", description=_ROTATE, epilog=_ROTATE_EPILOG, formatter_class=raw
    )
    rotate.add_argument(
        "--settle",
        type=positive,
        default=_SETTLE_SECONDS,
        metavar="SECONDS",
        help="how long all API servers have to learn of the new CA (default: %(default)s)",
    )
    rotate.add_argument("--dry-run", action="store_true", help="read all that is needed, and write nothing")
    add_cluster_options(rotate)
    rotate.set_defaults(run=_run_rotate)


def _run_status(arguments: argparse.Namespace) -> int:
    from certs.report import Report
    from cluster.output import as_json, as_yaml

    now, status = dt.datetime.now(dt.UTC), None
    if arguments.dir:
        from certs.files import read_bundle

        report = Report.of(read_bundle(arguments.dir), now)
    else:
        from cluster.connection import connect

        from .stored import Store

        store = Store(connect(place_of(arguments)), arguments.system_namespace)
        stored = store.read()
        report, status = Report.of(stored.bundle, now), store.status(stored)
    if arguments.output:
        found = report.to_raw() | (status.to_raw() if status else {})
        print(as_json(found) if arguments.output == "json" else as_yaml(found))
    else:
        print("\n".join([report.to_text(), *([status.to_text()] if status else [])]))
    return 1 if report.problem or (status and status.not_trusted_for) else 0


def _run_rotate(arguments: argparse.Namespace) -> int:
    from certs.report import Report
    from cluster.connection import connect

    from .rotate import rotate
    from .stored import Store

    now = dt.datetime.now(dt.UTC)
    store = Store(connect(place_of(arguments)), arguments.system_namespace)
    wait, say = partial(time.sleep, arguments.settle), partial(_say, sys.stderr)
    done = rotate(store, now, wait, say, is_trial=arguments.dry_run)
    newest = Report.of(done.bundle, now).authorities[0]
    if arguments.dry_run:
        print("would make a new CA and certificate; nothing was written")
    else:
        print(f"new CA {newest.fingerprint}, until {newest.until:%Y-%m-%d}")
        built_in = "each replica signs by it within some two minutes: weighbridge certs status"
        by_hand = "the kubelet brings the new certificate within a minute; the former CA stays trusted"
        say(built_in if done.managed_by == "built-in" else by_hand)
    return 0


def _say(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
