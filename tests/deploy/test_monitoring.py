"""Laws of alerts and dashboard: they read metrics that exist, and lead to a page that says what to do."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Part
from webhook.catalog import CatalogDirectory
from webhook.names import PULLER, READY, SIDECAR, WARM
from webhook.server.metrics import Metrics

from .rendered import DEPLOY, Object

_FOLDER = DEPLOY / "components" / "monitoring"
_OPERATE = (DEPLOY.parent / "docs" / "operate.md").read_text()
_KUBE_STATE_METRICS = {
    "kube_pod_init_container_status_waiting_reason",
    "kube_pod_init_container_status_running",
}
"""What kube-state-metrics tells of init containers, from its own documentation."""

_RULES: list[Object] = [
    rule
    for group in YAML(typ="safe", pure=True).load(_FOLDER / "alerts.yaml")["spec"]["groups"]
    for rule in group["rules"]
]

_EXPIRY = "weighbridge_certificate_expiry_timestamp_seconds"
_REFUSED = 'weighbridge_admission_requests_total{webhook="pods",result="refused",reason="model.unknown"}'
_BUCKET = "weighbridge_admission_duration_seconds_bucket"
_PULLER_OF = f'container="{PULLER}",namespace="inference",pod="vllm-0"'
_POD = {"namespace": "inference", "pod": "vllm-0"}
_STORIES: dict[str, tuple[dict[str, str], str, str]] = {
    "WeighbridgeDown": ({_EXPIRY: "5000000x20 stale"}, "20m", "40m"),
    # Of 15 days, seen for two: 14 are left after the first.
    "WeighbridgeCertificateExpires": ({_EXPIRY: "1296000x2880"}, "23h", "26h"),
    "WeighbridgeRefusals": ({_REFUSED: "0+0.1x400 40+5x60"}, "390m", "440m"),
    "WeighbridgeSlow": (
        {
            f'{_BUCKET}{{webhook="pods",le="1"}}': "0+60x60 3600+6x60",
            f'{_BUCKET}{{webhook="pods",le="2.5"}}': "0+60x120",
        }
        | {f'{_BUCKET}{{webhook="pods",le="+Inf"}}': "0+60x120"},
        "60m",
        "90m",
    ),
    "WeighbridgeCatalogBroken": ({"weighbridge_catalog_broken_entries": "0x10 1x30"}, "15m", "25m"),
    "WeighbridgePullsFail": (
        {f'kube_pod_init_container_status_waiting_reason{{reason="CrashLoopBackOff",{_PULLER_OF}}}': "0x10 1x30"},
        "15m",
        "25m",
    ),
    "WeighbridgePullsSlow": ({f"kube_pod_init_container_status_running{{{_PULLER_OF}}}": "1x60"}, "20m", "40m"),
}
"""For each alert: series, a moment at which it is quiet, and one at which it fires."""

_LABELS = {
    "WeighbridgeRefusals": {"reason": "model.unknown"},
    "WeighbridgeSlow": {"webhook": "pods"},
    "WeighbridgePullsFail": _POD,
    "WeighbridgePullsSlow": _POD,
}
"""What tells apart the alerts of one rule."""


def _expressions() -> list[str]:
    dashboard = json.loads((_FOLDER / "weighbridge.json").read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in _RULES] + targets


def test_every_metric_that_is_read_is_told(tmp_path: Path) -> None:
    """Names are those of the webhook's own exposition, or of kube-state-metrics."""
    metrics = Metrics(CatalogDirectory(tmp_path), tmp_path)
    metrics.count("pods", "refused", "model.unknown", 0.001)
    told = set(re.findall(r"^(\w+)", metrics.exposition("")[0].decode(), re.MULTILINE))
    read = {name for one in _expressions() for name in re.findall(r"\b(?:weighbridge|kube)_\w+", one)}

    assert read - told == _KUBE_STATE_METRICS


def test_containers_are_the_injected_ones() -> None:
    """With overlap a sidecar pulls, and lives on; the container that waits for the model is `weighbridge-ready`."""
    seen = {rule["alert"]: re.findall(r'container=~"([^"]+)"', rule["expr"]) for rule in _RULES}
    fitting = {
        alert: {name for name in (PULLER, SIDECAR, WARM, READY, "vllm") if re.fullmatch(patterns[0], name)}
        for alert, patterns in seen.items()
        if patterns
    }

    assert fitting == {"WeighbridgePullsFail": {PULLER, SIDECAR}, "WeighbridgePullsSlow": {PULLER, READY}}


@pytest.mark.parametrize("alert", _STORIES)
def test_an_alert_fires_for_what_it_is_about_and_not_before(alert: str, part: Part, tmp_path: Path) -> None:
    """Prometheus's own evaluation says so, of series as they would be scraped."""
    yaml = YAML(typ="safe", pure=True)
    yaml.dump({"groups": yaml.load(_FOLDER / "alerts.yaml")["spec"]["groups"]}, tmp_path / "rules.yaml")
    series, quiet, firing = _STORIES[alert]
    moments = [(quiet, []), (firing, [next(rule for rule in _RULES if rule["alert"] == alert)])]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "alertname": alert,
                "eval_time": moment,
                "exp_alerts": [
                    {"exp_labels": rule["labels"] | _LABELS.get(alert, {}), "exp_annotations": _said(rule)}
                    for rule in rules
                ],
            }
            for moment, rules in moments
        ],
    }
    yaml.dump({"rule_files": ["rules.yaml"], "tests": [test]}, tmp_path / "test.yaml")

    answer = subprocess.run(
        [part("promtool"), "test", "rules", "test.yaml"], check=False, capture_output=True, text=True, cwd=tmp_path
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def _said(rule: Object) -> dict[str, str]:
    """Return an alert's annotations with the labels' values in them."""
    labels = _LABELS.get(rule["alert"], {})
    return {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
        for name, text in rule["annotations"].items()
    }


def test_prometheus_takes_every_expression(part: Part, tmp_path: Path) -> None:
    """Panels are read as rules are: a slip in one is an empty panel that nobody notices."""
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(_expressions())]
    YAML(typ="safe", pure=True).dump({"groups": [{"name": "panels", "rules": rules}]}, tmp_path / "rules.yaml")

    check: list[str | Path] = [part("promtool"), "check", "rules", tmp_path / "rules.yaml"]
    answer = subprocess.run(check, check=False, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_has_its_story() -> None:
    """An alert that nobody saw firing is a hope."""
    assert set(_STORIES) == {rule["alert"] for rule in _RULES}


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_leads_to_what_to_do(rule: Object) -> None:
    """The runbook is a heading of the operators' page, of the alert's own name."""
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert page == "docs/operate.md"
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in _OPERATE
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["labels"]["severity"] in {"warning", "critical"}
