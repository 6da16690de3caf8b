"""The first line of a pod's pull: version, source, place and room, and whose credentials, without a secret."""

import base64
import json
import re
from pathlib import Path

import pytest

from puller.pod.opening import opening
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.http.transport import Transport
from registry.version import VERSION

_ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


def _said(tmp_path: Path, source: str, environ: dict[str, str] | None = None, token_file: str = "") -> str:
    config = tmp_path / "config.json"
    secret = base64.b64encode(b"robot:hunter2").decode()
    config.write_text(json.dumps({"auths": {"registry.example.com": {"auth": secret}}}))
    access = Access(transport=Transport(proxies={}), credentials=Credentials.load([config]))
    settings = Settings(source=source, destination=str(tmp_path / "models" / "phi-4"), token_file=token_file)
    said = opening(settings, access, environ or {})
    assert "hunter2" not in said
    assert secret not in said
    return said


@pytest.mark.parametrize(
    ("source", "environ", "token_file", "words"),
    [
        ("oci://registry.example.com/phi-4:v1", {}, "", r"credentials from /\S+/config.json"),
        ("oci://other.example.com/phi-4:v1", {}, "", r"without credentials for other.example.com"),
        ("oci://other.example.com/phi-4:v1", {}, "/token", r"as the ServiceAccount's token of /token"),
        (
            f"oci://{_ECR}/phi-4:v1",
            {
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/t",
                "AWS_REGION": "e",
            },
            "",
            r"as .*arn:aws:iam::123456789012:role/x.*",
        ),
        (f"oci://{_ECR}/phi-4:v1", {}, "", f"without credentials for {_ECR}"),
        ("oci://team.azurecr.io/phi-4:v1", {}, "", r"as .*, if the node knows one"),
        ("hf://team/phi-4@main", {"HF_TOKEN": "hunter2"}, "", "with a token of the hub"),
        ("hf://team/phi-4@main", {}, "", "without a token of the hub"),
        ("layout:///mnt:v1", {}, "", "no credentials are needed"),
    ],
)
def test_the_first_line_says_what_and_where_to_and_as_whom(
    tmp_path: Path, source: str, environ: dict[str, str], token_file: str, words: str
) -> None:
    """The room is that of the volume, although the model's folder is not there yet."""
    said = _said(tmp_path, source, environ, token_file)
    place = re.escape(f"{tmp_path}/models/phi-4")
    assert re.fullmatch(
        rf"weighbridge {VERSION}: {re.escape(source)} to {place}, where [0-9.]+ [kMGTP]?B are free; {words}", said
    )
