"""The two objects of the API server that hold the webhook's TLS material, by plain HTTPS.

The Secret is the single truth of all replicas, and is written under its resourceVersion alone. Only the
caBundle fields of the configuration are written, by server-side apply under a field manager of our own.

Tests: tests/certs/test_rotator.py
"""

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .bundle import Bundle
from .errors import ApiError, ConflictError
from .manifests import CONFIGURATION, FIELD_MANAGER, SECRET, bundle_in, ca_bundle_in, secret, trust

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_SECONDS = 10
_ANSWER_LIMIT = 4 << 20
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_APPLY = f"fieldManager={FIELD_MANAGER}&force=true"


@dataclass(frozen=True, slots=True)
class Stored:
    """The Secret as it stands: its bundle, or None, and its version, which is empty where there is no Secret."""

    bundle: Bundle | None
    version: str


@dataclass(frozen=True, slots=True)
class Api:
    """An API server, and the account that asks it. The token is read for each request: the kubelet renews it."""

    url: str
    token_file: Path
    ca_file: Path
    namespace: str

    @classmethod
    def of_pod(cls, environ: Mapping[str, str], account: Path = _ACCOUNT) -> "Api":
        """Return the API server of the pod that this process runs in. Raises ApiError outside of pods."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise ApiError("KUBERNETES_SERVICE_HOST is not set: this is no pod")
        try:
            namespace = (account / "namespace").read_text().strip()
        except OSError as error:
            raise ApiError(f"the pod has no service account: {error}") from error
        host = f"[{host}]" if ":" in host else host
        return cls(f"https://{host}:{port}", account / "token", account / "ca.crt", namespace)

    def stored(self) -> Stored:
        """Return the Secret as it stands. Raises ApiError."""
        found = self._ask("GET", f"{self._secrets}/{SECRET}", absent=True)
        if found is None:
            return Stored(None, "")
        return Stored(_bundle_of(found), str(found["metadata"]["resourceVersion"]))

    def store(self, bundle: Bundle, version: str) -> None:
        """Write the Secret, unless it changed since `version`. Raises ConflictError, ApiError."""
        document = secret(bundle, self.namespace)
        if not version:
            self._ask("POST", self._secrets, document)
            return
        document["metadata"]["resourceVersion"] = version
        self._ask("PUT", f"{self._secrets}/{SECRET}", document)

    def trusted(self) -> dict[str, bytes]:
        """Return the CAs, in PEM, that the API server trusts for each of our webhooks; none before they are installed.

        Raises ApiError.
        """
        found = self._ask("GET", f"{_CONFIGURATIONS}/{CONFIGURATION}", absent=True)
        entries = (found or {}).get("webhooks") or []
        return {str(entry["name"]): ca_bundle_in(entry) for entry in entries}

    def trust(self, bundle: Bundle, webhooks: Sequence[str]) -> None:
        """Make the API server trust the bundle's CAs for these webhooks. Raises ApiError."""
        document = trust(bundle, webhooks)
        self._ask("PATCH", f"{_CONFIGURATIONS}/{CONFIGURATION}?{_APPLY}", document)

    @property
    def _secrets(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets"

    def _ask(
        self, method: str, path: str, document: dict[str, Any] | None = None, *, absent: bool = False
    ) -> dict[str, Any] | None:
        """Send one request; return the object in the answer, or None where `absent` allows that there is none."""
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        body = None if document is None else json.dumps(document)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            # Clusters have CAs without key identifiers, which Python refuses since 3.13, and Go does not.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}", "Content-Type": kind}
            origin = urlsplit(self.url)
            connection = http.client.HTTPSConnection(
                origin.hostname or "", origin.port, context=context, timeout=_TIMEOUT_SECONDS
            )
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read(_ANSWER_LIMIT)
            finally:
                connection.close()
            found = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError(f"{method} {path.partition('?')[0]}: {error}") from error
        if not isinstance(found, dict):
            raise ApiError(f"{method} {path.partition('?')[0]}: {answer.status}, and no object")
        if answer.status == http.client.NOT_FOUND and absent:
            return None
        said = f"{method} {path.partition('?')[0]}: {answer.status} {str(found.get('message', ''))[:300]}"
        if answer.status == http.client.CONFLICT:
            raise ConflictError(said)
        if answer.status >= http.client.BAD_REQUEST:
            raise ApiError(said)
        return found


def _bundle_of(document: Mapping[str, Any]) -> Bundle | None:
    """Return the bundle in a Secret; None where a part is missing or is no base64."""
    found = bundle_in(document)
    return found if found and found.ca_certificate else None
