"""Google: the pod's ServiceAccount, by the metadata server or by federation, becomes a token for Artifact Registry.

1. GOOGLE_APPLICATION_CREDENTIALS names a file: one of a federated identity, or a key of a service account. The first is
   exchanged at the Security Token Service, and then, where it says so, for a token of a service account.
2. Without such a file the metadata server is asked, which GCE_METADATA_HOST moves.

google.aip.dev/auth/4110 and 4117.

Tests: tests/registry/identity/test_identities.py
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from registry.auth.credential import Credential
from registry.errors import BadIdentity, Unavailable
from registry.net.origin import redacted

from .endpoint import Endpoints, Question, text_of
from .token_file import read_file, read_token

FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
VARIABLES = (FILE_VARIABLE, "GCE_METADATA_HOST", "GCE_METADATA_IP")
"""What an identity of Google is made of in a container's environment."""

_METADATA = "metadata.google.internal"
_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_STS = "https://sts.googleapis.com/v1/token"
_USER = "oauth2accesstoken"
_LIFE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """An identity of Google, as the environment describes it."""

    environ: Mapping[str, str] = field(repr=False)
    who: str
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)

    def credential(self, endpoints: Endpoints) -> tuple[Credential, float]:
        """Return a credential for the registry, and for how many seconds it is good. Raises Fault."""
        file = self.environ.get(FILE_VARIABLE)
        if not file:
            # 2
            host = self.environ.get("GCE_METADATA_HOST") or self.environ.get("GCE_METADATA_IP") or _METADATA
            url = f"http://{host}{_PATH}"
            answer = endpoints.ask_json(Question(url, {"Metadata-Flavor": "Google"}), self.who)
            return self._of(text_of(answer, "access_token", url)), _life(answer)
        # 1
        found = _read(file)
        if found.get("type") == "service_account":
            return Credential("_json_key", json.dumps(found), source=self.who), _LIFE_SECONDS
        if found.get("type") != "external_account":
            raise BadIdentity(
                f"{file}: has the type {found.get('type')!r}; external_account and service_account are known"
            )
        return self._federated(endpoints, found, file)

    def _federated(self, endpoints: Endpoints, found: Mapping[str, Any], file: str) -> tuple[Credential, float]:
        url = _text(found, "token_url", file) if "token_url" in found else _STS
        impersonation = found.get("service_account_impersonation_url")
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": _text(found, "audience", file),
            "scope": _SCOPE,
            "subject_token_type": _text(found, "subject_token_type", file),
            "subject_token": _subject(endpoints, found, file, self.who),
        }
        answer = endpoints.ask_json(Question.form(url, fields), self.who)
        token = text_of(answer, "access_token", url)
        if not impersonation:
            return self._of(token), _life(answer)
        url = _text(found, "service_account_impersonation_url", file)
        asked = {"scope": [_SCOPE], "lifetime": f"{int(_LIFE_SECONDS)}s"}
        answer = endpoints.ask_json(Question.json(url, asked, {"Authorization": f"Bearer {token}"}), self.who)
        return self._of(text_of(answer, "accessToken", url)), self._until(answer.get("expireTime"), url)

    def _of(self, token: str) -> Credential:
        return Credential(_USER, token, source=self.who)

    def _until(self, text: object, url: str) -> float:
        try:
            return (datetime.fromisoformat(str(text)) - self.clock()).total_seconds()
        except (ValueError, TypeError):
            raise Unavailable(f"{redacted(url)}: answered no expireTime") from None


def google_identity(environ: Mapping[str, str]) -> GoogleIdentity:
    """Return the identity of Google that an environment describes: where it describes none, the metadata server's."""
    file = environ.get(FILE_VARIABLE)
    return GoogleIdentity(environ, f"Google identity of {file}" if file else "Google identity of the metadata server")


def _read(file: str) -> dict[str, Any]:
    try:
        found = json.loads(read_file(file, FILE_VARIABLE))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadIdentity(f"{FILE_VARIABLE} names {file}, which is no JSON object")
    return found


def _subject(endpoints: Endpoints, found: Mapping[str, Any], file: str, who: str) -> str:
    """Return the token to exchange, from a file or a URL, as text or as a field of JSON."""
    source = found.get("credential_source")
    if not isinstance(source, dict):
        raise BadIdentity(f"{file}: has no credential_source")
    shape = source.get("format")
    shape = shape if isinstance(shape, dict) else {}
    where = f"credential_source of {file}"
    if isinstance(source.get("url"), str):
        headers = source.get("headers")
        asked = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
        content = endpoints.ask(Question(source["url"], asked), who)
    elif isinstance(source.get("file"), str):
        if shape.get("type") != "json":
            return read_token(source["file"], where)
        content = read_file(source["file"], where)
    else:
        raise BadIdentity(f"{file}: its credential_source names neither a file nor a url")
    if shape.get("type") != "json":
        return content.decode(errors="replace").strip()
    try:
        return str(json.loads(content)[shape["subject_token_field_name"]])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadIdentity(f"the {where} holds no field {shape.get('subject_token_field_name')!r}") from None


def _text(found: Mapping[str, Any], key: str, file: str) -> str:
    if not isinstance(found.get(key), str) or not found[key]:
        raise BadIdentity(f"{file}: has no {key}")
    return str(found[key])


def _life(answer: Mapping[str, Any]) -> float:
    try:
        return float(answer["expires_in"])
    except (KeyError, TypeError, ValueError):
        return _LIFE_SECONDS / 12
