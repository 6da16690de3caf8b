"""The identity services of three clouds, which check what they are asked as strictly as the real ones.

Each has a `script` of failures: answers that the next requests get. Secrets that a cloud gives out are noted in
`secrets`, so that a test may search for them where none may be.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

from .internet import Internet, Site, forwarded, guarded
from .registry import Answer, Request

_FIELDS = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


@dataclass
class Cloud:
    """What all three have: failures by script, and the secrets that were given out."""

    fail_next: list[Answer] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    life_seconds: float = 3600.0

    def secret(self, kind: str) -> str:
        """Return a new secret, and note it."""
        self.secrets.append(f"{kind}-{len(self.secrets)}-{'s3cr3t' * 8}")
        return self.secrets[-1]

    def scripted(self, site: Site) -> Site:
        """Return a site that gives the script's answers first."""
        return lambda request: self.fail_next.pop(0) if self.fail_next else site(request)


@dataclass
class Amazon(Cloud):
    """STS, ECR's API, and the agent of EKS Pod Identity, in one region of one partition."""

    region: str = "eu-central-1"
    suffix: str = "amazonaws.com"
    role: str = "arn:aws:iam::123456789012:role/models"
    token: str = "projected-token-of-the-pod"
    service: str = "ecr"
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key id: the secret and the session token."""

    passwords: set[str] = field(default_factory=set)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def sts(self, request: Request) -> Answer:
        """Answer AssumeRoleWithWebIdentity."""
        asked = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (asked.get("Action"), asked.get("Version")) != ("AssumeRoleWithWebIdentity", "2011-06-15"):
            return _xml(400, "InvalidAction", "no such action")
        if asked.get("WebIdentityToken") != self.token:
            return _xml(400, "InvalidIdentityToken", f"the token {asked.get('WebIdentityToken')} is not trusted")
        if asked.get("RoleArn") != self.role or not re.fullmatch(r"[\w+=,.@-]{2,64}", asked.get("RoleSessionName", "")):
            return _xml(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        key_id, secret, session = self._new_keys()
        body = (
            '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{key_id}</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey>\n<SessionToken>{session}</SessionToken>"
            "<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>"
            "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
        return Answer(200, body.encode())

    def agent(self, request: Request) -> Answer:
        """Answer as the agent of EKS Pod Identity, which takes the pod's token."""
        if request.path != "/v1/credentials" or request.headers.get("authorization") != self.token:
            return Answer(401)
        key_id, secret, session = self._new_keys()
        found = {
            "AccessKeyId": key_id,
            "SecretAccessKey": secret,
            "Token": session,
            "Expiration": "2030-01-01T00:00:00Z",
        }
        return Answer(200, json.dumps(found).encode())

    def api(self, request: Request) -> Answer:
        """Answer GetAuthorizationToken of ECR or ECR Public, where the request is signed well."""
        is_public = self.service == "ecr-public"
        prefix = "SpencerFrontendService" if is_public else "AmazonEC2ContainerRegistry_V20150921"
        if request.headers.get("x-amz-target") != f"{prefix}.GetAuthorizationToken" or json.loads(request.body) != {}:
            return _json(400, {"__type": "UnknownOperationException"})
        wrong = self._wrong_signature(request)
        if wrong:
            return _json(400, {"__type": f"com.amazon.coral.service#{wrong}", "message": "see the type"})
        password = self.secret("password")
        self.passwords.add(password)
        entry = {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": self.clock().timestamp() + self.life_seconds,
        }
        return _json(200, {"authorizationData": entry if is_public else [entry]})

    def is_let_in(self, header: str) -> bool:
        """Return whether a registry takes an Authorization header."""
        return header in {f"Basic {base64.b64encode(f'AWS:{one}'.encode()).decode()}" for one in self.passwords}

    def serve(self, net: Internet, registry: str, address: str) -> None:
        """Serve all of it: STS, the API, the agent, and the registry in front of a real one at `address`."""
        api = f"api.{self.service}.{self.region}.{self.suffix}"
        net.sites[f"sts.{self.region}.{self.suffix}"] = self.scripted(self.sts)
        net.sites[api] = self.scripted(self.api)
        net.sites["node"] = self.scripted(self.agent)
        net.sites[registry] = guarded(forwarded(address), self.is_let_in, f'Basic realm="https://{registry}/"')

    def _new_keys(self) -> tuple[str, str, str]:
        key_id = f"ASIA{len(self.keys):016d}"
        self.keys[key_id] = self.secret("key"), self.secret("session")
        return key_id, *self.keys[key_id]

    def _wrong_signature(self, request: Request) -> str:
        """Return the type of the refusal of a request whose signature is not what its own bytes make, or ""."""
        match = _FIELDS.fullmatch(request.headers.get("authorization", ""))
        if match is None:
            return "IncompleteSignatureException"
        key_id, scope, names, signature = match.groups()
        secret, session = self.keys.get(key_id, ("", ""))
        if not secret or request.headers.get("x-amz-security-token", "") != session:
            return "UnrecognizedClientException"
        stamp = request.headers.get("x-amz-date", "")
        if abs(datetime.strptime(stamp, "%Y%m%dT%H%M%S%z") - self.clock()) > timedelta(minutes=5):
            return "SignatureDoesNotMatchException"
        needed = {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"} if session else {"host", "x-amz-date"}
        if scope != f"{stamp[:8]}/{self.region}/{self.service}/aws4_request" or not needed <= set(names.split(";")):
            return "InvalidSignatureException"
        lines = [f"{name}:{request.headers[name]}" for name in names.split(";")]
        digest = hashlib.sha256(request.body).hexdigest()
        canonical = "\n".join([request.method, request.path, "", *lines, "", names, digest])
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = b"AWS4" + secret.encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        wanted = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(wanted, signature) else "InvalidSignatureException"


@dataclass
class Azure(Cloud):
    """Entra ID, the node's managed identity, and a registry's exchange and token services."""

    tenant: str = "00000000-aaaa-bbbb-cccc-000000000000"
    client: str = "11111111-aaaa-bbbb-cccc-000000000000"
    token: str = "projected-token-of-the-pod"
    given: dict[str, set[str]] = field(default_factory=lambda: {"access": set(), "refresh": set(), "bearer": set()})

    def entra(self, request: Request) -> Answer:
        """Answer a client's request for a token by its federated token."""
        asked = dict(parse_qsl(request.body.decode()))
        wanted = {
            "grant_type": "client_credentials",
            "client_id": self.client,
            "scope": "https://containerregistry.azure.net/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.token,
        }
        if request.path != f"/{self.tenant}/oauth2/v2.0/token" or asked != wanted:
            return _json(401, {"error": "invalid_client", "error_description": "AADSTS700213: No matching identity"})
        return _json(200, {"access_token": self._give("access"), "expires_in": 3599})

    def managed(self, request: Request) -> Answer:
        """Answer as the node's endpoint: Azure's own, or that of App Service and Arc."""
        path, _, query = request.path.partition("?")
        asked = dict(parse_qsl(query))
        is_ours = path == "/metadata/identity/oauth2/token" and request.headers.get("metadata") == "true"
        is_header = path == "/msi/token" and request.headers.get("x-identity-header") == "the-header"
        if not (is_ours or is_header) or asked.get("resource") != "https://containerregistry.azure.net":
            return _json(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return _json(200, {"access_token": self._give("access"), "expires_in": "86399"})

    def registry(self, host: str, site: Site) -> Site:
        """Return the registry `host` in front of a site: its exchange, its token service and its API."""
        api = guarded(site, self.is_let_in, f'Bearer realm="https://{host}/oauth2/token",service="{host}"')

        def answer(request: Request) -> Answer:
            asked = dict(parse_qsl(request.body.decode())) if request.method == "POST" else {}
            path = request.path.partition("?")[0]
            if path == "/oauth2/exchange":
                is_good = asked.get("access_token") in self.given["access"] and asked.get("service") == host
                if not is_good or asked.get("grant_type") != "access_token":
                    return _json(401, {"errors": [{"code": "UNAUTHORIZED"}]})
                return _json(200, {"refresh_token": self._give("refresh")})
            if path == "/oauth2/token":
                is_good = asked.get("refresh_token") in self.given["refresh"] and asked.get("service") == host
                if not is_good or not asked.get("scope", "").startswith("repository:"):
                    return _json(401, {"errors": [{"code": "UNAUTHORIZED"}]})
                return _json(200, {"access_token": self._give("bearer")})
            return api(request)

        return answer

    def is_let_in(self, header: str) -> bool:
        """Return whether a registry takes an Authorization header."""
        return header.removeprefix("Bearer ") in self.given["bearer"]

    def serve(self, net: Internet, registry: str, address: str) -> None:
        """Serve all of it, the registry in front of a real one at `address`."""
        net.sites["login.microsoftonline.com"] = self.scripted(self.entra)
        net.sites["node"] = self.scripted(self.managed)
        net.sites[registry] = self.registry(registry, forwarded(address))

    def _give(self, kind: str) -> str:
        self.given[kind].add(self.secret(kind))
        return self.secrets[-1]


@dataclass
class Google(Cloud):
    """The metadata server, STS, IAM's impersonation, and a registry with its token service."""

    audience: str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
    account: str = "puller@project.iam.gserviceaccount.com"
    token: str = "projected-token-of-the-pod"
    given: dict[str, set[str]] = field(default_factory=lambda: {"federated": set(), "access": set(), "bearer": set()})

    def metadata(self, request: Request) -> Answer:
        """Answer as the metadata server of a node or of GKE."""
        path = "/computeMetadata/v1/instance/service-accounts/default/token"
        if request.path != path or request.headers.get("metadata-flavor") != "Google":
            return Answer(403)
        found = {"access_token": self._give("access"), "expires_in": self.life_seconds, "token_type": "Bearer"}
        return Answer(200, json.dumps(found).encode(), {"Metadata-Flavor": "Google"})

    def sts(self, request: Request) -> Answer:
        """Answer the exchange of the pod's token."""
        asked = dict(parse_qsl(request.body.decode()))
        wanted = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "audience": self.audience,
            "subject_token": self.token,
        }
        if request.path != "/v1/token" or asked != wanted:
            return _json(400, {"error": "invalid_grant", "error_description": f"no: {asked.get('subject_token')}"})
        return _json(200, {"access_token": self._give("federated"), "expires_in": 3600})

    def iam(self, request: Request) -> Answer:
        """Answer a request for a token of a service account."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        path = f"/v1/projects/-/serviceAccounts/{self.account}:generateAccessToken"
        if request.path != path or token not in self.given["federated"] or "scope" not in json.loads(request.body):
            return _json(403, {"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}})
        until = datetime.fromtimestamp(time.time() + self.life_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _json(200, {"accessToken": self._give("access"), "expireTime": until})

    def registry(self, host: str, site: Site) -> Site:
        """Return the registry `host` in front of a site: its token service and its API."""
        api = guarded(site, self.is_let_in, f'Bearer realm="https://{host}/v2/token",service="{host}"')

        def answer(request: Request) -> Answer:
            if urlsplit(request.path).path != "/v2/token":
                return api(request)
            pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
            user, _, token = pair.partition(":")
            if user != "oauth2accesstoken" or token not in self.given["access"] | self.given["federated"]:
                return Answer(401)
            return _json(200, {"token": self._give("bearer"), "expires_in": 300})

        return answer

    def is_let_in(self, header: str) -> bool:
        """Return whether a registry takes an Authorization header."""
        return header.removeprefix("Bearer ") in self.given["bearer"]

    def serve(self, net: Internet, registry: str, address: str) -> None:
        """Serve all of it, the registry in front of a real one at `address`."""
        net.sites["sts.googleapis.com"] = self.scripted(self.sts)
        net.sites["iamcredentials.googleapis.com"] = self.scripted(self.iam)
        net.sites["node"] = self.scripted(self.metadata)
        net.sites[registry] = self.registry(registry, forwarded(address))

    def credential_file(self, token_file: str, *, impersonates: bool = True) -> dict[str, object]:
        """Return the file of a federated identity, as `gcloud iam workload-identity-pools` writes it."""
        found: dict[str, object] = {
            "type": "external_account",
            "audience": self.audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": token_file},
        }
        if impersonates:
            url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
            found["service_account_impersonation_url"] = f"{url}{self.account}:generateAccessToken"
        return found

    def _give(self, kind: str) -> str:
        self.given[kind].add(self.secret(kind))
        return self.secrets[-1]


def _xml(status: int, code: str, message: str) -> Answer:
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, text.encode())


def _json(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
