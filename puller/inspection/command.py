"""The verbs `inspect`, `verify` and `list`.

Tests: tests/test_program.py
"""

import argparse
import json
import os
from pathlib import Path

from puller.settings import Settings
from registry.access.options import (
    access_for,
    add_access_options,
    add_progress_options,
    command_line,
    reporter_for,
    source_from,
)
from registry.process.arguments import given
from registry.progress.reporter import QuietReporter, Reporter
from registry.signatures.options import add_signature_options, policy_from

SOURCE_HELP = (
    "oci://REGISTRY/REPOSITORY:TAG[@sha256:…] (the scheme may be left out), layout://DIRECTORY:TAG, "
    "or hf://ORGANISATION/NAME[@REVISION]"
)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these verbs to the command's parser."""
    _add_inspect(verbs)
    _add_verify(verbs)
    _add_list(verbs)


def _add_inspect(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inspect = verbs.add_parser(
        "inspect",
        help="show what an artifact holds",
        description="Show an artifact's files, sizes and digests, without fetching them. Exits 1 where a signature is\n"
        "wanted, and no pull would take the artifact.",
        epilog="  weighbridge inspect registry.example.com/models/phi-4:v1\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("source", metavar="SOURCE", help=SOURCE_HELP)
    add_signature_options(inspect)
    add_access_options(inspect)
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.set_defaults(run=_run_inspect)


def _add_verify(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verify = verbs.add_parser(
        "verify",
        help="hold a folder to an artifact's digests, or check an artifact and show who wrote it",
        description="For a folder that a pull published: hash every file against the digests of the artifact, and\n"
        "name each that is wrong, missing, unknown, or unproved because it was unpacked, so that no digest of its own\n"
        "exists. Nothing is written. For a source: resolve it, and show its digest and who says to have written it;\n"
        "check that every blob of a layout is there in its size.",
        epilog="Exits 1 where something is not proved. A folder of that name is meant before a source.\n\n"
        "  weighbridge verify ./phi-4\n"
        "  weighbridge verify ./phi-4 --source registry.example.com/models/phi-4:v1\n"
        "  weighbridge verify registry.example.com/models/phi-4:v1\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("subject", type=given, metavar="DIR|SOURCE", help=f"a folder, or {SOURCE_HELP}")
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


def _run_list(arguments: argparse.Namespace) -> int:
    from .listing import check_repository, list_repository, to_text

    source = source_from(arguments.source)
    with access_for(arguments, (source,), os.environ, Reporter()) as access, command_line():
        check_repository(arguments.source, source)
        found = list_repository(source, access)
    print(json.dumps([one.to_json() for one in found], indent=1) if arguments.json else to_text(found))
    return 1 if any(one.problem for one in found) else 0


def _run_verify(arguments: argparse.Namespace) -> int:
    folder = Path(os.path.abspath(arguments.subject))  # noqa: PTH100 - resolve() would follow links
    if not arguments.source and not folder.is_dir():
        return 0 if _show(arguments, arguments.subject) else 1
    from .folder import published, receipt_at, verify_folder

    receipt = receipt_at(folder) if arguments.source else published(folder)
    source = source_from(arguments.source or (receipt.pinned if receipt else ""))
    settings = Settings(source=str(source), destination=str(folder), signatures=policy_from(arguments))
    reporter = reporter_for(arguments)
    with access_for(arguments, (source,), os.environ, reporter) as access:
        found = verify_folder(settings, receipt, access, reporter)
    print(json.dumps(found.to_json(), indent=1) if arguments.json else found.to_text())
    return 1 if found.findings else 0


def _run_inspect(arguments: argparse.Namespace) -> int:
    is_pullable = _show(arguments, arguments.source)
    return 0 if is_pullable or not policy_from(arguments) else 1


def _show(arguments: argparse.Namespace, text: str) -> bool:
    """Print what an artifact holds; return whether a pull would take it."""
    from registry.open import open_repository

    from .inspect import inspect

    source = source_from(text)
    settings = Settings(source=text, destination="", signatures=policy_from(arguments))
    with access_for(arguments, (source,), os.environ, Reporter()) as access:
        with command_line():
            repository = open_repository(source, access)
        found = inspect(repository, access, settings, QuietReporter())
    print(json.dumps(found.to_json(), indent=1) if arguments.json else found.to_text())
    return not found.problem
