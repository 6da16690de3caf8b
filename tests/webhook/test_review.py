"""AdmissionReview, as the API server speaks and takes it."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.refusals import UnknownModel
from webhook.review import BadReview, Review, allow, deny


def request_body(obj: Any, **request: Any) -> dict[str, Any]:
    """Make a review of one object, as the API server would send it."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u-1", "operation": "CREATE", "kind": {"kind": "Pod"}, "object": obj} | request,
    }


def _review(**request: Any) -> Review:
    return Review.parse(json.dumps(request_body({"metadata": {"generateName": "vllm-"}}, **request)).encode())


def test_a_review_gives_the_name_that_is_known_so_far() -> None:
    """A pod made from a template has no name yet, but the beginning of one."""
    review = _review(namespace="team-a")
    assert (review.uid, review.namespace, review.name, review.old_object) == ("u-1", "team-a", "vllm-", None)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"apiVersion": "admission.k8s.io/v1beta1"}, "apiVersion"),
        ({"kind": "Pod"}, "kind"),
        ({"request": None}, "request"),
        ({"request": {}}, "uid"),
        ({"request": {"uid": "u", "operation": "CREATE", "kind": {"kind": "Pod"}, "object": []}}, "request.object"),
        ({"request": {"uid": "u", "operation": "CREATE", "kind": "Pod", "object": {}}}, "request.kind"),
    ],
)
def test_a_malformed_review_is_refused_by_the_field_that_is_wrong(change: dict[str, Any], named: str) -> None:
    """The reason names the field."""
    with pytest.raises(BadReview, match=named):
        Review.parse(json.dumps(request_body({}) | change).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_a_review_or_a_bad_one(body: bytes) -> None:
    """No body raises anything but BadReview."""
    with pytest.raises(BadReview):
        Review.parse(body)


def test_deep_nesting_is_a_bad_review() -> None:
    """A body that would exhaust the parser's stack is refused like any other."""
    with pytest.raises(BadReview):
        Review.parse(b"[" * 200_000)


def test_an_answer_echoes_the_uid_and_has_patch_and_type_together() -> None:
    """The API server takes a patch without its type, or an empty one with it, for an error."""
    operations = [{"op": "add", "path": "/a", "value": 1}]
    answer = allow(_review(), operations)["response"]
    assert (answer["uid"], answer["allowed"], answer["patchType"]) == ("u-1", True, "JSONPatch")
    assert json.loads(base64.b64decode(answer["patch"])) == operations
    assert allow(_review(), []) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u-1", "allowed": True},
    }


def test_a_denial_says_code_facts_and_hint() -> None:
    """Who applied the object reads what to mend."""
    response = deny(_review(), UnknownModel("no such model", hint="add it"))["response"]
    assert response["allowed"] is False
    assert response["status"] == {"code": 403, "message": "[model.unknown] no such model; add it"}


def test_warnings_are_sixteen_at_most_and_the_last_counts_the_others() -> None:
    """Nobody reads more, and a user can cause thousands."""
    warned = allow(_review(), [], tuple(map(str, range(40))))["response"]["warnings"]
    assert (len(warned), warned[14:]) == (16, ["14", "and 25 more warnings"])


@given(st.text(min_size=200, max_size=400))
def test_a_warning_fits_into_what_the_api_server_shows(text: str) -> None:
    """A warning is cut at 256 bytes, between characters."""
    (warning,) = allow(_review(), [], (text,))["response"]["warnings"]
    assert len(warning.encode()) <= 256
    assert warning == text or text.startswith(warning[:-1])
