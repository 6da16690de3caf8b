"""The verb `pull`, and those of the folder inspection/.

Tests: tests/test_program.py
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from registry.access.access import Access
from registry.access.options import (
    BadOptions,
    access_for,
    add_access_options,
    add_progress_options,
    reporter_for,
    source_from,
)
from registry.process.arguments import given, positive, size
from registry.progress.reporter import Reporter
from registry.signatures.options import add_signature_options, policy_from

from .inspection import command as inspection
from .settings import Settings

_JOBS = 16


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this room's verbs to the command's parser."""
    _add_pull(verbs)
    inspection.add_verbs(verbs)


def _add_pull(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pull = verbs.add_parser(
        "pull",
        help="bring a model to a folder, verified",
        description="Bring a model to a folder: every byte is verified, and the folder appears whole or not at all.",
        epilog="Prints the source pinned to the digest that was pulled. Run again, it fetches nothing.\n\n"
        "  weighbridge pull registry.example.com/models/phi-4:v1 -o phi-4\n"
        "  weighbridge pull hf://microsoft/phi-4 -o phi-4 --include '*.safetensors' --include '*.json'\n"
        "  weighbridge pull layout:///mnt/usb/models:phi-4 -o phi-4\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    pull.add_argument("source", metavar="SOURCE", help=inspection.SOURCE_HELP)
    pull.add_argument(
        "-o", "--output", type=given, required=True, metavar="DIR", help="the model folder; its parent must exist"
    )
    pull.add_argument("--include", action="append", default=[], metavar="GLOB", help="pull only files that match")
    pull.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave files that match")
    pull.add_argument(
        "--image-path",
        default="",
        metavar="DIR",
        help="of an image: the folder that holds the model (default: /models, /model or /data)",
    )
    _add_connection_options(pull)
    _add_volume_options(pull)
    pull.add_argument("--xet", action="store_true", help="of hf://: have hf_xet fetch large files; needs much memory")
    pull.add_argument(
        "--deadline",
        type=positive,
        default=0,
        metavar="SECONDS",
        help="fail when all of it takes longer (default: never)",
    )
    add_signature_options(pull)
    add_access_options(pull)
    pull.add_argument("--json", action="store_true", help="print the receipt as JSON")
    add_progress_options(pull)
    pull.set_defaults(run=_run_pull)


def _add_connection_options(pull: argparse.ArgumentParser) -> None:
    """Add how many connections and processes a pull may have."""
    pull.add_argument(
        "-j",
        "--jobs",
        type=positive,
        default=_JOBS,
        metavar="N",
        help=f"connections at once, at most (default: {_JOBS})",
    )
    pull.add_argument(
        "--processes",
        type=positive,
        default=0,
        metavar="N",
        help="processes that share them, at most (default: over TLS one a core, up to 4, of 256 MiB each; else 1)",
    )


def _add_volume_options(pull: argparse.ArgumentParser) -> None:
    """Add what concerns the volume: the cache, what is believed of it, and how it is written."""
    pull.add_argument("--cache", default="", metavar="DIR", help="share models with other pulls by this folder")
    pull.add_argument(
        "--cache-bytes",
        type=size,
        default=0,
        metavar="SIZE",
        help="let go of the longest unused beyond this size, such as 500GB",
    )
    pull.add_argument(
        "--rehash",
        action="store_true",
        help="hash what stands there already, even where no other user can have written it",
    )
    pull.add_argument(
        "--trust-group",
        action="store_true",
        help="believe unhashed what members of your groups can write (docs/security.md)",
    )
    pull.add_argument("--sync", action="store_true", help="have everything on disk, not in memory, when it is done")


def pull_to_folder(source: str, folder: Path, exclude: Sequence[str], access: Access, reporter: Reporter) -> str:
    """Pull a model for another verb, and return its pinned source. Raises Fault."""
    from .pull import pull

    return pull(Settings(source=source, destination=str(folder), exclude=tuple(exclude)), access, reporter).pinned


def _run_pull(arguments: argparse.Namespace) -> int:
    from .pull import pull

    source = source_from(arguments.source)
    if arguments.cache_bytes and not arguments.cache:
        raise BadOptions("--cache-bytes has no effect without --cache")
    settings = Settings(
        source=arguments.source,
        destination=arguments.output,
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        image_path=arguments.image_path,
        connections=arguments.jobs,
        processes=arguments.processes,
        cache=arguments.cache,
        cache_bytes=arguments.cache_bytes,
        xet=arguments.xet,
        rehash=arguments.rehash,
        trust_group=arguments.trust_group,
        deadline_seconds=arguments.deadline,
        sync=arguments.sync,
        signatures=policy_from(arguments),
    )
    reporter = reporter_for(arguments)
    with access_for(arguments, (source,), os.environ, reporter) as access:
        receipt = pull(settings, access, reporter)
    print(json.dumps(receipt.to_json(), indent=1) if arguments.json else receipt.pinned)
    return 0
