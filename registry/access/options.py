"""The options that verbs share: how registries are reached, and how progress is shown.

Tests: tests/packer/test_push.py
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from registry.access.access import Access
from registry.errors import BadDigest, BadReference, SourceUnsupported
from registry.process.program import DEBUG
from registry.progress.reporter import JsonReporter, QuietReporter, Reporter
from registry.source import OciSource, Source, parse_source

from .defaults import HOSTS_DIRECTORY
from .environment import access_from


@contextmanager
def command_line() -> Iterator[None]:
    """Make a source that is wrong a wrong usage, for which the program exits with 2.

    Inside the block are sources that the command line names; an artifact's own, such as an index's, are not.
    """
    try:
        yield
    except (BadDigest, BadReference, SourceUnsupported) as error:
        error.exit_code = 2
        raise


def source_from(text: str) -> Source:
    """Parse a source of the command line. Raises BadReference and others, as wrong usage."""
    with command_line():
        return parse_source(text)


def add_access_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how registries are reached."""
    group = parser.add_argument_group("registry")
    group.add_argument(
        "--plain-http",
        action=argparse.BooleanOptionalAction,
        help="speak HTTP, or HTTPS (default: HTTP on loopback, else HTTPS)",
    )
    group.add_argument("--ca-file", default="", metavar="PEM", help="trust these CAs beside the system's")
    group.add_argument("--cert-file", default="", metavar="PEM", help="show this client certificate")
    group.add_argument("--key-file", default="", metavar="PEM", help="its key (default: in the same file)")
    group.add_argument("--insecure", action="store_true", help="accept any certificate: for tests alone")
    group.add_argument(
        "--docker-config",
        action="append",
        default=[],
        metavar="FILE",
        help="a docker config with credentials, before your own; may be given again",
    )
    group.add_argument(
        "--hosts-dir",
        default=HOSTS_DIRECTORY,
        metavar="DIR",
        help="mirrors, by containerd's hosts.toml convention; a node's own are in /etc/containerd/certs.d "
        "(default: %(default)s)",
    )
    group.add_argument(
        "-d",
        "--debug",
        action="store_true",
        help="write each request, answer, retry and credential's source to stderr, without secrets "
        f"({DEBUG}=1 does so, too)",
    )


def add_progress_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how progress is shown."""
    group = parser.add_argument_group("progress, on stderr")
    group.add_argument(
        "--progress",
        choices=("auto", "json"),
        default="auto",
        help="auto: a living line on a terminal, else a line each 5 s; json: an object a line each second, and "
        "a failure as an object whose event is `error`",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="no progress at all")


def reporter_for(arguments: argparse.Namespace) -> Reporter:
    """Return the reporter that the options ask for."""
    if arguments.quiet:
        return QuietReporter()
    return JsonReporter() if arguments.progress == "json" else Reporter()


def access_for(
    arguments: argparse.Namespace, sources: Sequence[Source], environ: Mapping[str, str], reporter: Reporter
) -> Access:
    """Return the access that the options ask for, to the registries of `sources`; `reporter` shows its waits."""
    registries = tuple(source.reference.registry for source in sources if isinstance(source, OciSource))
    client = (arguments.cert_file, arguments.key_file or arguments.cert_file) if arguments.cert_file else None
    return access_from(
        environ,
        docker_configs=arguments.docker_config,
        say=(reporter_for(arguments) if hasattr(arguments, "quiet") else Reporter()).message,
        plain_http=registries if arguments.plain_http else (),
        secured=registries if arguments.plain_http is False else (),
        ca_file=arguments.ca_file,
        client=client,
        skip_verify=arguments.insecure,
        hosts_dir=arguments.hosts_dir,
        say_wait=reporter.wait,
        debug=reporter.debug if arguments.debug or environ.get(DEBUG) else None,
    )
