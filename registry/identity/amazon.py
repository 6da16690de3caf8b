"""Amazon: a role of the pod (IRSA, Pod Identity) or keys become a credential for ECR.

1. Keys: those of the environment; else a role's, by the pod's web identity token; else those of the Pod Identity agent.
2. ECR's API exchanges them for a user and a password, good for 12 hours.

The order and the variables are those of every AWS SDK (docs.aws.amazon.com/sdkref, "Standardized credential
providers"); AWS_ENDPOINT_URL_STS, _ECR and _ECR_PUBLIC, else AWS_ENDPOINT_URL, move the endpoints.

Tests: tests/registry/identity/test_identities.py
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from registry.auth.credential import Credential
from registry.errors import BadIdentity, Unavailable
from registry.net.addresses import is_loopback
from registry.net.origin import redacted

from .aws_signature import AwsKeys, signed_headers
from .endpoint import Endpoints, Question, text_of
from .hosts import Ecr, ecr_of
from .token_file import read_token

VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECR_PUBLIC",
)
"""What an identity of Amazon is made of in a container's environment."""

_AGENTS = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")
"""Where Amazon's agents answer without TLS: those of ECS and of EKS Pod Identity."""

_ECS_AGENT = "http://169.254.170.2"
_CREDENTIAL = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken)>\s*([^<\s]+)\s*</\1>")
_SERVICES = {False: ("ecr", "AmazonEC2ContainerRegistry_V20150921"), True: ("ecr-public", "SpencerFrontendService")}
"""The names of ECR and of ECR Public for signatures, and the prefixes of their actions."""


@dataclass(frozen=True, slots=True)
class AmazonIdentity:
    """An identity of Amazon, as the environment describes it."""

    registry: str
    environ: Mapping[str, str] = field(repr=False)
    who: str
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)

    def credential(self, endpoints: Endpoints) -> tuple[Credential, float]:
        """Return a credential for the registry, and for how many seconds it is good. Raises Fault."""
        ecr = ecr_of(self.registry)
        # 1
        keys = self._keys(endpoints, ecr)
        # 2
        service, action = _SERVICES[ecr.is_public]
        url = self._endpoint(service.replace("-", "_").upper(), f"https://{ecr.api}")
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{action}.GetAuthorizationToken",
        }
        body = b"{}"
        signed = signed_headers(keys, service, ecr.region, urlsplit(url).netloc, headers, body, self.clock())
        answer = endpoints.ask_json(Question(f"{url}/", signed, body), self.who)
        return _parse(answer, url, self.who, self.clock())

    def _keys(self, endpoints: Endpoints, ecr: Ecr) -> AwsKeys:
        environ = self.environ
        if environ.get("AWS_ACCESS_KEY_ID"):
            secret = environ.get("AWS_SECRET_ACCESS_KEY", "")
            return AwsKeys(environ["AWS_ACCESS_KEY_ID"], secret, environ.get("AWS_SESSION_TOKEN", ""))
        if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            return self._assumed(endpoints, ecr)
        return self._from_agent(endpoints)

    def _assumed(self, endpoints: Endpoints, ecr: Ecr) -> AwsKeys:
        environ = self.environ
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ecr.region
        url = self._endpoint("STS", f"https://sts.{region}.{ecr.sts_suffix}")
        variable = "AWS_WEB_IDENTITY_TOKEN_FILE"
        fields = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": environ["AWS_ROLE_ARN"],
            "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME") or "weighbridge",
            "WebIdentityToken": read_token(environ[variable], variable),
        }
        text = endpoints.ask(Question.form(f"{url}/", fields), self.who).decode(errors="replace")
        found = dict(_CREDENTIAL.findall(text))
        return _keys_of(found, url, ("AccessKeyId", "SecretAccessKey", "SessionToken"))

    def _from_agent(self, endpoints: Endpoints) -> AwsKeys:
        environ = self.environ
        relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = f"{_ECS_AGENT}{relative}" if relative else environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        _check_agent(url)
        variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
        file = environ.get(variable)
        token = read_token(file, variable) if file else environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        answer = endpoints.ask_json(Question(url, {"Authorization": token} if token else {}), self.who)
        return _keys_of(answer, url, ("AccessKeyId", "SecretAccessKey", "Token"))

    def _endpoint(self, service: str, usual: str) -> str:
        """Return the URL of a service without a slash at its end; the environment may move it."""
        environ = self.environ
        return (environ.get(f"AWS_ENDPOINT_URL_{service}") or environ.get("AWS_ENDPOINT_URL") or usual).rstrip("/")


def amazon_identity(registry: str, environ: Mapping[str, str]) -> AmazonIdentity | None:
    """Return the identity of Amazon that an environment describes, or None. Raises BadIdentity for half of one."""
    if environ.get("AWS_ACCESS_KEY_ID"):
        who = f"Amazon access key {environ['AWS_ACCESS_KEY_ID']}"
    elif environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        if not environ.get("AWS_ROLE_ARN"):
            raise BadIdentity("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN")
        who = f"Amazon role {environ['AWS_ROLE_ARN']}"
    elif environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") or environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        who = "the Amazon role of EKS Pod Identity"
    else:
        return None
    return AmazonIdentity(registry, environ, who)


def _check_agent(url: str) -> None:
    """Raise BadIdentity for an agent's URL that no SDK would ask: the token would leave the node in plain text."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _AGENTS and not is_loopback(host) and host != "localhost":
        raise BadIdentity(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI is {redacted(url)}: without TLS only {', '.join(_AGENTS)} "
            "and loopback are asked"
        )


def _keys_of(answer: Mapping[str, object], url: str, names: tuple[str, str, str]) -> AwsKeys:
    return AwsKeys(*(text_of(answer, name, url) for name in names))


def _parse(answer: Mapping[str, object], url: str, who: str, now: datetime) -> tuple[Credential, float]:
    """Parse ECR's answer: one entry, in a list where the registry is private."""
    found = answer.get("authorizationData")
    entry = found[0] if isinstance(found, list) and found else found
    try:
        text = b64decode(entry["authorizationToken"], validate=True).decode("ascii")  # type: ignore[index] # caught below
        life = float(entry["expiresAt"]) - now.timestamp()  # type: ignore[index] # as above
    except (KeyError, TypeError, ValueError):
        raise Unavailable(f"{redacted(url)}: answered no authorization token") from None
    user, _, password = text.partition(":")
    return Credential(user, password, source=who), life
