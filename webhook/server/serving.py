"""The settings of gunicorn, which reads this module (`--config python:webhook.server.serving`).

Each name below is one of gunicorn's settings, except those that begin with an underscore and `application`.
"""

import os
from pathlib import Path
from typing import Any

from flask import Flask

from webhook.settings import Settings

from .app import create_app
from .tls import CERTIFICATE, KEY

_settings = Settings.from_env(os.environ)
_memory = Path("/dev/shm")  # noqa: S108 - the kernel's own memory file system, for heartbeats alone

wsgi_app = "webhook.server.serving:application()"
bind = _settings.listen
proc_name = "weighbridge-webhook"

# gunicorn reads the pair for each new connection, so a renewed certificate needs no restart.
certfile = str(Path(_settings.tls_directory) / CERTIFICATE)
keyfile = str(Path(_settings.tls_directory) / KEY)

# A review takes about a millisecond of Python: one process is enough. Threads, because a connection that waits in
# its TLS handshake must not block others.
worker_class = "gthread"
workers = 1
threads = 16

# Longer than the 90 s for which the API server keeps idle connections: gunicorn must not close one first,
# because the API server does not send a POST again.
keepalive = 120
# At its stop, the server waits for idle connections as well.
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
        "line": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"},
        "words": {"class": "logging.StreamHandler", "formatter": "words", "stream": "ext://sys.stderr"},
    },
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["words"], "propagate": False},
        "webhook": {"level": "INFO", "handlers": ["words"], "propagate": False},
        "webhook.decisions": {"level": "INFO", "handlers": ["line"], "propagate": False},
    },
    "root": {"level": "WARNING", "handlers": ["words"]},
}


def application() -> Flask:
    """Return the application that gunicorn serves."""
    return create_app(_settings)


def on_starting(server: Any) -> None:
    """Log the operator's settings at start; none of them is secret."""
    server.log.info("%s", _settings)
