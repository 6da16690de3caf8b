"""Every admission case over HTTP: what the functions decide is what the API server is answered."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from flask.testing import FlaskClient

from tests.cases import Case, load_cases
from webhook.catalog import CatalogDirectory
from webhook.injection.inject import Injection, inject
from webhook.server.app import create_app
from webhook.server.metrics import Metrics

from .test_app import NOW
from .test_review import request_body

CASES = load_cases()


def _client(case: Case, folder: Path) -> FlaskClient:
    """Return the application with the case's settings and catalog."""
    for name, text in case.given_catalog.items():
        (folder / name).write_text(text)
    settings = replace(case.settings, catalog_directory=str(folder), tls_directory=str(folder))
    catalog = CatalogDirectory(folder)
    return create_app(settings, catalog, Metrics(catalog, folder), lambda: NOW, lambda *_: case.ask).test_client()


def _answer(case: Case, folder: Path) -> dict[str, Any]:
    answer = _client(case, folder).post("/mutate/pods?timeout=5s", json=request_body(case.pod, namespace="team"))
    assert answer.status_code == 200
    response: dict[str, Any] = answer.get_json()["response"]
    return response


@pytest.mark.parametrize("case", [case for case in CASES if case.expect_pod], ids=lambda case: case.name)
def test_the_answers_patch_makes_the_pod(case: Case, tmp_path: Path) -> None:
    """Base64, JSON Patch, warnings: nothing is lost on the way."""
    response = _answer(case, tmp_path)
    expected = inject(case.pod, case.catalog, case.settings, case.ask)
    assert isinstance(expected, Injection)
    assert response["allowed"] is True
    assert response["patchType"] == "JSONPatch"
    assert jsonpatch.apply_patch(case.pod, json.loads(base64.b64decode(response["patch"]))) == expected.pod
    assert set(expected.warnings) <= set(response.get("warnings", ()))


@pytest.mark.parametrize("case", [case for case in CASES if case.expect_refusal], ids=lambda case: case.name)
def test_the_answer_refuses_with_code_facts_and_hint(case: Case, tmp_path: Path) -> None:
    """A refusal is an answer, and no failure of the server."""
    response = _answer(case, tmp_path)
    assert response["allowed"] is False
    assert response["status"]["message"].startswith(f"[{case.expect_refusal}] ")
    assert case.expect_message in response["status"]["message"]


@pytest.mark.parametrize("case", [case for case in CASES if case.expect_skip], ids=lambda case: case.name)
def test_the_answer_leaves_a_skipped_pod_alone(case: Case, tmp_path: Path) -> None:
    """No patch, and no patch type either."""
    response = _answer(case, tmp_path)
    assert response["allowed"] is True
    assert "patch" not in response
