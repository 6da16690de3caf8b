"""Amazon's Signature Version 4, for a POST to the root of a service. Pure.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
Tests: tests/registry/identity/test_aws_signature.py
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Keys of Amazon, for good or for an hour. Their `repr` shows no secret."""

    key_id: str
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def signed_headers(  # noqa: PLR0913, PLR0917 - the parts of a signature
    keys: AwsKeys, service: str, region: str, host: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers of a POST to `https://HOST/`, its signature among them.

    All of `headers` are signed. `host` is the authority of the URL; `now` is the time of the request.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "X-Amz-Date": stamp}
    if keys.session_token:
        sent["X-Amz-Security-Token"] = keys.session_token
    signed = {"host": host, **{name.lower(): " ".join(value.split()) for name, value in sent.items()}}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={keys.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent
