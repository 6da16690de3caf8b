"""What `inspect` and `verify` show of signatures: who made them by their own words, and who did so by a policy."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import weighbridge
from tests.fakes.registry import fake_registry
from tests.fakes.sigstore import key_bundle, new_key, public_pem

from .signed import MODEL, Signed


@pytest.fixture
def signed() -> Iterator[Signed]:
    """Serve a model that nobody signed yet."""
    with fake_registry() as fake:
        yield Signed(fake)


def shown(
    verb: str, signed: Signed, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, object]]:
    """Return the exit code of a verb, and the JSON that it prints."""
    code = weighbridge.main([verb, signed.fake.reference(), "--json", *options])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, found


def test_every_signature_says_its_form_and_its_maker(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys have no name; a certificate's is told. Attestations are no signatures, and what is broken is said."""
    signed.offer_with(signed.model_signature(MODEL))
    signed.cosign()
    signed.attach(signed.certified())
    code, found = shown("inspect", signed, capsys)
    assert code == 0
    assert found["signatures"] == [
        "cosign, by a key",
        "cosign bundle, by the certificate of https://ci.example/team/model by https://issuer.example",
        "OpenSSF model signing, by a key",
    ]
    assert found["signers"] == []
    signed.attach(key_bundle(signed.key, signed.statement(predicate="https://slsa.dev/provenance/v1")))
    assert len(shown("inspect", signed, capsys)[1]["signatures"]) == 2  # type: ignore[arg-type] # a list, as above


@pytest.mark.parametrize("certificate", ["text", [], {"rawBytes": "?"}, {"rawBytes": 3}, {"rawBytes": "AAAA"}, None])
def test_what_cannot_be_read_is_said(signed: Signed, capsys: pytest.CaptureFixture[str], certificate: object) -> None:
    """Whatever whoever may attach one wrote into it."""
    bundle = signed.certified()
    bundle["verificationMaterial"]["certificate"] = certificate
    signed.attach(bundle)
    code, found = shown("inspect", signed, capsys)
    assert code == 0
    assert "cannot be read" in str(found["signatures"])
    signed.attach(b"[]")
    assert "a bundle that cannot be read" in str(shown("inspect", signed, capsys)[1]["signatures"])


def test_a_key_judges_them(signed: Signed, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`verify` ends with 1 where the key made none, and says why no pull would take it."""
    signed.cosign()
    (tmp_path / "own.pem").write_text(public_pem(signed.key))
    (tmp_path / "other.pem").write_text(public_pem(new_key()))
    code, found = shown("verify", signed, capsys, "--key", str(tmp_path / "own.pem"))
    assert (code, len(found["signers"])) == (0, 1)  # type: ignore[arg-type] # a list, as above
    code, found = shown("verify", signed, capsys, "--key", str(tmp_path / "other.pem"))
    assert code == 1
    assert "another key" in str(found["problem"])
