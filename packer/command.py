"""The verb `push`."""

import argparse
import json
import os
from pathlib import Path

from registry.options import access_for, add_access_options, add_progress_options, positive, voice_for
from registry.source import OciSource, parse_source

_JOBS = 8


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this room's verb to the command's parser."""
    push = verbs.add_parser(
        "push",
        help="pack a model folder and push it",
        description="Pack a folder as a ModelPack artifact, one layer a file, and push it in one pass.",
        epilog="Prints the reference pinned to its digest. The same folder always gives the same digest.",
    )
    push.add_argument("folder", metavar="DIR", type=Path, help="the folder with the model's files")
    push.add_argument("target", metavar="REF", help="REGISTRY/REPOSITORY:TAG or layout://DIRECTORY:TAG")
    push.add_argument("--name", default="", help="the model's name, for the artifact's config")
    push.add_argument("--license", action="append", default=[], metavar="SPDX", help="its license; may be given again")
    push.add_argument(
        "--codec",
        choices=("raw", "zstd"),
        default="raw",
        help="zstd compresses the large files where a sample says that it pays; raw, the default, is read by all tools",
    )
    push.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="push matching files though they look secret"
    )
    push.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave matching files out")
    push.add_argument("--jobs", type=positive, default=_JOBS, metavar="N", help=f"files at a time (default: {_JOBS})")
    add_access_options(push)
    push.add_argument("--json", action="store_true", help="print what was pushed as JSON")
    add_progress_options(push)
    push.set_defaults(run=_run_push)


def _run_push(arguments: argparse.Namespace) -> int:
    from registry.places import publisher_at

    from .artifact import About
    from .counted import RAW, ZSTD
    from .ledger import Ledger, default_path
    from .push import Options, push
    from .send import Target

    source = parse_source(arguments.target)
    ledger = Ledger(default_path(os.environ))
    options = Options(
        about=About(arguments.name, tuple(arguments.license)),
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        jobs=arguments.jobs,
        codec=ZSTD if arguments.codec == "zstd" else RAW,
    )
    with access_for(arguments, source, os.environ) as access:
        publisher = publisher_at(source, access)
        target = Target(publisher, ledger)
        if isinstance(source, OciSource):
            target = Target(publisher, ledger, source.reference.registry, source.reference.repository)
        pushed = push(arguments.folder, target, options, voice_for(arguments))
    summary = {
        "reference": pushed.pinned,
        "digest": str(pushed.digest),
        "files": pushed.files,
        "bytes": pushed.size,
        "wireBytes": pushed.wire_bytes,
        "seconds": pushed.seconds,
    }
    print(json.dumps(summary, indent=1) if arguments.json else pushed.pinned)
    return 0
