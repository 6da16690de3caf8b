"""The options that verbs share: how registries are reached, and how progress is shown.

Tests: tests/registry/access/test_options.py
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from registry.access.access import Access
from registry.errors import BadDigest, BadReference, Fault, SourceUnsupported
from registry.process.program import DEBUG, is_debugging
from registry.progress.reporter import JsonReporter, QuietReporter, Reporter
from registry.source import OciSource, Source, parse_source

from .defaults import HOSTS_DIRECTORY
from .environment import access_from


class BadOptions(Fault):
    """Options of the command line that have no effect, or miss another one."""

    code = "options.invalid"
    hint = "mend the option that is named, or leave it out"
    exit_code = 2


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
        help="speak HTTP, or HTTPS, with the registries that are named (default: HTTP on loopback, else HTTPS)",
    )
    group.add_argument("--ca-file", default="", metavar="PEM", help="trust these CAs beside the system's")
    group.add_argument("--cert-file", default="", metavar="PEM", help="show this client certificate")
    group.add_argument("--key-file", default="", metavar="PEM", help="its key (default: in the same file)")
    group.add_argument(
        "--insecure",
        action="store_true",
        help="accept any certificate of the registries that are named, never of the hub: for tests alone",
    )
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


def add_side_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how one of two registries is reached: without them both are, as the others say."""
    group = parser.add_argument_group("one of the two registries, before what is said of both")
    for side, name in (("from", "source"), ("to", "target")):
        group.add_argument(
            f"--{side}-plain-http",
            action=argparse.BooleanOptionalAction,
            help=f"speak HTTP, or HTTPS, with the {name}'s registry",
        )
        group.add_argument(
            f"--{side}-insecure",
            action="store_true",
            default=None,
            help=f"accept any certificate of the {name}'s registry: for tests alone",
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
    plain, insecure = (_said(arguments, option, sources) for option in ("plain_http", "insecure"))
    _check_options(arguments)
    client = (arguments.cert_file, arguments.key_file or arguments.cert_file) if arguments.cert_file else None
    return access_from(
        environ,
        docker_configs=arguments.docker_config,
        say=(reporter_for(arguments) if hasattr(arguments, "quiet") else Reporter()).message,
        plain_http=[registry for registry, said in plain if said],
        secured=[registry for registry, said in plain if said is False],
        ca_file=arguments.ca_file,
        client=client,
        insecure=[registry for registry, said in insecure if said],
        hosts_dir=arguments.hosts_dir,
        say_wait=reporter.wait,
        debug=reporter.debug if arguments.debug or is_debugging(environ) else None,
    )


def _said(arguments: argparse.Namespace, option: str, sources: Sequence[Source]) -> list[tuple[str, bool | None]]:
    """Return the registries of sources, each with what the command line says of it: for its side, else for all."""
    sides = ("from_", "to_") if hasattr(arguments, f"from_{option}") else ("",) * len(sources)
    found = []
    for side, source in zip(sides, sources, strict=True):
        if isinstance(source, OciSource):
            own, common = getattr(arguments, f"{side}{option}"), getattr(arguments, option)
            found.append((source.reference.registry, common if own is None else own))
    return found


def _check_options(arguments: argparse.Namespace) -> None:
    """Raise BadOptions for an option that would have no effect."""
    if arguments.key_file and not arguments.cert_file:
        raise BadOptions("--key-file has no effect without --cert-file")
    if arguments.hosts_dir != HOSTS_DIRECTORY and not Path(arguments.hosts_dir).is_dir():
        raise BadOptions(f"--hosts-dir {arguments.hosts_dir}: is no folder")
