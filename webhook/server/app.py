"""The HTTP server: two endpoints for the API server, and two for the kubelet."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from registry.errors import Fault
from webhook.admit import Decision, admit_pod, admit_workload
from webhook.catalog import CatalogDirectory
from webhook.review import BadReview, Review, ReviewTooLarge, WrongContentType, allow, deny
from webhook.settings import Settings

from .tls import BadCertificate, check_certificate

# The API server's own limit on objects is 3 MiB; a review of an update has two of them.
BODY_LIMIT = 8 << 20
_SKIP_LIMIT = 64 << 20
_SKIP_BYTES = 1 << 20

_log = logging.getLogger(__name__)
_decisions = logging.getLogger("webhook.decisions")


class InternalError(Fault):
    """A mistake of ours."""

    code = "internal"
    hint = "its log says where; a pod with the label weighbridge.dev/injection: disabled passes without its model"


def create_app(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """Return the application. `now` is the clock for certificates' validity."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    catalog = CatalogDirectory(Path(settings.catalog_directory))

    @app.post("/mutate/pods")
    def mutate_pods() -> Response:
        return _answer(lambda review: admit_pod(review, catalog.current(), settings), _refuse)

    @app.post("/mutate/workloads")
    def mutate_workloads() -> Response:
        return _answer(lambda review: admit_workload(review, catalog.current(), settings), _let_pass)

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
    app.register_error_handler(BadReview, lambda fault: _failure(fault, 400))
    app.register_error_handler(WrongContentType, lambda fault: _failure(fault, 415))
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(BadCertificate, lambda fault: _failure(fault, 503))


def _answer(decide: Callable[[Review], Decision], on_crash: Callable[[Review], Decision]) -> Response:
    """Parse the request, decide, log one line, and answer."""
    started = time.monotonic()
    if request.mimetype != "application/json":
        raise WrongContentType(f"wanted application/json, got {request.mimetype or 'no content type'}")
    review = Review.parse(request.get_data())
    try:
        decision = decide(review)
    except Exception:  # noqa: BLE001 - the API server gets an answer after any error
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
    # A workload without its label copied makes pods as before: that is no reason to refuse it.
    fault = InternalError("the webhook failed on this workload; its pods do not get the model")
    return Decision(fault.code, allow(review, [], (f"[{fault.code}] {fault.explain()}",)))


def _failure(fault: Fault, status: int) -> Response:
    response = jsonify(code=fault.code, message=str(fault), hint=fault.hint)
    response.status_code = status
    return response


def _too_large(_: RequestEntityTooLarge) -> Response:
    _skip(request.environ["wsgi.input"])
    response = _failure(ReviewTooLarge(f"the body is larger than {BODY_LIMIT} bytes"), 413)
    # the rest of the body must not be read as the next request
    response.headers["Connection"] = "close"
    return response


def _skip(body: IO[bytes]) -> None:
    """Read and discard a body, up to a limit: a client cut off earlier would see a broken pipe, not the answer."""
    for _ in range(_SKIP_LIMIT // _SKIP_BYTES):
        if not body.read(_SKIP_BYTES):
            return
