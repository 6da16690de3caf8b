"""The verbs of manifests: `weighbridge inject`, `uninject`, and the files of `explain`."""

import argparse
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from registry.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .manifests.configuration import Configuration
    from .manifests.documents import Document, Result, Verb
    from .manifests.explain import Explanation
    from .manifests.sources import File
    from .resolving.answer import Ask

_INJECT = """\
Prints what the webhook would make of manifests: every pod template with the label weighbridge.dev/model, in
whatever kind, gets its model, and workloads hand their label to theirs. Lines that no change touches stay as they are,
byte for byte; the output is UTF-8. The namespace's opt-in is not asked for. If anything is refused, nothing is printed
and the exit code is 1.
"""
_UNINJECT = """\
Prints manifests without what `inject`, or the webhook, put in: the reverse of `inject`. The label stays.
"""
_EXAMPLES = {
    "inject": """\
  weighbridge inject -f deploy.yaml --config deploy/examples/catalog.yaml | diff deploy.yaml -
  kustomize build . | weighbridge inject -f - | kubectl apply -f -
""",
    "uninject": """\
  kubectl get deployment vllm -o yaml | weighbridge uninject -f -
""",
}
_FILES = "YAML or JSON in UTF-8 or UTF-16, a folder, or a URL, and again for more; - for standard input"


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs of manifests; `explain` asks clusters as well, and is added by who may."""
    inject = _add_verb(verbs, "inject", "print manifests as the webhook would make them", _INJECT)
    inject.add_argument("--offline", action="store_true", help="ask no registry for digests and sizes")
    add_configuration_option(inject)
    inject.set_defaults(run=run_inject)
    uninject = _add_verb(verbs, "uninject", "print manifests without what inject put in", _UNINJECT)
    uninject.set_defaults(run=run_uninject)


def add_file_options(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    """Add the options that name manifests."""
    parser.add_argument(
        "-f", "--file", "--filename", action="append", default=[], required=is_required, metavar="FILE", help=_FILES
    )
    parser.add_argument("-R", "--recursive", action="store_true", help="read folders with all that is below them")


def add_configuration_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the operator's configuration."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="manifests with the ConfigMaps weighbridge-config, weighbridge-catalog or both",
    )


def _add_verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_line: str, description: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=help_line,
        description=description,
        epilog=_EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_file_options(parser, is_required=True)
    parser.add_argument("-n", "--namespace", default="", help="of objects that name none, for the messages")
    return parser


def run_inject(arguments: argparse.Namespace) -> int:
    """Write injected files to standard output; return 0, or 1 when an object was refused."""
    # here, so that other verbs do not pay for a YAML parser
    from .manifests.files import admit_manifest

    configuration = read_configuration(arguments.config)
    catalog, settings = configuration.catalog, configuration.settings
    with _asking(configuration, is_offline=arguments.offline) as ask:
        return _change(arguments, lambda manifest: admit_manifest(manifest, catalog, settings, ask))


@contextmanager
def _asking(configuration: "Configuration", *, is_offline: bool) -> "Iterator[Ask]":
    """Return how registries are asked; where the configuration names none, none is."""
    from .resolving.answer import ask_nobody
    from .resolving.freshness import Registries, resolver_of

    settings = configuration.settings
    resolver = None if is_offline else resolver_of(settings, lambda: configuration.catalog)
    if resolver is None or not Registries(settings, lambda: configuration.catalog).policy().hosts:
        yield ask_nobody
        return
    try:
        yield resolver.asking("")
    finally:
        resolver.close()


def run_uninject(arguments: argparse.Namespace) -> int:
    """Write files without what was injected to standard output; return 0, or 1 when an object cannot be read."""
    from .manifests.uninject import uninject_manifest

    return _change(arguments, uninject_manifest)


def explain_files(arguments: argparse.Namespace) -> "list[Explanation]":
    """Return an explanation of each pod template in the files."""
    from .manifests.documents import read_objects
    from .manifests.explain import Cluster, explain_manifest

    configuration = read_configuration(arguments.config)
    manifests = [manifest for file in _files(arguments) for manifest in read_objects(file.text)]
    cluster = Cluster.of(manifests, configuration.catalog, configuration.settings, arguments.namespace)
    return [explanation for manifest in manifests for explanation in explain_manifest(manifest, cluster)]


def _change(arguments: argparse.Namespace, verb: "Verb") -> int:
    from .manifests.documents import change_document
    from .manifests.stream import split_documents

    texts: list[str] = []
    refused = False
    for file in _files(arguments):
        documents = [change_document(part, verb, arguments.namespace) for part in split_documents(file.text)]
        for number, document in enumerate(documents, start=1):
            refused = _report(f"{file.name}: document {number}", document) or refused
        texts.append("".join(document.text for document in documents))
    if not refused:
        sys.stdout.write(_joined(texts))
    return 1 if refused else 0


def _joined(texts: list[str]) -> str:
    """Return files as one stream, between separators where they bring none."""
    joined = texts[0]
    for text in texts[1:]:
        end = "" if joined.endswith("\n") or not joined else "\n"
        joined += end + ("" if text.startswith("---") else "---\n") + text
    return joined


def _files(arguments: argparse.Namespace) -> "list[File]":
    from .manifests.sources import read_files

    return list(read_files(arguments.file, recursive=arguments.recursive))


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


def read_configuration(file: str | None) -> "Configuration":
    """Return the operator's configuration of a file; what the manifests ship without one.

    Raises BadSettings, for a key that is no setting as well: in a cluster it would do nothing.
    """
    from .manifests.configuration import CONFIG, Configuration, configure
    from .manifests.documents import read_manifests
    from .manifests.sources import read_files
    from .settings import BadSettings

    if file is None:
        return Configuration()
    found = configure(manifest for one in read_files([file]) for manifest in read_manifests(one.text))
    if found.unknown_keys:
        raise BadSettings(f"the ConfigMap {CONFIG} has the unknown key {found.unknown_keys[0]}")
    return found
