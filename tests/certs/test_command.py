"""Laws of `weighbridge certs init`: what it prints, what it writes, and what it never hands out unasked."""

import argparse
import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from certs.command import add_verbs
from certs.errors import BadNameError, FileExistsAlreadyError, UnwritableError
from certs.manifests import CONFIGURATION, WEBHOOKS


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_verbs(parser.add_subparsers())
    parsed = parser.parse_args(["certs", *arguments])
    code: int = parsed.run(parsed)
    return code


def _printed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    documents = YAML(typ="safe", pure=True).load_all(capsys.readouterr().out)
    return {document["kind"]: document for document in documents}


def test_init_prints_the_serving_secret_and_whom_the_api_server_shall_trust(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The stream holds what an install needs, and both parts name the same CA."""
    assert _run("init", "--namespace", "elsewhere") == 0
    documents = _printed(capsys)

    secret, trust = documents["Secret"], documents["MutatingWebhookConfiguration"]
    assert secret["type"] == "kubernetes.io/tls"
    assert secret["metadata"]["namespace"] == "elsewhere"
    assert trust["metadata"]["name"] == CONFIGURATION
    assert [webhook["name"] for webhook in trust["webhooks"]] == list(WEBHOOKS)
    assert {webhook["clientConfig"]["caBundle"] for webhook in trust["webhooks"]} == {secret["data"]["ca.crt"]}
    assert base64.b64decode(secret["data"]["tls.crt"]).startswith(b"-----BEGIN CERTIFICATE-----")


def test_the_cas_private_key_is_handed_out_on_request_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has the CA's key can pose as the webhook, so it is thrown away unless asked for."""
    _run("init")
    assert sorted(_printed(capsys)["Secret"]["data"]) == ["ca.crt", "tls.crt", "tls.key"]

    _run("init", "--with-ca-key")
    assert "ca.key" in _printed(capsys)["Secret"]["data"]


def test_init_writes_files_whose_key_only_the_owner_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--output names the files on stdout, and the key has mode 0600."""
    folder = tmp_path / "new" / "tls"
    assert _run("init", "--output", str(folder)) == 0

    assert capsys.readouterr().out.split() == [str(folder / name) for name in ("ca.crt", "tls.crt", "tls.key")]
    assert stat.S_IMODE((folder / "tls.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["ca.crt", "tls.crt", "tls.key"]


def test_files_that_may_be_in_use_are_not_overwritten_without_force(tmp_path: Path) -> None:
    """A second run must not take a serving certificate away by accident."""
    _run("init", "--output", str(tmp_path))
    before = (tmp_path / "tls.crt").read_bytes()

    with pytest.raises(FileExistsAlreadyError) as caught:
        _run("init", "--output", str(tmp_path))
    assert "--force" in caught.value.hint
    assert (tmp_path / "tls.crt").read_bytes() == before

    assert _run("init", "--output", str(tmp_path), "--force") == 0
    assert (tmp_path / "tls.crt").read_bytes() != before


def test_a_folder_that_takes_no_files_is_an_error_that_explains_itself(tmp_path: Path) -> None:
    """What the operating system said is passed on with a hint."""
    (tmp_path / "file").touch()

    with pytest.raises(UnwritableError) as caught:
        _run("init", "--output", str(tmp_path / "file" / "tls"))
    assert caught.value.code == "certs.unwritable"


def test_a_wrong_name_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a stream would reach `kubectl apply`."""
    with pytest.raises(BadNameError):
        _run("init", "--service", "No_Such_Name")

    assert not capsys.readouterr().out


def test_certs_alone_shows_its_help_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A verb without a deed tells what deeds there are, on stderr."""
    assert _run() == 2

    assert "init" in capsys.readouterr().err
