"""The verbs `explain` and `status`.

Tests: tests/verbs/test_live.py
"""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from cluster.options import add_cluster_options, add_namespace_options, add_output_option, place_of
from webhook.command import add_configuration_option, add_file_options, explain_files

if TYPE_CHECKING:
    from webhook.manifests.explain import Explanation

_EXPLAIN = """\
Says for every pod template which step decides what: the label, the namespace's opt-in, the pod's opt-out, the webhook,
the source, the volume, the containers, the tolerations; or why there is no model. Of an object in the cluster it also
says what became of its pods: how far they are, what their puller and the events say. In files, namespaces count as
they are there.
"""
_EXPLAIN_EPILOG = """\
Exits 1 if a pod would be refused; 0 where settings that cannot be read may allow it (`unknown`, with --json).

  weighbridge explain deployment/vllm -n inference
  weighbridge explain pod/vllm-0 -o json
  weighbridge explain -f deploy.yaml --config deploy/examples/catalog.yaml
"""
_STATUS = """\
Shows every pod with the label weighbridge.dev/model: its model, how far it is, the digest, the size, how long the pull
took and how long after its creation the pod was ready, its node and volume; below, what keeps the others, with what to
do. Workloads whose pods the API server refuses stand there, too.
"""
_STATUS_EPILOG = """\
States: without (no webhook saw it), opted-out, pending, waiting, pulling, failing, starting (the model is there, the
server not yet), ready, ended, refused. Exits 0 whatever they are.

  weighbridge status -n inference
  weighbridge status -A -o wide
"""


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `explain` and `status`."""
    explain = verbs.add_parser(
        "explain",
        help="say which step decides what for an object's pods, in the cluster or in a file",
        description=_EXPLAIN,
        epilog=_EXPLAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    explain.add_argument("object", nargs="*", metavar="KIND/NAME", help="such as deployment/vllm or pod/vllm-0")
    add_file_options(explain, is_required=False)
    add_configuration_option(explain)
    explain.add_argument("-n", "--namespace", default="", help="default: the context's; in files, of who names none")
    add_output_option(explain, ("json", "yaml"))
    explain.add_argument("--json", dest="output", action="store_const", const="json", help="the same as -o json")
    add_cluster_options(explain)
    explain.set_defaults(run=partial(_run_explain, explain))
    status = verbs.add_parser(
        "status",
        help="show who has which model, and why not",
        description=_STATUS,
        epilog=_STATUS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_namespace_options(status)
    add_output_option(status, ("wide", "json", "yaml", "name"))
    add_cluster_options(status)
    status.set_defaults(run=_run_status)


def _run_explain(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from cluster.output import as_json, as_yaml
    from webhook.manifests.explain import to_text

    if bool(arguments.object) == bool(arguments.file):
        parser.error("name either objects of the cluster, such as deployment/vllm, or files with -f")
    if arguments.object and arguments.config:
        parser.error("--config is for files: of a cluster its own ConfigMaps are read")
    found = explain_files(arguments) if arguments.file else _explain_objects(arguments)
    if arguments.output:
        raws = [explanation.to_raw() for explanation in found]
        print(as_json(raws) if arguments.output == "json" else as_yaml(raws))
    elif found:
        print(to_text(found))
    return 1 if any(explanation.result == "refused" for explanation in found) else 0


def _explain_objects(arguments: argparse.Namespace) -> "list[Explanation]":
    from cluster.connection import connect
    from cluster.kinds import parse_object

    from .live import explain_live

    objects = [parse_object(text) for text in arguments.object]
    api = connect(place_of(arguments))
    namespace = arguments.namespace or api.namespace
    system = arguments.system_namespace
    return [one for kind, name in objects for one in explain_live(api, kind, name, namespace, system)]


def _run_status(arguments: argparse.Namespace) -> int:
    from cluster import kinds
    from cluster.connection import connect
    from cluster.output import as_json, as_yaml
    from webhook.contract import MODEL

    from .live import events_of, workloads_of
    from .table import rows, to_text

    api = connect(place_of(arguments))
    namespace = "" if arguments.all_namespaces else arguments.namespace or api.namespace
    pods = api.items(kinds.POD, namespace, labels=MODEL.name)
    found = rows(pods, workloads_of(api, namespace), events_of(api, namespace))
    if arguments.output in ("json", "yaml"):
        raws = [row.to_raw() for row in found]
        print(as_json(raws) if arguments.output == "json" else as_yaml(raws))
    elif arguments.output == "name":
        for row in found:
            print(f"{row.kind.lower()}/{row.name}")
    elif found:
        print(to_text(found, is_wide=arguments.output == "wide"))
    else:
        place = "in any namespace" if not namespace else f"in the namespace {namespace}"
        sys.stderr.write(f"no pod {place} has the label {MODEL.name}\n")
    return 0
