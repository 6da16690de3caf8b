"""The verb `weighbridge inject`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import Fault

if TYPE_CHECKING:
    from .manifests.configuration import Configuration
    from .manifests.documents import Document, Result

_DESCRIPTION = """\
Prints what the webhook would make of manifests: pods, workloads and Lists with the label
weighbridge.dev/model get their model, everything else stays as it is, byte for byte. The namespace's
opt-in is not asked for. If anything is refused, nothing is printed and the exit code is 1.
"""


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `inject` to the command's verbs."""
    parser = verbs.add_parser(
        "inject",
        help="print manifests as the webhook would make them",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--file", required=True, help="YAML or JSON, one document or many; - for standard input")
    parser.add_argument(
        "--config", help="manifests with the ConfigMaps weighbridge-config, weighbridge-catalog or both"
    )
    parser.add_argument("--namespace", default="", help="the namespace of objects that name none, for the messages")
    parser.add_argument(
        "--offline", action="store_true", help="ask no registry; none is asked today, with it or without"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write an injected file to standard output; return 0, or 1 when an object was refused."""
    # here, so that other verbs do not pay for a YAML parser
    from .manifests.documents import inject_document, split_documents

    configuration = _configuration(arguments.config)
    documents = [
        inject_document(text, configuration.catalog, configuration.settings, arguments.namespace)
        for text in split_documents(_read(arguments.file))
    ]
    refused = False
    for number, document in enumerate(documents, start=1):
        refused = _report(f"{arguments.file}: document {number}", document) or refused
    if not refused:
        sys.stdout.write("".join(document.text for document in documents))
    return 1 if refused else 0


def _report(place: str, document: "Document") -> bool:
    """Print the outcome of each object in a document; return whether one was refused."""
    refused = False
    for result in document.results:
        refused = _report_result(place, result) or refused
    return refused


def _report_result(place: str, result: "Result") -> bool:
    where = f"{place}: {result.title}"
    if isinstance(result.outcome, Fault):
        sys.stderr.write(f"error: {where}: {result.outcome} [{result.outcome.code}]\n")
        sys.stderr.write(f"  hint: {result.outcome.hint}\n")
        return True
    sys.stderr.write(f"{where}: {result.outcome.summary}\n")
    for warning in result.outcome.warnings:
        sys.stderr.write(f"warning: {where}: {warning}\n")
    return False


def _configuration(file: str | None) -> "Configuration":
    from .manifests.configuration import Configuration, configure
    from .manifests.documents import read_manifests

    return Configuration() if file is None else configure(read_manifests(_read(file)))


def _read(file: str) -> str:
    from .manifests.roundtrip import BadDocument

    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode()
    except OSError as error:
        raise BadDocument(f"{file}: {error.strerror}", hint="give a file that can be read") from error
    except UnicodeDecodeError as error:
        raise BadDocument(f"{file}: not UTF-8: {error}", hint="write it in UTF-8") from error
