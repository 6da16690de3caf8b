"""The shipped webhook server, registered with an API server."""

import base64
import copy
import datetime as dt
import os
import re
import ssl
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names

from .objects import Namespace, Object, Objects
from .process import NotReadyError, Process, poll

_READY_SECONDS = 30
_LISTENING = re.compile(r"Listening at: (https://127\.0\.0\.1:\d+)")
_OPTED_IN = {"weighbridge.dev/injection": "enabled"}


@dataclass(frozen=True)
class Webhook:
    """A webhook server that is ready."""

    url: str
    ca_certificate: bytes
    process: Process


@contextmanager
def running_webhook(folder: Path, catalog: Mapping[str, str], settings: Mapping[str, str]) -> Iterator[Webhook]:
    """Run `python -m webhook` on a loopback port until the block ends.

    `catalog` is what the catalog's ConfigMap holds; `settings` are variables without their WEIGHBRIDGE_. Unless they
    say otherwise no registry is asked: most of these tests name one that does not exist.
    """
    tls, entries = folder / "tls", folder / "catalog"
    bundle = issue(Names.parse("localhost", "test", [], ["127.0.0.1"]), dt.datetime.now(dt.UTC))
    write_bundle(bundle.without_ca_key(), tls)
    entries.mkdir()
    for name, entry in catalog.items():
        (entries / name).write_text(entry)
    places = {"TLS_DIRECTORY": str(tls), "CATALOG_DIRECTORY": str(entries), "LISTEN": "127.0.0.1:0"}
    stated = {"RESOLVE_REGISTRIES": "none", **settings, **places}
    environ = {f"WEIGHBRIDGE_{name}": value for name, value in stated.items()}
    with Process(
        [sys.executable, "-m", "webhook"], folder / "webhook.log", {"PATH": os.environ["PATH"], **environ}
    ) as process:
        url = process.wait_until(lambda: _LISTENING.search(process.said()), _READY_SECONDS)[1]
        trusted = ssl.create_default_context(cadata=bundle.ca_certificate.decode())
        process.wait_until(lambda: _is_ready(url, trusted), _READY_SECONDS)
        yield Webhook(url, bundle.ca_certificate, process)


def pointed_at(webhook: Webhook, configuration: Object) -> Object:
    """Return the rendered MutatingWebhookConfiguration with the running server in the Service's place."""
    changed = copy.deepcopy(configuration)
    for entry in changed["webhooks"]:
        path = entry["clientConfig"]["service"]["path"]
        ca = base64.b64encode(webhook.ca_certificate).decode()
        entry["clientConfig"] = {"url": webhook.url + path, "caBundle": ca}
    return changed


@contextmanager
def registered(objects: Objects, configuration: Object, probe: Object) -> Iterator[None]:
    """Keep a configuration at the API server, in force, until the block ends.

    It is in force when `probe`, a pod that asks for a model, comes back with an annotation more.
    """
    namespace = objects.namespace("probe", _OPTED_IN)
    objects.create(configuration)
    try:
        if not poll(lambda: _is_changed(namespace, probe), _READY_SECONDS):
            raise NotReadyError("the API server does not call the webhook")
        yield
    finally:
        objects.delete(configuration["apiVersion"], configuration["kind"], configuration["metadata"]["name"])


def _is_changed(namespace: Namespace, probe: Object) -> bool:
    try:
        made = namespace.create(probe, dry_run="All")
    except ApiException:
        return False
    return "weighbridge.dev/status" in made["metadata"].get("annotations", {})


def _is_ready(url: str, trusted: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5, context=trusted) as response:
            return bool(response.status == 200)
    except OSError:
        return False
