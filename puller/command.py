"""The verbs `pull`, `inspect`, `verify` and `list`.

Tests: tests/test_program.py
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from registry.access.access import Access
from registry.access.options import (
    access_for,
    add_access_options,
    add_progress_options,
    command_line,
    reporter_for,
    source_from,
)
from registry.process.arguments import positive, size
from registry.progress.reporter import QuietReporter, Reporter
from registry.signatures.options import add_signature_options, policy_from

from .settings import Settings

_SOURCE_HELP = (
    "oci://REGISTRY/REPOSITORY:TAG[@sha256:…] (the scheme may be left out), layout://DIRECTORY:TAG, "
    "or hf://ORGANISATION/NAME[@REVISION]"
)
_JOBS = 16


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this room's verbs to the command's parser."""
    _add_pull(verbs)
    _add_inspect(verbs)
    _add_verify(verbs)
    _add_list(verbs)


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
    pull.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    pull.add_argument("-o", "--output", required=True, metavar="DIR", help="the model folder; its parent must exist")
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


def _add_inspect(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inspect = verbs.add_parser(
        "inspect",
        help="show what an artifact holds",
        description="Show an artifact's files, sizes and digests, without fetching them.",
        epilog="  weighbridge inspect registry.example.com/models/phi-4:v1\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    add_signature_options(inspect)
    add_access_options(inspect)
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.set_defaults(run=_run_inspect)


def _add_verify(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verify = verbs.add_parser(
        "verify",
        help="hold a folder to an artifact's digests, or check an artifact and show who wrote it",
        description="Of a folder that a pull published: hash every file against the digests of the artifact, and name\n"
        "each that is wrong, missing, unknown, or unproved because it was unpacked, so that no digest of its own\n"
        "exists. Nothing is written. Of a source: resolve it, and show its digest and who says to have written it; of\n"
        "a layout, see that every blob is there in its size.",
        epilog="Exits 1 where something is not proved. A folder of that name is meant before a source.\n\n"
        "  weighbridge verify ./phi-4\n"
        "  weighbridge verify ./phi-4 --source registry.example.com/models/phi-4:v1\n"
        "  weighbridge verify registry.example.com/models/phi-4:v1\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("subject", metavar="DIR|SOURCE", help=f"a folder, or {_SOURCE_HELP}")
    verify.add_argument(
        "--source",
        default="",
        metavar="SOURCE",
        help="the artifact that the folder should hold (default: the one that the pull's receipt names)",
    )
    add_signature_options(verify)
    add_access_options(verify)
    verify.add_argument("--json", action="store_true", help="print JSON")
    add_progress_options(verify)
    verify.set_defaults(run=_run_verify)


def _add_list(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listing = verbs.add_parser(
        "list",
        help="show the tags of a repository",
        description="Show the tags of a repository, or of an OCI layout, each with its digest, size and kind.",
        epilog="  weighbridge list registry.example.com/models/phi-4\n  weighbridge list layout:///mnt/usb/models\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listing.add_argument("source", metavar="REPOSITORY", help="REGISTRY/REPOSITORY, or layout://DIRECTORY")
    add_access_options(listing)
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_run_list)


def pull_to_folder(source: str, folder: Path, exclude: Sequence[str], access: Access, reporter: Reporter) -> str:
    """Pull a model for another verb; give its source, pinned. Raises Fault."""
    from .pull import pull

    return pull(Settings(source=source, destination=str(folder), exclude=tuple(exclude)), access, reporter).pinned


def _run_pull(arguments: argparse.Namespace) -> int:
    from .pull import pull

    source = source_from(arguments.source)
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


def _run_list(arguments: argparse.Namespace) -> int:
    from .inspection.listing import list_repository, to_text

    source = source_from(arguments.source)
    with access_for(arguments, (source,), os.environ, Reporter()) as access, command_line():
        found = list_repository(source, access)
    print(json.dumps([one.to_json() for one in found], indent=1) if arguments.json else to_text(found))
    return 1 if any(one.problem for one in found) else 0


def _run_verify(arguments: argparse.Namespace) -> int:
    folder = Path(os.path.abspath(arguments.subject))  # noqa: PTH100 - resolve() would follow links
    if not arguments.source and not folder.is_dir():
        return 0 if _show(arguments, arguments.subject) else 1
    from .inspection.folder import published, receipt_at, verify_folder

    receipt = receipt_at(folder) if arguments.source else published(folder)
    source = source_from(arguments.source or (receipt.pinned if receipt else ""))
    reporter = reporter_for(arguments)
    with access_for(arguments, (source,), os.environ, reporter) as access:
        found = verify_folder(folder, source, receipt, access, reporter)
    print(json.dumps(found.to_json(), indent=1) if arguments.json else found.to_text())
    return 1 if found.findings else 0


def _run_inspect(arguments: argparse.Namespace) -> int:
    _show(arguments, arguments.source)
    return 0


def _show(arguments: argparse.Namespace, text: str) -> bool:
    """Print what an artifact holds; return whether a pull would take it."""
    from registry.open import open_repository

    from .inspection.inspect import inspect

    source = source_from(text)
    settings = Settings(source=text, destination="", signatures=policy_from(arguments))
    with access_for(arguments, (source,), os.environ, Reporter()) as access:
        with command_line():
            repository = open_repository(source, access)
        found = inspect(repository, access, settings, QuietReporter())
    print(json.dumps(found.to_json(), indent=1) if arguments.json else found.to_text())
    return not found.problem
