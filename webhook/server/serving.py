"""The settings of gunicorn, which reads this module (`--config python:webhook.server.serving`).

Each name below is one of gunicorn's settings, except those that begin with an underscore and `application`.

Tests: tests/webhook/test_serving.py
"""

import gc
import os
import sys
from pathlib import Path
from typing import Any

from certs.api import Api
from certs.names import Names
from certs.rotator import Rotator
from webhook.catalog import CatalogDirectory
from webhook.resolving.freshness import Freshness, resolver_of
from webhook.settings import Settings

from .app import create_app
from .metrics import Metrics
from .probes import create_probes
from .site import Site, bind_address
from .tls import CERTIFICATE, KEY, ServedCertificate

_settings = Settings.from_env(os.environ)
_SWITCH_SECONDS = 0.0002
# Objects, then collections of the generation before: far more than Python's own, for a catalog alone has as many.
_COLLECT_AFTER = (10_000, 20, 100)
_memory = Path("/dev/shm")  # noqa: S108 - the kernel's own memory file system, for heartbeats alone

wsgi_app = "webhook.server.serving:application()"
bind = bind_address(_settings.listen)
proc_name = "weighbridge-webhook"

# For gunicorn's own line on where it listens: `ServedCertificate` reads the pair, again when it changes.
certfile = str(Path(_settings.tls_directory) / CERTIFICATE)
keyfile = str(Path(_settings.tls_directory) / KEY)

# A review takes about a millisecond of Python: one process is enough. The event loop of our own worker waits for
# clients (docs/decisions/0009), threads decide.
worker_class = "webhook.server.worker.AdmissionWorker"
workers = 1
threads = 32

# How long a stopping server waits for requests that are in flight.
graceful_timeout = 10

# gunicorn would kill a worker whose heartbeat file is on a slow disk.
worker_tmp_dir = str(_memory) if _memory.is_dir() else None
# It would be in the home directory, which is read-only in the shipped pod.
control_socket_disable = True

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(message)s"},
        "words": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "line": {"class": "webhook.server.log.ThreadedHandler", "formatter": "line", "stream": "ext://sys.stdout"},
        "words": {"class": "webhook.server.log.ThreadedHandler", "formatter": "words", "stream": "ext://sys.stderr"},
    },
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["words"], "propagate": False},
        "webhook": {"level": "INFO", "handlers": ["words"], "propagate": False},
        "webhook.decisions": {"level": "INFO", "handlers": ["line"], "propagate": False},
    },
    "root": {"level": "WARNING", "handlers": ["words"]},
}


def application() -> Site:
    """Return what the worker serves, with a catalog that follows its files from now on."""
    # A thread with much to do gives way to those that have little: a large review, or a catalog that is read again.
    sys.setswitchinterval(_SWITCH_SECONDS)
    # What is loaded by now stays: a collection that walks through it all would hold up an admission.
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    tls = Path(_settings.tls_directory)
    if _settings.certificates == "built-in":
        _rotator(tls).follow()
    catalog = CatalogDirectory(Path(_settings.catalog_directory))
    catalog.follow()
    metrics = Metrics(catalog, tls)
    resolver = resolver_of(_settings, catalog.current, metrics.resolved)
    if resolver:
        Freshness(resolver, catalog.current).follow()
    asking = resolver.asking if resolver else None
    admission, probes = create_app(_settings, catalog, metrics, asking=asking), create_probes(tls, metrics)
    return Site(
        admission=admission,
        probes=probes,
        probe_listen=_settings.probe_listen,
        certificate=ServedCertificate(tls),
    )


def _rotator(directory: Path) -> Rotator:
    """Return what keeps the certificate in a directory. Raises ApiError outside of pods, BadNameError."""
    api = Api.of_pod(os.environ, Path(_settings.service_account_directory))
    return Rotator(api, Names.among(_settings.service_name, api.namespace, _settings.certificate_names), directory)


def on_starting(server: Any) -> None:
    """Log the operator's settings at start; none of them is secret. Wait for a certificate before there are clients."""
    server.log.info("%s", _settings)
    if _settings.certificates == "built-in":
        _rotator(Path(_settings.tls_directory)).begin()
