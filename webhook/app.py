"""HTTP: two questions that the API server asks, and two that the kubelet asks."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from registry.errors import Fault

from .admit import Decision, admit_pod, admit_workload
from .catalog import CatalogDirectory
from .review import BadReview, Review, allow, deny
from .settings import Settings
from .tls import BadCertificate, check_certificate

# The API server's own limit on objects is 3 MiB; a review of an update has two of them.
BODY_LIMIT = 8 << 20

_log = logging.getLogger(__name__)
_decisions = logging.getLogger("webhook.decisions")


class InternalError(Fault):
    """A mistake of ours."""

    code = "internal"
    remedy = "its log says where; a pod with the label weighbridge.dev/injection: disabled passes without its model"


def create_app(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """Make the application. `now` is the clock that certificates are held against."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    catalog = CatalogDirectory(Path(settings.catalog_directory))

    @app.post("/mutate/pods")
    def mutate_pods() -> Response:
        return _answer(lambda review: admit_pod(review, catalog.current(), settings), _refuse)

    @app.post("/mutate/workloads")
    def mutate_workloads() -> Response:
        return _answer(admit_workload, _let_pass)

    @app.get("/healthz")
    def healthz() -> str:
        return "ok\n"

    @app.get("/readyz")
    def readyz() -> str:
        check_certificate(Path(settings.tls_directory), now())
        return "ok\n"

    _explain_failures(app)
    return app


def _explain_failures(app: Flask) -> None:
    app.register_error_handler(BadReview, lambda error: _failure(error, 400))
    app.register_error_handler(BadCertificate, lambda error: _failure(error, 503))
    app.register_error_handler(HTTPException, _http_failure)


def _answer(decide: Callable[[Review], Decision], on_crash: Callable[[Review], Decision]) -> Response:
    """Parse the request, decide, log one line, and answer."""
    started = time.monotonic()
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"wanted application/json, got {request.mimetype or 'no content type'}")
    review = Review.parse(request.get_data())
    try:
        decision = decide(review)
    except Exception:  # noqa: BLE001 - whatever went wrong, the API server gets an answer
        _log.exception("crashed on the review %s", review.uid)
        decision = on_crash(review)
    line = {
        "webhook": request.path,
        "operation": review.operation,
        "kind": review.kind,
        "namespace": review.namespace,
        "name": review.name,
        "uid": review.uid,
        "code": decision.code,
        "milliseconds": round((time.monotonic() - started) * 1000, 3),
    }
    _decisions.info(json.dumps(line))
    return jsonify(decision.answer)


def _refuse(review: Review) -> Decision:
    # A labelled pod must not start without its weights in silence.
    fault = InternalError("the webhook failed on this pod")
    return Decision(fault.code, deny(review, fault, 500))


def _let_pass(review: Review) -> Decision:
    # A workload without its label copied makes pods as before: no reason to keep it from being applied.
    fault = InternalError("the webhook failed on this workload; its pods do not get the model")
    return Decision(fault.code, allow(review, [], (f"[{fault.code}] {fault.explain()}",)))


def _failure(fault: Fault, status: int) -> Response:
    response = jsonify(code=fault.code, message=str(fault), remedy=fault.remedy)
    response.status_code = status
    return response


def _http_failure(error: HTTPException) -> Response:
    response = jsonify(code=f"http.{error.code}", message=error.description)
    response.status_code = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        # the rest of the body is not read, so the connection cannot serve another request
        response.headers["Connection"] = "close"
    return response
