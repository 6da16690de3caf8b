"""Every refusal and warning, as its user reads it: the key, the value cut, what is allowed, and no parser's prose."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from registry.errors import Fault, SourceUnsupported
from tests.cases import Case, load_cases
from webhook.contract import KEYS
from webhook.injection.inject import Injection, inject
from webhook.injection.warnings import InjectionWarning
from webhook.refusals import BadAnnotation, Refusal, WrongSystem
from webhook.request import Request
from webhook.values.key import Key

REFUSED = [case for case in load_cases() if case.expect_refusal]
INJECTED = [case for case in load_cases() if case.expect_pod]
LONG = "'" + "ä\n$(X) " * 400
_PROSE = re.compile(r"while (parsing|scanning)|line \d+, column|Traceback|object at 0x|expected str|KeyError|NoneType")
_LONGEST = 512
"""More than a terminal shows well: facts and remedy in a few lines."""


def refusals() -> Iterator[type[Refusal]]:
    """Yield every refusal."""
    yield from Refusal.__subclasses__()


def refused(case: Case) -> Fault:
    """Return the refusal of a case."""
    with pytest.raises(Fault) as caught:
        inject(case.pod, case.catalog, case.settings, case.ask)
    return caught.value


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_refusal_is_short_and_says_what_to_do(case: Case) -> None:
    """Within a few lines, without a parser's own words, with a hint that is not the message again."""
    fault = refused(case)
    said = fault.explain()
    assert len(said) <= _LONGEST
    assert not _PROSE.search(said)
    assert fault.hint
    assert fault.hint not in str(fault)
    assert said == said.strip()
    assert "\n" not in said


def test_each_refusal_is_met_by_a_case() -> None:
    """What no case reaches, no user can."""
    met = {type(refused(case)) for case in REFUSED}
    assert set(refusals()) - met == set()


@pytest.mark.parametrize("key", [key for key in KEYS if key.kind == "annotation"], ids=lambda key: key.name)
@pytest.mark.parametrize("value", ["?", "", LONG, "a" * 4096, "x" * 5000, 7, None, ["x"], {"a": 1}], ids=str)
def test_a_wrong_value_is_named_with_its_key_and_cut(key: Key[object], value: object) -> None:
    """Whatever stands there: the key comes first, and no more than a line of the value follows."""
    pod = {"metadata": {"labels": {"weighbridge.dev/model": "phi-4"}, "annotations": {key.name: value}}}
    fault = _fault_of(pod)
    if fault is None:
        return  # every text is right for some keys
    assert isinstance(fault, Refusal | SourceUnsupported)
    assert key.name in str(fault)
    assert len(fault.explain()) <= _LONGEST
    assert LONG[:100] not in fault.explain()
    assert isinstance(fault, BadAnnotation) or f"{key.name} is " in str(fault)


def _fault_of(pod: dict[str, Any]) -> Fault | None:
    try:
        Request.read(pod)
    except Fault as fault:
        return fault
    return None


@pytest.mark.parametrize("value", ["org/phi-4", "", "-x", "x" * 64, "a b", 7])
def test_a_wrong_model_names_the_label(value: object) -> None:
    """A label cannot hold a registry's path; the hint says where that goes."""
    with pytest.raises(Refusal) as caught:
        Request.read({"metadata": {"labels": {"weighbridge.dev/model": value}}})
    assert "the label weighbridge.dev/model is " in str(caught.value)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda refusal: refusal.__name__)
def test_a_hint_says_what_is_allowed_or_what_to_type(refusal: type[Refusal]) -> None:
    """In lower case, without a full stop, as the rest of a line."""
    assert refusal.hint
    assert refusal.hint[0].islower()
    assert not refusal.hint.endswith(".") or refusal.hint.endswith((" .", "- and ."))


@pytest.mark.parametrize("case", INJECTED, ids=lambda case: case.name)
def test_a_warning_fits_into_what_the_api_server_shows(case: Case) -> None:
    """256 bytes, its code first."""
    outcome = inject(case.pod, case.catalog, case.settings, case.ask)
    assert isinstance(outcome, Injection)
    for warning in outcome.warnings:
        assert len(warning.encode()) <= 256
        assert re.match(r"\[[a-z-]+\.[a-z-]+\] ", warning)


def test_each_warning_is_met_by_a_case() -> None:
    """But those of an earlier injection and of a Deployment: test_second_pass.py and test_workloads.py have them."""
    outcomes = [inject(case.pod, case.catalog, case.settings, case.ask) for case in INJECTED]
    said = {warning.partition("]")[0][1:] for one in outcomes if isinstance(one, Injection) for warning in one.warnings}
    codes = {warning.code for warning in InjectionWarning.__subclasses__()}
    assert codes - said == {"injection.renewed", "deadline.short"}


def test_the_system_of_a_pod_is_told_by_its_field() -> None:
    """So that its author finds the line."""
    fault = refused(next(case for case in REFUSED if case.name == "refused-windows"))
    assert isinstance(fault, WrongSystem)
    assert "spec.os.name" in str(fault)
