"""Signatures are Amazon's own, by the test suite that Amazon published (aws-sig-v4-test-suite)."""

from datetime import UTC, datetime

import pytest

from registry.identity.aws_signature import AwsKeys, signed_headers

KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "body", "signature"),
    [
        ({}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["post-vanilla", "post-x-www-form-urlencoded"],
)
def test_signatures_are_those_of_amazons_test_suite(headers: dict[str, str], body: bytes, signature: str) -> None:
    """Each case has one right signature."""
    signed = signed_headers(KEYS, "service", "us-east-1", "example.amazonaws.com", headers, body, NOW)
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert "20150830/us-east-1/service/aws4_request" in signed["Authorization"]


def test_keys_show_no_secret() -> None:
    """Their text has the key's name alone."""
    assert "EXAMPLEKEY" not in repr(KEYS)
