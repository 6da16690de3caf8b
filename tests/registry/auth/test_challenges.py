"""Challenges as RFC 9110 has them: lists of lists, quoted commas, escapes, opaque words, and nonsense."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.auth.challenges import HEADER_LIMIT, Challenge, parse_challenges

REALM = {"realm": "https://a/t", "service": "s"}
BEARER, BASIC = Challenge("bearer", REALM), Challenge("basic", {"realm": "R"})


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (['Bearer realm="https://a/t",service="s"'], [BEARER]),
        (["BASIC realm=plain"], [Challenge("basic", {"realm": "plain"})]),
        (['Bearer realm="a, b", scope="x,y"'], [Challenge("bearer", {"realm": "a, b", "scope": "x,y"})]),
        (["Negotiate"], [Challenge("negotiate")]),
        (['Basic realm="R", Bearer realm="https://a/t",service="s"'], [BASIC, BEARER]),
        (['Bearer realm="https://a/t",service="s", Basic realm="R"'], [BEARER, BASIC]),
        (["Negotiate, NTLM", 'Basic realm="R"'], [Challenge("negotiate"), Challenge("ntlm"), BASIC]),
        (["NTLM TlRM+/==, Negotiate YII="], [Challenge("ntlm"), Challenge("negotiate")]),
        ([r'Basic realm="say \"a\\b\", then"'], [Challenge("basic", {"realm": r'say "a\b", then'})]),
        ([', ,\tBearer  REALM = "https://a/t" ,, Service\t=s ,'], [BEARER]),
        (["Bearer realm=https://a/t?b=c"], [Challenge("bearer", {"realm": "https://a/t?b=c"})]),
        (['Bearer realm="https://a/t" service="s"'], [BEARER]),
        (['Bearer realm="https://a/t",service="s",realm="https://evil/"'], [BEARER]),
        (['Bearer realm="open'], [Challenge("bearer", {"realm": "open"})]),
        (["", ",,,", '="x"', "realm=https://a/t", "B[earer realm=x"], []),
        (["Bearer " + "a" * HEADER_LIMIT, "Basic"], [Challenge("basic")]),
    ],
)  # fmt: skip
def test_challenges_are_read(headers: list[str], found: list[Challenge]) -> None:
    """Any number of them over any number of headers, however commas, blanks and capitals are put."""
    assert list(parse_challenges(headers)) == found


_TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=8)
_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0"), max_size=12)
_PARAMETERS = st.dictionaries(_TOKENS.map(str.lower), _VALUES, min_size=1, max_size=4)
_SPACE = st.sampled_from(["", " ", "\t", "  "])


@given(st.lists(st.tuples(_TOKENS, _PARAMETERS | st.just({})), max_size=5), st.data())
def test_what_is_written_is_read(challenges: list[tuple[str, dict[str, str]]], data: st.DataObject) -> None:
    """Law: parse(write(challenges)) == challenges, for any list, any quoting, and empty elements in between."""
    written = []
    for scheme, parameters in challenges:
        pairs = []
        for name, value in parameters.items():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            pairs.append(f'{name}{data.draw(_SPACE)}={data.draw(_SPACE)}"{escaped}"')
        written.append(f"{scheme} {f'{data.draw(_SPACE)},'.join(pairs)}".strip())
    cut = data.draw(st.integers(0, len(written)))
    empty = data.draw(st.sampled_from(["", ",", " , ,"]))
    headers = [empty + ", ".join(part) for part in (written[:cut], written[cut:])]
    assert [(one.scheme, one.parameters) for one in parse_challenges(headers)] == [
        (scheme.lower(), parameters) for scheme, parameters in challenges
    ]


@given(st.text(st.sampled_from('a=," \\\t/[\xe9\x1b'), max_size=200))
def test_nothing_that_a_header_may_hold_is_an_exception(header: str) -> None:
    """Whatever comes is read to its end."""
    for challenge in parse_challenges([header]):
        assert challenge.scheme == challenge.scheme.lower()


@pytest.mark.parametrize("unit", ["a", '\\"', '"', " ", "a ", 'a="\\', ",=", "a=", '"a', "a\t\t"])
def test_reading_takes_linear_time(unit: str) -> None:
    """A header that is long in the worst place costs milliseconds; longer ones than 8 KiB are not read."""
    header = f"Bearer {unit * HEADER_LIMIT}"[:HEADER_LIMIT]
    began = time.process_time()
    for _ in range(10):
        parse_challenges([header])
    assert time.process_time() - began < 2
