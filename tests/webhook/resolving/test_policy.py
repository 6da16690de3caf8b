"""Which registries are asked, and which addresses are connected to."""

import pytest

from webhook.resolving.policy import Policy

_POLICY = Policy.of("Registry.Example.com:5000", "docker.io", "harbor.registry.svc", "10.0.0.7:5000", "127.0.0.1:5001")

_FORBIDDEN = (
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104 - an address that is refused
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "100.100.100.200",
    "224.0.0.1",
    "ff02::1",
    "no address",
)
_PRIVATE = ("10.96.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.96.0.1", "64:ff9b::a60:1")
_PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822")


@pytest.mark.parametrize("host", ["registry.example.com", "auth.example.com"])
@pytest.mark.parametrize("address", _FORBIDDEN)
def test_no_name_leads_to_the_machine_its_link_or_a_clouds_metadata(host: str, address: str) -> None:
    """Neither a registry that the operator named nor its token server, in any notation of the address."""
    assert not _POLICY.may_connect(host, address)


@pytest.mark.parametrize("address", _PRIVATE)
def test_pods_and_services_are_connected_to_only_where_the_registry_is_named(address: str) -> None:
    """A token server that nobody named must be public."""
    assert _POLICY.may_connect("harbor.registry.svc", address)
    assert not _POLICY.may_connect("auth.registry.svc", address)


@pytest.mark.parametrize("address", _PUBLIC)
def test_public_addresses_are_connected_to(address: str) -> None:
    """Those of registries, and those of token servers."""
    assert _POLICY.may_connect("registry.example.com", address)
    assert _POLICY.may_connect("auth.docker.io", address)


def test_an_address_that_the_operator_wrote_is_connected_to() -> None:
    """Nobody else chose it; another address of the kind is none of it."""
    assert _POLICY.may_connect("10.0.0.7", "10.0.0.7")
    assert _POLICY.may_connect("127.0.0.1", "127.0.0.1")
    assert not _POLICY.may_connect("127.0.0.2", "127.0.0.2")


@pytest.mark.parametrize(
    ("registry", "is_allowed"),
    [
        ("registry.example.com:5000", True),
        ("REGISTRY.example.COM:5000", True),
        ("docker.io", True),
        ("index.docker.io", True),
        ("registry.example.com", False),
        ("registry.example.com:5001", False),
        ("registry.example.com.:5000", False),
        ("evil.example.com:5000", False),
        ("10.0.0.8:5000", False),
        ("127.1:5001", False),
    ],
)
def test_only_registries_that_the_operator_named_are_asked(registry: str, *, is_allowed: bool) -> None:
    """With their port; a domain brings no other host along."""
    assert _POLICY.allows(registry) is is_allowed


@pytest.mark.parametrize(
    ("registry", "host", "is_allowed"),
    [
        ("registry.example.com:5000", "registry.example.com", True),
        ("registry.example.com:5000", "auth.example.com", True),
        ("registry.example.com:5000", "harbor.registry.svc", True),
        ("registry.example.com:5000", "example.org", False),
        ("registry.example.com:5000", "evilexample.com", False),
        ("registry.example.com:5000", "localhost", False),
        ("registry.example.com:5000", "10.96.0.1", False),
        ("registry.example.com:5000", "2130706433", False),
        ("docker.io", "registry-1.docker.io", True),
        ("docker.io", "auth.docker.io", True),
        ("quay.io", "github.io", False),
        ("10.0.0.7:5000", "10.0.0.8", False),
        ("10.0.0.7:5000", "1.0.0.7", False),
    ],
)
def test_token_servers_are_on_the_registrys_site_or_named(registry: str, host: str, *, is_allowed: bool) -> None:
    """A registry's top-level domain is no site."""
    assert _POLICY.may_look_up(registry, host) is is_allowed
