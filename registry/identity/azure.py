"""Azure: the pod's workload identity, or the node's managed identity, becomes a token for a container registry.

1. Microsoft Entra ID gives an access token for registries: for the pod's federated token, or by the node's endpoint.
2. The registry exchanges it for a refresh token of its own, good for three hours, for its token service.

github.com/Azure/acr/blob/main/docs/AAD-OAuth.md; the variables are those of azure-workload-identity and of Azure's
SDKs, and AZURE_AUTHORITY_HOST, AZURE_POD_IDENTITY_AUTHORITY_HOST and IDENTITY_ENDPOINT move the endpoints.

Tests: tests/registry/identity/test_identities.py
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from registry.auth.credential import Credential

from .endpoint import Endpoints, Question, text_of
from .token_file import read_token

VARIABLES = (
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
)
"""What an identity of Azure is made of in a container's environment."""

_AUDIENCE = "https://containerregistry.azure.net"
_AUTHORITY = "https://login.microsoftonline.com"
_NODE = "http://169.254.169.254"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_SECONDS = 3 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class AzureIdentity:
    """An identity of Azure, as the environment describes it."""

    registry: str
    environ: Mapping[str, str] = field(repr=False)
    who: str

    def credential(self, endpoints: Endpoints) -> tuple[Credential, float]:
        """Return a credential for the registry, and for how many seconds it is good. Raises Fault."""
        # 1
        federated = self.environ.get("AZURE_FEDERATED_TOKEN_FILE")
        question = self._federated(federated) if federated else self._managed()
        access = text_of(endpoints.ask_json(question, self.who), "access_token", question.url)
        # 2
        fields = {"grant_type": "access_token", "service": self.registry, "access_token": access}
        tenant = self.environ.get("AZURE_TENANT_ID")
        url = f"https://{self.registry}/oauth2/exchange"
        exchange = Question.form(url, {**fields, "tenant": tenant} if tenant else fields)
        refresh = text_of(endpoints.ask_json(exchange, self.who), "refresh_token", url)
        return Credential(identity_token=refresh, source=self.who), _LIFE_SECONDS

    def _federated(self, file: str) -> Question:
        environ = self.environ
        authority = (environ.get("AZURE_AUTHORITY_HOST") or _AUTHORITY).rstrip("/")
        fields = {
            "grant_type": "client_credentials",
            "client_id": environ["AZURE_CLIENT_ID"],
            "scope": f"{_AUDIENCE}/.default",
            "client_assertion_type": _ASSERTION,
            "client_assertion": read_token(file, "AZURE_FEDERATED_TOKEN_FILE"),
        }
        return Question.form(f"{authority}/{quote(environ['AZURE_TENANT_ID'], safe='')}/oauth2/v2.0/token", fields)

    def _managed(self) -> Question:
        """Return the question to the endpoint on the node, which knows the node's identities by their client ids."""
        environ = self.environ
        query = {"resource": _AUDIENCE}
        if environ.get("AZURE_CLIENT_ID"):
            query["client_id"] = environ["AZURE_CLIENT_ID"]
        if environ.get("IDENTITY_ENDPOINT") and environ.get("IDENTITY_HEADER"):
            url = f"{environ['IDENTITY_ENDPOINT']}?{urlencode({**query, 'api-version': '2019-08-01'})}"
            return Question(url, {"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]})
        node = (environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _NODE).rstrip("/")
        path = "/metadata/identity/oauth2/token"
        return Question(f"{node}{path}?{urlencode({**query, 'api-version': '2018-02-01'})}", {"Metadata": "true"})


def azure_identity(registry: str, environ: Mapping[str, str]) -> AzureIdentity:
    """Return the identity of Azure that an environment describes: where it describes none, the node's."""
    client = environ.get("AZURE_CLIENT_ID", "")
    if environ.get("AZURE_FEDERATED_TOKEN_FILE") and client and environ.get("AZURE_TENANT_ID"):
        return AzureIdentity(registry, environ, f"Azure workload identity {client}")
    without = {name: value for name, value in environ.items() if name != "AZURE_FEDERATED_TOKEN_FILE"}
    return AzureIdentity(registry, without, f"Azure managed identity {client}" if client else "Azure managed identity")


def is_described(environ: Mapping[str, str]) -> bool:
    """Return whether an environment says more than that the node may have an identity."""
    return any(environ.get(name) for name in VARIABLES)
