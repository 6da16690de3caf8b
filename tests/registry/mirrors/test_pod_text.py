"""What pods are told of mirrors: their own registry's alone, and nothing that is secret."""

import pytest

from registry.errors import BadMirrors
from registry.mirrors.directory import find_hosts
from registry.mirrors.host import Host
from registry.mirrors.pod_text import check_text, text_for

TEXT = """
["registry.example.com"]
server = "https://registry.example.com"
["registry.example.com".host."http://mirror.example.com:4001"]
capabilities = ["pull"]
skip_verify = true
dial_timeout = "1s"
["registry.example.com".host."http://mirror.example.com:4001".header]
X-Cluster = ["a", "b \\"quoted\\""]
["other.example.com:5000".host."http://mirror.example.com:4002"]
[_default.host."http://mirror.example.com:4003"]
"""
UPSTREAM = Host(root="https://registry.invalid/v2")


@pytest.mark.parametrize("registry", ["registry.example.com", "other.example.com:5000", "nobody.example.com"])
def test_a_registrys_part_of_the_text_means_what_the_text_means(registry: str) -> None:
    """The same hosts, in the same order, with the same options."""
    part = text_for(TEXT, registry)
    assert find_hosts(None, registry, UPSTREAM, part) == find_hosts(None, registry, UPSTREAM, TEXT)
    assert "mirror.example.com" in part


def test_it_names_no_other_registry() -> None:
    """Who may read a pod learns of its own registry."""
    assert "other.example.com" not in text_for(TEXT, "registry.example.com")
    assert "4002" not in text_for(TEXT, "registry.example.com")
    assert text_for('["a.example.com".host."http://m:1"]', "b.example.com") == ""
    assert text_for("", "b.example.com") == ""


@pytest.mark.parametrize(
    "name",
    ["Authorization", "authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token"],
)
def test_a_header_that_looks_secret_is_refused_when_the_webhook_starts(name: str) -> None:
    """The operator reads why, and the value is quoted by nobody."""
    text = f'["a.example.com".host."https://m.example.com".header]\n{name} = "hush"'
    with pytest.raises(BadMirrors, match="shown to all who may read pods") as caught:
        check_text(text)
    assert "hush" not in caught.value.explain()


def test_a_proxy_with_a_password_is_refused() -> None:
    """Its URL would stand in every pod."""
    with pytest.raises(BadMirrors) as caught:
        check_text('["a.example.com".host."https://m.example.com"]\nproxy = "http://me:hush@proxy.example.com"')
    assert "hush" not in caught.value.explain()


@pytest.mark.parametrize(
    "text",
    [
        '["a.example.com".host."https://me:hush@m.example.com"]',
        '["a.example.com"]\nserver = "https://me:hush@m.example.com"',
        '["a.example.com".host."https://m.example.com"]\n["b.example.com".host."http://hush@m.example.com"]',
    ],
)
def test_a_mirror_with_a_password_is_refused(text: str) -> None:
    """In its own address as well, where it would not even be used."""
    with pytest.raises(BadMirrors, match="shown to all who may read pods") as caught:
        check_text(text)
    assert "hush" not in caught.value.explain()


def test_other_headers_are_the_operators_to_choose() -> None:
    """Those that name a cluster or a tenant."""
    check_text(TEXT)
