"""The verbs `catalog` and `prefetch`.

Tests: tests/verbs/test_catalog.py
"""

import argparse
import sys
from typing import TYPE_CHECKING

from cluster.options import add_cluster_options, add_output_option, place_of
from registry.process.arguments import positive, show_help
from webhook.command import add_configuration_option

if TYPE_CHECKING:
    from webhook.manifests.configuration import Configuration

    from .edit import Editor

_CATALOG = """\
The catalog gives models their names: an entry of the ConfigMap weighbridge-catalog for each. Everybody who is logged in
may read it. Entries are written by server-side apply under the field manager weighbridge-catalog, and what others wrote
is left to them unless --force is given. The webhook sees a change in some seconds where you may annotate its pods, else
within a minute or so, when the kubelet brings it.

  weighbridge catalog list
  weighbridge catalog add phi-4 registry.example.com/models/phi-4:v1 --gpu
  weighbridge catalog remove phi-4 --dry-run
"""
_PREFETCH = """\
Prints a Job that fetches a model to a claim, so that pods with the annotation weighbridge.dev/volume=pvc:CLAIM find it
there and start at once. It is the webhook's own puller, with the settings and the catalog of the cluster, or those of
--config; with --source and --image no cluster is asked. Nothing is created: pipe it to kubectl.
"""
_PREFETCH_EPILOG = """\
A folder counts as published for whoever owns it: name the user that serves the model with --user, or the pods hash it
once more (docs/security.md).

  weighbridge prefetch phi-4 --claim models -n inference | kubectl apply -f -
  weighbridge prefetch phi-4 --claim models --source registry.example.com/phi-4:v1 --image registry.example.com/wb:1
"""


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `catalog` and `prefetch`."""
    raw = argparse.RawDescriptionHelpFormatter
    catalog = verbs.add_parser(
        "catalog", help="list, add and remove named models", description=_CATALOG, formatter_class=raw
    )
    catalog.set_defaults(run=lambda _: show_help(catalog))
    _add_catalog_verbs(catalog.add_subparsers(metavar="VERB"))
    prefetch = verbs.add_parser(
        "prefetch",
        help="print a Job that fetches a model to a claim",
        description=_PREFETCH,
        epilog=_PREFETCH_EPILOG,
        formatter_class=raw,
    )
    _add_prefetch_options(prefetch)
    prefetch.set_defaults(run=_run_prefetch)


def _add_catalog_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listing = _add_catalog_verb(verbs, "list", "show the entries", "weighbridge catalog list -o json")
    add_output_option(listing, ("json", "yaml", "name"))
    listing.set_defaults(run=_run_list)
    example = "weighbridge catalog add phi-4 registry.example.com/models/phi-4:v1 --gpu"
    add = _add_catalog_verb(verbs, "add", "add an entry, or change what is named of it", example)
    add.add_argument("name", metavar="NAME", help="what the label weighbridge.dev/model says")
    add.add_argument("source", metavar="SOURCE", help="oci://REGISTRY/REPOSITORY:TAG[@sha256:…], hf:// or pvc://")
    add.add_argument(
        "--gpu", action=argparse.BooleanOptionalAction, help="its pods tolerate the taints of GPU nodes, or do not"
    )
    add.add_argument("--mount-path", metavar="PATH", help="where containers see it (default: /models/NAME, as with '')")
    add.set_defaults(run=_run_add)
    remove = _add_catalog_verb(
        verbs, "remove", "remove an entry; pods keep theirs", "weighbridge catalog remove phi-4 --dry-run"
    )
    remove.add_argument("name", metavar="NAME", help="the entry")
    remove.set_defaults(run=_run_remove)
    for verb in (add, remove):
        verb.add_argument("--dry-run", action="store_true", help="ask the API server, and change nothing")
        verb.add_argument("--force", action="store_true", help="take the entry over from another field manager")
    for verb in (listing, add, remove):
        add_cluster_options(verb)


def _add_catalog_verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_line: str, example: str
) -> argparse.ArgumentParser:
    description = f"{help_line[0].upper()}{help_line[1:]}."
    raw = argparse.RawDescriptionHelpFormatter
    return verbs.add_parser(name, help=help_line, description=description, epilog=f"  {example}\n", formatter_class=raw)


def _add_prefetch_options(prefetch: argparse.ArgumentParser) -> None:
    prefetch.add_argument("name", metavar="NAME", help="what the pods' label weighbridge.dev/model says")
    prefetch.add_argument("--claim", required=True, metavar="CLAIM[/PATH]", help="as in weighbridge.dev/volume=pvc:…")
    prefetch.add_argument("-n", "--namespace", default="", help="the claim's (default: none in the Job)")
    prefetch.add_argument("--source", default="", help="the pods' weighbridge.dev/source, where they have it")
    prefetch.add_argument("--layout", default="", choices=("files", "huggingface"), help="the pods' layout")
    prefetch.add_argument("--include", default="", metavar="GLOBS", help="the pods' weighbridge.dev/include")
    prefetch.add_argument("--exclude", default="", metavar="GLOBS", help="the pods' weighbridge.dev/exclude")
    prefetch.add_argument("--pull-secrets", default="", metavar="NAMES", help="Secrets for the registry")
    prefetch.add_argument("--resources", default="", metavar="AMOUNTS", help="such as cpu=2,memory=4Gi (default: none)")
    prefetch.add_argument("--user", type=positive, metavar="UID", help="whose the files are: the server's runAsUser")
    prefetch.add_argument("--group", type=positive, metavar="GID", help="the pods' fsGroup")
    prefetch.add_argument("--image", default="", help="the puller's image (default: the cluster's setting)")
    add_configuration_option(prefetch)
    add_cluster_options(prefetch)


def _editor(arguments: argparse.Namespace) -> "Editor":
    from cluster.connection import connect

    from .edit import Editor

    options = {"dryRun": "All"} if getattr(arguments, "dry_run", False) else {}
    options |= {"force": "true"} if getattr(arguments, "force", False) else {}
    return Editor(connect(place_of(arguments)), arguments.system_namespace, options)


def _run_list(arguments: argparse.Namespace) -> int:
    from cluster.output import as_json, as_yaml
    from webhook.manifests.configuration import configure

    from .entries import to_raw, to_text

    catalog = configure([_editor(arguments).read()]).catalog
    printers = {"json": as_json, "yaml": as_yaml}
    if arguments.output in printers:
        print(printers[arguments.output](to_raw(catalog)))
    elif arguments.output == "name":
        for name in sorted(catalog.entries):
            print(name)
    else:
        print(to_text(catalog))
    return 1 if catalog.broken else 0


def _run_add(arguments: argparse.Namespace) -> int:
    from registry.access.options import BadOptions, source_from
    from registry.source import LayoutSource

    from .entries import NewEntry

    if isinstance(source_from(arguments.source), LayoutSource):
        raise BadOptions(
            f"{arguments.source}: no pod has such a folder", hint="push it to a registry: weighbridge push"
        )
    entry = NewEntry(name=arguments.name, source=arguments.source, gpu=arguments.gpu, mount_path=arguments.mount_path)
    editor = _editor(arguments)
    return _say(arguments, editor, editor.add(entry))


def _run_remove(arguments: argparse.Namespace) -> int:
    editor = _editor(arguments)
    return _say(arguments, editor, editor.remove(arguments.name))


def _say(arguments: argparse.Namespace, editor: "Editor", outcome: str) -> int:
    print(f"{arguments.name} {outcome}" + (" (dry run)" if arguments.dry_run else ""))
    if outcome != "unchanged" and not arguments.dry_run:
        when = "in some seconds" if editor.hurry() else "within a minute or so"
        print(f"the webhook knows it {when}", file=sys.stderr)
    return 0


def _run_prefetch(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from certs.manifests import to_yaml
    from webhook.settings import Settings

    from .prefetch import Wanted, prefetch_job

    configuration = _configuration(arguments)
    settings = configuration.settings
    if arguments.image:
        settings = replace(settings, puller_image=arguments.image)
    elif arguments.config and settings.puller_image == Settings().puller_image:
        said = f"warning: the Job runs {settings.puller_image}, which no registry serves: name the puller's image"
        print(f"{said} with --image, or as WEIGHBRIDGE_PULLER_IMAGE in --config", file=sys.stderr)
    wanted = Wanted(
        model=arguments.name,
        claim=arguments.claim,
        namespace=arguments.namespace,
        source=arguments.source,
        layout=arguments.layout,
        include=arguments.include,
        exclude=arguments.exclude,
        pull_secrets=arguments.pull_secrets,
        resources=arguments.resources,
        user=arguments.user,
        group=arguments.group,
    )
    sys.stdout.write(to_yaml(prefetch_job(wanted, configuration.catalog, settings)).removeprefix("---\n"))
    return 0


def _configuration(arguments: argparse.Namespace) -> "Configuration":
    """Return the configuration of a file, of nobody where source and image are named, or of the cluster."""
    from webhook.command import read_configuration
    from webhook.manifests.configuration import CATALOG, CONFIG, Configuration, configure

    if arguments.config:
        return read_configuration(arguments.config)
    if arguments.source and arguments.image:
        return Configuration()
    from cluster import kinds
    from cluster.connection import connect
    from cluster.errors import Forbidden

    api = connect(place_of(arguments))
    wanted = ([] if arguments.source else [CATALOG]) + ([] if arguments.image else [CONFIG])
    try:
        return configure([api.read(kinds.CONFIG_MAP, name, arguments.system_namespace) for name in wanted])
    except Forbidden as error:
        raise Forbidden(str(error), hint="name the puller's image with --image, or give a --config FILE") from error
