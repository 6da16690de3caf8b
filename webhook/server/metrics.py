"""What Prometheus is told of the webhook.

Tests: tests/webhook/test_app.py
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from webhook.catalog import CatalogDirectory
from webhook.resolving.answer import Answer, Unknown

from .log import dropped_lines
from .tls import expiry_of

# The API server's own histogram of admissions begins at 5 ms, which is where ours is to end.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2.5, 5)


class Metrics:
    """Counters of one process, in a registry of their own.

    Every label's values are of a fixed set: paths, results, and codes of decisions.
    """

    def __init__(self, catalog: CatalogDirectory, tls_directory: Path) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "weighbridge_admission_requests",
            "Requests of the API server, by webhook, result (changed, unchanged, refused, failed) and reason.",
            ("webhook", "result", "reason"),
            registry=self._registry,
        )
        self._duration = Histogram(
            "weighbridge_admission_duration_seconds",
            "Time from a whole request to its answer, by webhook.",
            ("webhook",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._resolved = Counter(
            "weighbridge_resolve_answers",
            "Answers to what a reference means, by result (found, or why not) and by source (kept, or asked for).",
            ("result", "source"),
            registry=self._registry,
        )
        self._add_gauges(catalog, tls_directory)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def count(self, webhook: str, result: str, reason: str, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(webhook, result, reason).inc()
        self._duration.labels(webhook).observe(seconds)

    def resolved(self, answer: Answer, was_kept: bool) -> None:  # noqa: FBT001 - a callback of two values
        """Count one answer about a reference."""
        result = answer.code if isinstance(answer, Unknown) else "found"
        self._resolved.labels(result, "kept" if was_kept else "asked").inc()

    def exposition(self, accepted: str) -> tuple[bytes, str]:
        """Return the metrics in the format that the header `Accept` asks for, and its content type."""
        encoder, content_type = choose_encoder(accepted)
        return encoder(self._registry), content_type

    def _add_gauges(self, catalog: CatalogDirectory, tls_directory: Path) -> None:
        gauges = {
            "weighbridge_catalog_entries": ("Models in the catalog.", lambda: len(catalog.current().entries)),
            "weighbridge_catalog_broken_entries": (
                "Entries of the catalog that cannot be read.",
                lambda: len(catalog.current().broken),
            ),
            "weighbridge_log_dropped_lines": ("Lines of the log that nobody read in time.", dropped_lines),
            "weighbridge_certificate_expiry_timestamp_seconds": (
                "When the served certificate expires; 0 if it cannot be read.",
                lambda: expiry_of(tls_directory).timestamp(),
            ),
        }
        for name, (meaning, read) in gauges.items():
            Gauge(name, meaning, registry=self._registry).set_function(read)
