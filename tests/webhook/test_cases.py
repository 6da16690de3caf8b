"""Every admission case, through the functions that both the webhook and `inject` use."""

import copy
import json
from typing import Any

import jsonpatch
import pytest
from jsonpointer import resolve_pointer

from registry.errors import Fault
from tests.cases import Case, Expectation, load_cases
from webhook.contract import STATUS
from webhook.injection.inject import ALREADY, Injection, Skip, inject
from webhook.patch import diff
from webhook.warnings import warnings

CASES = load_cases()
_NOTHING = object()


def _of(kind: str) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in CASES if getattr(case, kind) is not None]


def _outcome(case: Case) -> Injection:
    outcome = inject(case.pod, case.catalog, case.settings, case.ask)
    assert isinstance(outcome, Injection), f"{case.law} But it was skipped: {outcome}"
    return outcome


def _injected(case: Case) -> dict[str, Any]:
    return _outcome(case).pod


@pytest.mark.parametrize("case", _of("expect_pod"))
def test_an_injected_pod_holds_what_its_case_expects(case: Case) -> None:
    """An injection makes of the pod what the case's law says."""
    expected = case.expect_pod
    assert isinstance(expected, Expectation)
    outcome = _outcome(case)
    pod = outcome.pod
    seen = pod | {"status": json.loads(pod["metadata"]["annotations"][STATUS.name])}
    found = {pointer: resolve_pointer(seen, pointer, _NOTHING) for pointer in expected.at}
    assert found == expected.at, case.law
    for pointer in expected.absent:
        assert resolve_pointer(pod, pointer, _NOTHING) is _NOTHING, case.law
    for pointer in expected.unchanged:
        assert resolve_pointer(pod, pointer) == resolve_pointer(case.pod, pointer), case.law
    said = (*warnings(case.pod), *outcome.warnings)
    assert len(said) == len(expected.warnings), said
    for part in expected.warnings:
        assert any(part in warning for warning in said), said


@pytest.mark.parametrize("case", _of("expect_refusal"))
def test_a_refused_pod_is_told_its_code_and_what_to_mend(case: Case) -> None:
    """A refusal has the case's code, names the facts, and always has a hint."""
    with pytest.raises(Fault) as caught:
        inject(case.pod, case.catalog, case.settings, case.ask)
    assert caught.value.code == case.expect_refusal
    assert case.expect_message in caught.value.explain()
    assert caught.value.hint


@pytest.mark.parametrize("case", _of("expect_skip"))
def test_a_skipped_pod_is_told_why(case: Case) -> None:
    """A pod that is left alone has a code that says why."""
    outcome = inject(case.pod, case.catalog, case.settings, case.ask)
    assert isinstance(outcome, Skip)
    assert outcome.code == case.expect_skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_given_pod_itself_is_never_changed(case: Case) -> None:
    """Injection works on a copy, even when it refuses."""
    before = copy.deepcopy(case.pod)
    try:
        inject(case.pod, case.catalog, case.settings, case.ask)
    except Fault:
        assert case.expect_refusal
    assert case.pod == before


@pytest.mark.parametrize("case", _of("expect_pod"))
def test_a_second_pass_changes_nothing(case: Case) -> None:
    """Injecting an injected pod is a no-op."""
    assert inject(_injected(case), case.catalog, case.settings, case.ask) is ALREADY


@pytest.mark.parametrize("case", _of("expect_pod"))
def test_the_patch_makes_the_injected_pod_and_replaces_no_list(case: Case) -> None:
    """The patch yields exactly the injected pod, and adds to the lists that the pod has."""
    pod = _injected(case)
    operations = diff(case.pod, pod)
    assert jsonpatch.apply_patch(case.pod, operations) == pod
    assert {operation["op"] for operation in operations} <= {"add", "replace"}
    for operation in operations:
        if operation["op"] == "replace":
            assert not isinstance(resolve_pointer(case.pod, operation["path"]), list | dict)


def test_every_case_says_exactly_one_fate() -> None:
    """A case expects an injection, a refusal or a skip, and just one of them."""
    for case in CASES:
        fates = [case.expect_pod, case.expect_refusal, case.expect_skip]
        assert sum(fate is not None for fate in fates) == 1, case.name
