"""AdmissionReview v1: the API server's requests, and the answers to them."""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from registry.errors import Fault

from .patch import Operation
from .pod.podspec import Raw, mapping

_API_VERSION = "admission.k8s.io/v1"
_KIND = "AdmissionReview"
# The API server may truncate longer ones (admission/v1, Warnings).
_WARNING_LIMIT = 256
_WARNINGS = 16
# Work and memory grow with the number of values, of which two bytes can be one. No object of an API server comes near
# either bound; managed fields are what nests most, some 20 levels deep.
_VALUES = 200_000
_LEVELS = 100
_QUOTE = 80


class BadReview(Fault):
    """A request that is no AdmissionReview."""

    code = "review.malformed"
    hint = "only a Kubernetes API server is answered here, in admission.k8s.io/v1"


class ReviewTooLarge(BadReview):
    """A request that is larger than any object that an API server stores."""

    code = "review.too-large"


class WrongContentType(BadReview):
    """A request that does not say that it is JSON."""

    code = "review.content-type"


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One request of the API server. `old_object` is None except for updates."""

    uid: str
    operation: str
    kind: str
    namespace: str
    obj: Raw
    old_object: Raw | None
    is_dry_run: bool = False
    is_patch: bool = False
    """Whether the user sent a part of the object; PatchOptions says so (admission/v1, AdmissionRequest.options)."""

    @classmethod
    def parse(cls, body: bytes) -> "Review":
        """Parse a request body; raise BadReview that names the field, or ReviewTooLarge."""
        review = _load(body)
        if not isinstance(review, dict):
            raise BadReview("the body is no JSON object")
        for field, wanted in (("apiVersion", _API_VERSION), ("kind", _KIND)):
            if review.get(field) != wanted:
                raise BadReview(f"{field}: wanted {wanted!r}, got {_quoted(review.get(field))}")
        request = _mapping_at(review, "request", "request")
        return cls(
            uid=_text(request, "uid"),
            operation=_text(request, "operation"),
            kind=_text(_mapping_at(request, "kind", "request.kind"), "kind"),
            namespace=str(request.get("namespace") or ""),
            obj=_mapping_at(request, "object", "request.object"),
            old_object=_old_object(request),
            is_dry_run=request.get("dryRun") is True,
            is_patch=mapping(request, "options").get("kind") == "PatchOptions",
        )

    @property
    def name(self) -> str:
        """The object's name, or its generateName."""
        metadata = mapping(self.obj, "metadata")
        return str(metadata.get("name") or metadata.get("generateName") or "")


def allow(review: Review, operations: list[Operation], warnings: tuple[str, ...] = ()) -> Raw:
    """Return the answer that allows the object, changed by `operations`; none of them means unchanged."""
    response: Raw = {"uid": review.uid, "allowed": True}
    if operations:
        # both or neither: the API server treats an empty patch as an error
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(operations).encode()).decode()
    return _envelope(response, warnings)


def deny(review: Review, fault: Fault, status_code: int = 403) -> Raw:
    """Return the answer that refuses the object, with the fault's code and hint in its message."""
    status = {"code": status_code, "message": f"[{fault.code}] {fault.explain()}"}
    return _envelope({"uid": review.uid, "allowed": False, "status": status}, ())


def _envelope(response: Raw, warnings: tuple[str, ...]) -> Raw:
    if warnings:
        response["warnings"] = [_shortened(text) for text in _first(warnings)]
    return {"apiVersion": _API_VERSION, "kind": _KIND, "response": response}


def _first(warnings: tuple[str, ...]) -> tuple[str, ...]:
    if len(warnings) <= _WARNINGS:
        return warnings
    shown = warnings[: _WARNINGS - 1]
    return (*shown, f"and {len(warnings) - len(shown)} more warnings")


def _shortened(text: str) -> str:
    # the limit counts bytes, and a character may have four of them; half a pair of surrogates has none
    encoded = text.encode(errors="replace")
    if len(encoded) <= _WARNING_LIMIT:
        return encoded.decode()
    mark = "…"
    return encoded[: _WARNING_LIMIT - len(mark.encode())].decode(errors="ignore") + mark


def _load(body: bytes) -> Any:
    if body.count(b",") + body.count(b"{") + body.count(b"[") > _VALUES:
        raise ReviewTooLarge(f"the body holds more than {_VALUES} values")
    try:
        review = json.loads(body.decode(), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadReview(f"the body is no JSON: {error}") from error
    _check_depth(review)
    return review


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _check_depth(value: Any) -> None:
    # Everything after this walks by recursion.
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_LEVELS):
        children = [child for parent in level for child in (parent.values() if isinstance(parent, dict) else parent)]
        level = [child for child in children if isinstance(child, dict | list)]
    if level:
        raise BadReview(f"the body is nested more than {_LEVELS} levels deep")


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTE else f"{text[:_QUOTE]}…"


def _mapping_at(parent: dict[str, Any], key: str, path: str) -> Raw:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise BadReview(f"{path}: wanted an object, got {type(value).__name__}")
    return value


def _old_object(request: Raw) -> Raw | None:
    return None if request.get("oldObject") is None else _mapping_at(request, "oldObject", "request.oldObject")


def _text(parent: Raw, key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        raise BadReview(f"request.{key}: wanted text, got {_quoted(value)}")
    return value
