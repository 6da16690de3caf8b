"""The HTTP application for the API server.

Tests: tests/webhook/test_app.py
"""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from registry.errors import Fault
from webhook.admit import Decision, admit_pod, admit_workload, advise_on_label, advise_on_namespace
from webhook.catalog import CatalogDirectory
from webhook.resolving.answer import Ask, ask_nobody
from webhook.review import BadReview, Review, ReviewTooLarge, WrongContentType, allow, deny
from webhook.settings import Settings

from .connection import BODY_LIMIT
from .metrics import Metrics
from .probes import Clock, add_probes, utc_now
from .wsgi import RECEIVED

_PATIENCE_SECONDS = 2.5
"""How old an admission may be that waits for registries: the API server gives it five seconds, thread and all."""

_log = logging.getLogger(__name__)
_decisions = logging.getLogger("webhook.decisions")


class InternalError(Fault):
    """A mistake of ours."""

    code = "internal"
    hint = "its log says where; a pod with the label weighbridge.dev/injection: disabled passes without its model"


def create_app(
    settings: Settings,
    catalog: CatalogDirectory,
    metrics: Metrics,
    now: Clock = utc_now,
    asking: Callable[[str, float], Ask] | None = None,
) -> Flask:
    """Return the application.

    `now` is the clock for certificates' validity. `asking` returns how registries are asked for a namespace, and
    until when on the monotonic clock; without it none is asked.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    # The port for probes answers while this one is busy; here they show that clients come through.
    add_probes(app, Path(settings.tls_directory), now)

    def ask_for(review: Review) -> Ask:
        # Large reviews wait for one thread: each would add its own patience to that of those behind it.
        return asking(review.namespace, g.started + _PATIENCE_SECONDS) if asking else ask_nobody

    @app.before_request
    def start_clock() -> None:
        g.started = request.environ.get(RECEIVED, time.monotonic())

    @app.post("/mutate/pods")
    def mutate_pods() -> Response:
        def decide(review: Review) -> Decision:
            return admit_pod(review, catalog.current(), settings, ask_for(review))

        return _answer(decide, _refuse, metrics)

    @app.post("/mutate/workloads")
    def mutate_workloads() -> Response:
        def decide(review: Review) -> Decision:
            return admit_workload(review, catalog.current(), settings, ask_for(review))

        return _answer(decide, _let_pass, metrics)

    @app.post("/advise/label")
    def advise_label() -> Response:
        return _answer(advise_on_label, _let_pass, metrics)

    @app.post("/advise/namespace")
    def advise_namespace() -> Response:
        return _answer(advise_on_namespace, _let_pass, metrics)

    _handle_failures(app, metrics)
    return app


def _handle_failures(app: Flask, metrics: Metrics) -> None:
    """Answer what is no review by its code, and count it."""

    def failure(fault: Fault, status: int) -> Response:
        metrics.count(_webhook(), "failed", fault.code, time.monotonic() - g.started)
        response = jsonify(code=fault.code, message=str(fault), hint=fault.hint)
        response.status_code = status
        return response

    too_large = ReviewTooLarge(f"the body is larger than {BODY_LIMIT} bytes")
    app.register_error_handler(BadReview, lambda fault: failure(fault, 400))
    app.register_error_handler(ReviewTooLarge, lambda fault: failure(fault, 413))
    app.register_error_handler(WrongContentType, lambda fault: failure(fault, 415))
    app.register_error_handler(RequestEntityTooLarge, lambda _: failure(too_large, 413))


def _webhook() -> str:
    return request.path.rpartition("/")[2]


def _answer(decide: Callable[[Review], Decision], on_crash: Callable[[Review], Decision], metrics: Metrics) -> Response:
    """Parse the request, decide, log one line, count it, and answer."""
    if request.mimetype != "application/json":
        raise WrongContentType(f"wanted application/json, got {request.mimetype[:80] or 'no content type'}")
    review = Review.parse(request.get_data())
    try:
        decision = decide(review)
    except Exception:  # noqa: BLE001 - the API server gets an answer after any error
        _log.exception("crashed on the review %s", review.uid)
        decision = on_crash(review)
    seconds = time.monotonic() - g.started
    metrics.count(_webhook(), decision.result, decision.code, seconds)
    _decisions.info(json.dumps(_line(review, decision, seconds)))
    return jsonify(decision.answer)


def _line(review: Review, decision: Decision, seconds: float) -> dict[str, object]:
    return {
        "webhook": request.path,
        "operation": review.operation,
        "kind": review.kind,
        "namespace": review.namespace,
        "name": review.name,
        "uid": review.uid,
        "dry_run": review.is_dry_run,
        "result": decision.result,
        "code": decision.code,
        "milliseconds": round(seconds * 1000, 3),
    }


def _refuse(review: Review) -> Decision:
    # A labelled pod must not start without its weights in silence.
    fault = InternalError("the webhook failed on this pod")
    return Decision(fault.code, deny(review, fault, 500), has_crashed=True)


def _let_pass(review: Review) -> Decision:
    # A workload without its label copied makes pods as before: that is no reason to refuse it.
    fault = InternalError("the webhook failed on this workload; its pods do not get the model")
    return Decision(fault.code, allow(review, [], (f"[{fault.code}] {fault.explain()}",)), has_crashed=True)
