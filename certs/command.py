"""`weighbridge certs`: the webhook's TLS material from a terminal."""

import argparse
import datetime as dt
import sys
from functools import partial
from pathlib import Path

_INIT = """\
Make a CA and a certificate for the webhook's Service. By default they are printed as manifests. To install:

  kubectl apply --server-side -k deploy/
  weighbridge certs init | kubectl apply --server-side --field-manager=weighbridge-certs -f -

Both want --server-side: after a plain `kubectl apply` of the manifests kubectl would count their fields as the
second manager's. If that happened, the first command with --force-conflicts mends it.

The CA's private key is thrown away unless --with-ca-key is given."""


def add_verbs(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """Add `certs` and what it does without a cluster; return where its other verbs are added."""
    certs = verbs.add_parser("certs", help="the webhook's TLS material", description="The webhook's TLS material.")
    certs.set_defaults(run=partial(_show_help, certs))
    inner = certs.add_subparsers(metavar="VERB")
    init = inner.add_parser(
        "init",
        help="make a CA and a certificate",
        description=_INIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_init_options(init)
    init.set_defaults(run=_init)
    return inner


def _add_init_options(init: argparse.ArgumentParser) -> None:
    init.add_argument("--namespace", default="weighbridge-system", help="of the Service (default: %(default)s)")
    init.add_argument("--service", default="weighbridge-webhook", help="its name (default: %(default)s)")
    init.add_argument("--dns-name", action="append", default=[], metavar="NAME", help="one more DNS name")
    init.add_argument("--ip", action="append", default=[], metavar="ADDRESS", help="one more IP address")
    init.add_argument("--days", type=int, default=365, help="life of the certificate (default: %(default)s)")
    init.add_argument("--with-ca-key", action="store_true", help="hand out the CA's private key too")
    init.add_argument("--output", type=Path, metavar="DIR", help="write ca.crt, tls.crt, tls.key there instead")
    init.add_argument("--force", action="store_true", help="with --output: overwrite")


def _show_help(parser: argparse.ArgumentParser, _arguments: argparse.Namespace) -> int:
    parser.print_help(sys.stderr)
    return 2


def _init(arguments: argparse.Namespace) -> int:
    """Issue a bundle, then write it or print it."""
    from . import files, issue, manifests, names

    wanted = names.Names.parse(arguments.service, arguments.namespace, arguments.dns_name, arguments.ip)
    bundle = issue.issue(wanted, dt.datetime.now(dt.UTC), arguments.days)
    if not arguments.with_ca_key:
        bundle = bundle.without_ca_key()
    if arguments.output:
        if not arguments.force:
            files.check_absent(bundle, arguments.output)
        sys.stdout.writelines(f"{path}\n" for path in files.write_bundle(bundle, arguments.output))
        return 0
    if sys.stdout.isatty():
        sys.stderr.write("note: this holds a private key; `weighbridge certs init --help` says where to pipe it\n")
    sys.stdout.write(manifests.to_yaml(manifests.secret(bundle, wanted.namespace), manifests.trust(bundle)))
    return 0
