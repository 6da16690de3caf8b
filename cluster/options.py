"""The options of verbs that ask a cluster, as kubectl has them.

Tests: tests/verbs/test_api.py
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.process.arguments import positive

SYSTEM_NAMESPACE = "weighbridge-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which cluster is meant, by which options; empty means what kubectl would take."""

    kubeconfig: str = ""
    context: str = ""
    timeout_seconds: float = 10.0
    account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    """Where the kubelet mounts the account of a pod, which is meant there if there is no kubeconfig."""


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which cluster is meant."""
    group = parser.add_argument_group("cluster")
    group.add_argument("--kubeconfig", default="", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    group.add_argument("--context", default="", metavar="NAME", help="default: the kubeconfig's current one")
    group.add_argument(
        "--request-timeout",
        type=positive,
        default=10,
        metavar="SECONDS",
        help="how long the API server may take for an answer (default: %(default)s)",
    )
    group.add_argument(
        "--system-namespace",
        default=SYSTEM_NAMESPACE,
        metavar="NAMESPACE",
        help="where Weighbridge is installed (default: %(default)s)",
    )


def add_namespace_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which namespaces are meant."""
    parser.add_argument("-n", "--namespace", default="", help="default: the context's")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="all of them")


def add_output_option(parser: argparse.ArgumentParser, forms: Sequence[str]) -> None:
    """Add `-o` with some of json, yaml, wide and name."""
    parser.add_argument(
        "-o", "--output", default="", choices=("", *forms), metavar="|".join(forms), help="how to print"
    )


def place_of(arguments: argparse.Namespace) -> Place:
    """Return the cluster that the options mean."""
    return Place(
        kubeconfig=arguments.kubeconfig, context=arguments.context, timeout_seconds=float(arguments.request_timeout)
    )
