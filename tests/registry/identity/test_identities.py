"""Who a pod is opens the registry of its cloud, and nothing that proves it goes to another host or into a text."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import weighbridge
from puller.command import pull_to_folder
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.access.environment import access_from
from registry.auth.credential import Credential
from registry.digest import Digest
from registry.errors import BadIdentity, Fault
from registry.identity.identities import Identities, identity_for
from registry.identity.service_account import ServiceAccountIdentity
from registry.open import open_pusher, open_repository
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.fakes.clock import Clock
from tests.fakes.clouds import Amazon, Azure, Cloud, Google
from tests.fakes.internet import Internet, forwarded, guarded, internet
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, Request
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ACR = "models.azurecr.io"
GAR = "europe-docker.pkg.dev"
OWN = "models.example.com"
HOSTS = (
    ECR,
    ACR,
    GAR,
    OWN,
    "api.ecr.eu-central-1.amazonaws.com",
    "sts.eu-central-1.amazonaws.com",
    "login.microsoftonline.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
)
MODEL = {"config.json": b"{}", "model.safetensors": noise(300_000)}


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Internet]:
    """Serve an internet with three clouds' hosts."""
    with internet(tmp_path, HOSTS) as net, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", f"http://{net.proxy}")
        yield net


@dataclass(frozen=True)
class Way:
    """A way to be somebody: the registry, and what makes a pod's environment of the cloud."""

    registry: str
    cloud: type[Cloud]
    environ: Callable[[Path, Internet], dict[str, str]]


def token(folder: Path) -> str:
    """Write the pod's projected token, as the kubelet does."""
    file = folder / "token"
    file.write_text("projected-token-of-the-pod\n")
    return str(file)


def irsa(folder: Path, _: Internet) -> dict[str, str]:
    """Return what the webhook of IAM roles for service accounts puts into a pod."""
    return {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/models",
        "AWS_WEB_IDENTITY_TOKEN_FILE": token(folder),
        "AWS_REGION": "eu-central-1",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }


def pod_identity(folder: Path, net: Internet) -> dict[str, str]:
    """Return what EKS Pod Identity puts into a pod; its agent is on loopback here."""
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{net.node}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token(folder),
    }


def workload_identity(folder: Path, _: Internet) -> dict[str, str]:
    """Return what azure-workload-identity puts into a pod."""
    return {
        "AZURE_CLIENT_ID": Azure.client,
        "AZURE_TENANT_ID": Azure.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": token(folder),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }


def managed(_: Path, net: Internet) -> dict[str, str]:
    """Return the environment of a node with a managed identity, whose endpoint is moved."""
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://{net.node}"}


def app_service(_: Path, net: Internet) -> dict[str, str]:
    """Return the environment of Azure's hosts that have an endpoint of their own."""
    return {"IDENTITY_ENDPOINT": f"http://{net.node}/msi/token", "IDENTITY_HEADER": "the-header"}


def metadata(_: Path, net: Internet) -> dict[str, str]:
    """Return the environment of a pod on GKE, whose metadata server is moved."""
    return {"GCE_METADATA_HOST": net.node}


def federated(folder: Path, _: Internet) -> dict[str, str]:
    """Return the environment of a pod elsewhere, with a federated identity of Google."""
    file = folder / "federated.json"
    file.write_text(json.dumps(Google().credential_file(token(folder))))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}


def federated_alone(folder: Path, _: Internet) -> dict[str, str]:
    """Return the environment of a federated identity that is no service account."""
    file = folder / "federated.json"
    file.write_text(json.dumps(Google().credential_file(token(folder), impersonates=False)))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}


WAYS = {
    "irsa": Way(ECR, Amazon, irsa),
    "pod identity": Way(ECR, Amazon, pod_identity),
    "azure workload identity": Way(ACR, Azure, workload_identity),
    "azure managed identity": Way(ACR, Azure, managed),
    "azure app service": Way(ACR, Azure, app_service),
    "gke metadata": Way(GAR, Google, metadata),
    "google federation": Way(GAR, Google, federated),
    "google federation alone": Way(GAR, Google, federated_alone),
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def offered(registry: Registry, folder: Path, name: str) -> None:
    """Push the model into the real registry, past its guard."""
    source = str(write_tree(folder / "pushed", MODEL))
    assert weighbridge.main(["push", source, f"{registry.address}/{name}:v1", "--quiet"]) == 0


@ways
def test_the_pods_identity_pulls_from_a_guarded_registry_and_leaves_no_trace(
    way: Way, net: Internet, registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No docker config is needed; no secret is printed, not with --debug either, nor sent to any other host."""
    cloud = way.cloud()
    cloud.serve(net, way.registry, registry.address)  # type: ignore[attr-defined] # all three have it
    name = f"identity/{re.sub('[^a-z]', '', way.environ.__name__)}"
    offered(registry, tmp_path, name)
    lines: list[str] = []
    environ = net.environ(**way.environ(tmp_path, net))
    with access_from(environ, ca_file=net.ca_file, debug=lines.append) as access:
        pull_to_folder(f"{way.registry}/{name}:v1", tmp_path / "model", (), access, QuietReporter())
    assert read_tree(tmp_path / "model") == MODEL
    printed = capsys.readouterr()
    texts = [*lines, printed.out, printed.err, (tmp_path / ".weighbridge/model/receipt").read_text()]
    secrets = [*cloud.secrets, "projected-token-of-the-pod"]
    assert cloud.secrets
    assert [(secret, text) for secret in secrets for text in texts if secret in text] == []
    at_others = [
        request
        for host, request in zip(net.asked, net.requests, strict=True)
        for secret in cloud.secrets
        if secret.startswith(("bearer", "password", "refresh")) and _holds(request, secret) and host != way.registry
    ]
    assert at_others == []


def _holds(request: Request, secret: str) -> bool:
    """Return whether a request carries a secret, in its headers or its body, encoded or not."""
    text = "\n".join([request.path, *request.headers.values(), request.body.decode(errors="replace")])
    pairs = [base64.b64decode(one).decode() for one in re.findall("Basic ([A-Za-z0-9+/=]+)", text)]
    return any(secret in one for one in (text, *pairs))


@pytest.fixture
def amazon(net: Internet, registry: Registry) -> Amazon:
    """Serve Amazon, with the model team/model."""
    cloud = Amazon()
    cloud.serve(net, ECR, registry.address)
    return cloud


def resolved(access: Access, source: str = f"{ECR}/nothing/here:v1") -> str:
    """Ask a registry for a tag; return what it refuses with."""
    with access, pytest.raises(Fault) as caught:
        open_repository(parse_source(source), replace(access, patience=HASTY)).resolve()
    return f"{caught.value} [{caught.value.code}]"


def test_a_push_has_the_same_identity(net: Internet, amazon: Amazon, registry: Registry, tmp_path: Path) -> None:
    """A build in a pod pushes to ECR with its role."""
    del amazon
    environ = net.environ(**irsa(tmp_path, net))
    with net.access(environ) as access:
        pusher = open_pusher(parse_source(f"{ECR}/identity/pushed:v1"), access)
        pusher.put(b"{}", Digest.of(b"{}"))
    assert registry.process.said().count("identity/pushed") > 0


def test_a_credential_that_lapses_in_mid_pull_is_renewed(
    net: Internet, amazon: Amazon, registry: Registry, tmp_path: Path
) -> None:
    """ECR takes a password for one request only: the pull gets a new one each time, and ends whole."""
    offered(registry, tmp_path, "identity/lapsing")
    uses: dict[str, int] = {}
    asked = amazon.is_let_in

    def once_in_a_while(header: str) -> bool:
        uses[header] = uses.get(header, 0) + 1
        return asked(header) and uses[header] <= 1

    net.sites[ECR] = guarded(forwarded(registry.address), once_in_a_while, 'Basic realm="ecr"')
    settings = Settings(
        source=f"{ECR}/identity/lapsing:v1",
        destination=str(tmp_path / "model"),
        piece_bytes=50_000,
        connections=1,
    )
    with net.access(net.environ(**irsa(tmp_path, net))) as access:
        pull(settings, access, QuietReporter())
    assert read_tree(tmp_path / "model") == MODEL
    assert len(amazon.passwords) > 1


def test_a_credential_is_renewed_before_it_lapses(net: Internet, amazon: Amazon, tmp_path: Path) -> None:
    """All who ask share one; five minutes before its end it is replaced, and the kubelet's new token is read then."""
    clock = Clock()
    with net.access(net.environ()) as access:
        identities = Identities(irsa(tmp_path, net), access.transport, clock=clock)
        first = identities.find(ECR)
        assert identities.find(ECR) is first
        clock.now = amazon.life_seconds - 301
        assert identities.find(ECR) is first
        (tmp_path / "token").write_text("the-kubelet-wrote-another")
        amazon.token = "the-kubelet-wrote-another"
        clock.now += 2
        second = identities.find(ECR)
        assert second != first
        assert identities.find(ECR, second) != second, "what the registry refused is not given again"


@pytest.mark.parametrize(
    "busy",
    [
        Answer(400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}'),
        Answer(400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
        Answer(429),
        Answer(500),
        Answer(503, headers={"Retry-After": "1"}),
        Answer(200, b"<html>not what was asked for</html>"),
        Answer(200, b'{"authorizationData": []}'),
    ],
    ids=lambda answer: f"{answer.status} {answer.body.decode()[:30]}",
)
def test_a_busy_cloud_is_asked_again(
    net: Internet, amazon: Amazon, registry: Registry, tmp_path: Path, busy: Answer
) -> None:
    """Throttling comes as 400 from Amazon; it, and whatever else is temporary, is tried again with patience."""
    offered(registry, tmp_path, "identity/busy")
    amazon.fail_next = [busy, busy]
    with net.access(net.environ(**irsa(tmp_path, net))) as access:
        patient = replace(access, patience=HASTY)
        pull_to_folder(f"{ECR}/identity/busy:v1", tmp_path / "model", (), patient, QuietReporter())
    assert read_tree(tmp_path / "model") == MODEL


def test_a_refusal_names_the_identity_and_the_clouds_words_without_its_token(
    net: Internet, amazon: Amazon, tmp_path: Path
) -> None:
    """STS quotes the token that it does not trust: the message has no trace of it."""
    environ = net.environ(**irsa(tmp_path, net))
    (tmp_path / "token").write_text("eyJhbGciOiJSUzI1NiJ9." + "c2VjcmV0" * 30 + ".sig")
    said = resolved(net.access(environ))
    assert said.endswith("[identity.refused]")
    assert f"Amazon role {amazon.role}" in said
    assert "InvalidIdentityToken" in said
    assert "eyJ" not in said
    assert "c2VjcmV0" not in said


@pytest.mark.parametrize(
    ("registry_host", "environ", "code", "words"),
    [
        (ECR, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, "identity.invalid", "without AWS_ROLE_ARN"),
        (ECR, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/no", "AWS_ROLE_ARN": "r"}, "identity.invalid", "names /no"),
        (ECR, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/x"}, "identity.invalid", "without TLS only"),
        (ECR, {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s"}, "identity.refused", "access key AKIA1"),
        (ECR, {}, "registry.unauthorized", "no identity of Amazon"),
        (
            ECR,
            {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": "http://203.0.113.1"},
            "identity.invalid",
            "must be https",
        ),
        (GAR, {"GOOGLE_APPLICATION_CREDENTIALS": "/no.json"}, "identity.invalid", "names /no.json"),
        (ACR, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://NODE/elsewhere"}, "identity.refused", "Identity not found"),
    ],
)
def test_what_is_missing_of_an_identity_is_named(
    net: Internet, registry: Registry, registry_host: str, environ: dict[str, str], code: str, words: str
) -> None:
    """Half an identity is no anonymous pull: it says which half, or which role was refused."""
    for cloud, host in ((Amazon(), ECR), (Azure(), ACR), (Google(), GAR)):
        node = net.sites.get("node")
        cloud.serve(net, host, registry.address)
        if host == GAR and node:
            net.sites["node"] = node
    given = {name: value.replace("NODE", net.node) for name, value in environ.items()}
    said = resolved(net.access(net.environ(**given)), f"{registry_host}/nothing/here:v1")
    assert f"[{code}]" in said
    assert words in said


@pytest.mark.parametrize("kind", ["text", "key", "authorized_user", "no source", "json field"])
def test_a_credential_file_that_is_not_understood_is_said(net: Internet, tmp_path: Path, kind: str) -> None:
    """The message names the file and what it lacks, and quotes nothing of it."""
    google = Google()
    google.serve(net, GAR, "127.0.0.1:1")
    good = google.credential_file(token(tmp_path))
    contents = {
        "text": "hush",
        "key": json.dumps(["hush"]),
        "authorized_user": json.dumps({"type": "authorized_user", "refresh_token": "hush"}),
        "no source": json.dumps({**good, "credential_source": "hush"}),
        "json field": json.dumps({**good, "credential_source": {"file": token(tmp_path), "format": {"type": "json"}}}),
    }
    file = tmp_path / "google.json"
    file.write_text(contents[kind])
    said = resolved(net.access(net.environ(GOOGLE_APPLICATION_CREDENTIALS=str(file))), f"{GAR}/nothing/here:v1")
    assert said.endswith("[identity.invalid]")
    assert str(file) in said
    assert "hush" not in said


def test_a_docker_config_comes_before_a_cloud(net: Internet, amazon: Amazon, tmp_path: Path) -> None:
    """Who names a secret means it: no cloud is asked."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {ECR: {"username": "AWS", "password": "configured"}}}))
    amazon.passwords.add("configured")
    access = access_from(net.environ(**irsa(tmp_path, net)), docker_configs=[str(config)], ca_file=net.ca_file)
    assert "registry.not-found" in resolved(access)
    assert [host for host in net.asked if host != ECR] == []


def test_a_service_accounts_token_goes_to_its_registry_alone(net: Internet, tmp_path: Path) -> None:
    """It is a bearer token there, before any secret; another registry that asks for credentials gets none."""
    file = tmp_path / "sa-token"
    file.write_text("token-of-the-service-account")

    def takes(header: str) -> bool:
        return header == "Bearer token-of-the-service-account"

    for host in (OWN, GAR):
        net.sites[host] = guarded(lambda _: Answer(404), takes, 'Bearer realm="https://elsewhere.example.com/"')
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {OWN: {"username": "me", "password": "old"}}}))
    environ = net.environ(DOCKER_CONFIG=str(tmp_path))
    assert "registry.not-found" in resolved(net.access(environ, (OWN, str(file))), f"{OWN}/nothing/here:v1")
    resolved(net.access(environ, (OWN, str(file))), f"{GAR}/nothing/here:v1")
    holding = [
        host
        for host, request in zip(net.asked, net.requests, strict=True)
        if _holds(request, "token-of-the-service-account")
    ]
    assert set(holding) == {OWN}


def test_a_service_accounts_token_is_read_again(tmp_path: Path) -> None:
    """The kubelet replaces the file; a registry that refuses the old token gets the new one."""
    clock, file = Clock(), tmp_path / "sa-token"
    with access_from({}) as access:
        identities = Identities({}, access.transport, ServiceAccountIdentity(OWN, str(file)), clock=clock)
        with pytest.raises(BadIdentity, match="cannot be read"):
            identities.find(OWN)
        for number, wait in enumerate((0, 61)):
            file.write_text(f"token-{number}\n")
            clock.now += wait
            found = identities.find(OWN)
            assert found is not None
            assert found.registry_token == f"token-{number}"
        file.write_text("two words")
        with pytest.raises(BadIdentity, match="holds no token"):
            identities.find(OWN, found)


@pytest.mark.parametrize("host", [ACR, GAR])
def test_a_node_without_an_identity_asks_anonymously(net: Internet, host: str) -> None:
    """Where the node's endpoint knows no identity, a public repository is read all the same."""
    net.sites[host] = lambda _: Answer(401, headers={"WWW-Authenticate": f'Bearer realm="https://{host}/token"'})
    environ = {} if host == GAR else {"AZURE_POD_IDENTITY_AUTHORITY_HOST": ""}
    found = identity_for(host, environ)
    assert found is not None
    assert not found.is_likely


def test_no_text_of_a_credential_shows_its_secret() -> None:
    """Neither a log nor a traceback that prints one has the secret."""
    credential = Credential("AWS", "hush-1", "hush-2", "hush-3", source="Amazon role r")
    assert "hush" not in repr(credential)
    found = identity_for(ECR, {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "hush"})
    assert "hush" not in repr(found)
