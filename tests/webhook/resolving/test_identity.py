"""The webhook's own identity is for the operator's repositories alone: no user reads another's by its eyes."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.digest import Digest
from registry.reference import Reference
from tests.fakes.clouds import Amazon
from tests.fakes.internet import Internet, guarded, internet
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.puller.models import offer
from webhook.catalog import Catalog
from webhook.resolving.answer import Facts, Unknown
from webhook.resolving.freshness import Registries
from webhook.resolving.policy import Policy
from webhook.resolving.question import QuestionSettings
from webhook.resolving.resolver import Bounds, Resolver
from webhook.settings import Settings

from .one import resolve_one

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


class Anywhere(Policy):
    """A policy under which the registry's name may lead to loopback, where the test serves it."""

    def may_connect(self, host: str, address: str) -> bool:
        """Return True."""
        del host, address
        return True


@pytest.fixture
def amazon(tmp_path: Path) -> Iterator[tuple[Internet, FakeRegistry, dict[str, str]]]:
    """Serve ECR with a model that is for those alone whom it lets in; yield the webhook's environment, too."""
    cloud = Amazon()
    with internet(tmp_path, [ECR]) as net, fake_registry() as fake:
        offer(fake, {"config.json": b"{}"})
        net.sites["node"] = lambda request: (
            cloud.api(request) if "x-amz-target" in request.headers else cloud.sts(request)
        )
        net.sites[ECR] = guarded(fake.honest, cloud.is_let_in, 'Basic realm="ecr"')
        token = tmp_path / "token"
        token.write_text(cloud.token)
        yield (
            net,
            fake,
            {
                "AWS_ROLE_ARN": cloud.role,
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                "AWS_REGION": cloud.region,
                "AWS_ENDPOINT_URL": f"http://{net.node}",
            },
        )


@pytest.mark.parametrize(
    ("repositories", "is_known"),
    [
        (frozenset({f"{ECR}/team/model"}), True),
        (frozenset({f"{ECR}/team/"}), True),
        (frozenset({f"{ECR}/team/model-of-others", f"{ECR}/te/", f"{ECR}/team"}), False),
        (frozenset(), False),
    ],
)
def test_the_identity_is_shown_for_the_operators_repositories_alone(
    amazon: tuple[Internet, FakeRegistry, dict[str, str]], repositories: frozenset[str], *, is_known: bool
) -> None:
    """A listed registry is asked in any case; without the identity it says that it wants credentials."""
    net, fake, environ = amazon
    port = int(net.node.rpartition(":")[2])

    def lookup(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    policy = Anywhere.of(ECR, repositories=repositories)
    resolver = Resolver(
        lambda: policy,
        QuestionSettings(plain_http=(ECR,), lookup=lookup, environ=environ),
        Bounds(deadline_seconds=20),
    )
    answer = resolve_one(resolver, "team", Reference.parse(f"{ECR}/team/model:v1"))
    resolver.close()
    expected = Facts(Digest.of(fake.manifests["v1"]), 2, is_image=False) if is_known else Unknown("needs-credentials")
    assert answer == expected
    assert ("node" in net.asked) is is_known


def test_the_catalog_and_the_prefix_are_the_operators() -> None:
    """A source in an annotation is the user's, even at the same registry."""
    catalog = Catalog.read({"phi-4": f"oci://{ECR}/models/phi-4:v1"})
    settings = Settings(default_prefix="oci://registry.example.com/models", resolve_registries=(ECR,))
    policy = Registries(settings, lambda: catalog).policy()
    for name, is_operators in {
        f"{ECR}/models/phi-4:v2": True,
        f"{ECR}/models/phi-4-secret:v1": False,
        "registry.example.com/models/any/model:v1": True,
        "registry.example.com/models-of-others/x:v1": False,
    }.items():
        assert policy.is_operators(Reference.parse(name)) is is_operators, name
