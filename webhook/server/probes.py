"""The HTTP application for the kubelet and for Prometheus.

Tests: tests/webhook/test_app.py
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, jsonify, request

from .metrics import Metrics
from .tls import BadCertificate, check_certificate

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_probes(tls_directory: Path, metrics: Metrics, now: Clock = utc_now) -> Flask:
    """Return the application. `now` is the clock for certificates' validity."""
    app = Flask(__name__)
    add_probes(app, tls_directory, now)

    @app.get("/metrics")
    def scrape() -> Response:
        content, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return Response(content, content_type=content_type)

    return app


def add_probes(app: Flask, tls_directory: Path, now: Clock) -> None:
    """Add /healthz, which says that the server answers, and /readyz, which says that clients would trust it."""

    @app.get("/healthz")
    def healthz() -> str:
        return "ok\n"

    @app.get("/readyz")
    def readyz() -> str:
        check_certificate(tls_directory, now())
        return "ok\n"

    @app.errorhandler(BadCertificate)
    def not_ready(fault: BadCertificate) -> tuple[Response, int]:
        return jsonify(code=fault.code, message=str(fault), hint=fault.hint), 503
