"""Laws of the registries that tests run against."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.fakes.tokens import TokenServer

from .distribution import PASSWORD, USER, Registry

_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _get(url: str, authorization: str | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers={"Authorization": authorization} if authorization else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def test_the_open_registry_lets_everyone_in(registry: Registry) -> None:
    """Without `auth` the API answers anyone."""
    assert _get(f"http://{registry.address}/v2/")[0] == 200


@pytest.mark.parametrize(("authorization", "code"), [(None, 401), ("Basic eDp5", 401), (_BASIC, 200)])
def test_the_basic_registry_lets_in_the_one_that_knows_the_password(
    basic_registry: Registry, authorization: str | None, code: int
) -> None:
    """Only USER with PASSWORD passes."""
    assert _get(f"http://{basic_registry.address}/v2/", authorization)[0] == code


def test_the_token_registry_takes_what_its_token_server_signed(
    token_registry: Registry, token_server: TokenServer
) -> None:
    """The challenge names the realm, and a token from there opens what it grants."""
    url = f"http://{token_registry.address}/v2/a/model/tags/list"
    code, headers = _get(url)
    assert code == 401
    assert f'realm="{token_server.realm}"' in headers["WWW-Authenticate"]

    scope = "scope=repository:a/model:pull&service=registry"
    assert _get(f"{token_server.realm}?{scope}", "Basic eDp5")[0] == 401
    anonymous = _get(f"{token_server.realm}?{scope}")[1]["token"]
    assert _get(url, f"Bearer {anonymous}")[0] == 401
    granted = _get(f"{token_server.realm}?{scope}", _BASIC)[1]["token"]
    assert _get(url, f"Bearer {granted}")[0] == 404  # let in, and there is no such repository


def test_a_token_whose_time_is_over_opens_nothing(token_registry: Registry, token_server: TokenServer) -> None:
    """Tests of token refresh can make the registry refuse a token that was good in form."""
    token_server.script.lifetime_seconds = -120
    dead = token_server.token([{"type": "repository", "name": "a/model", "actions": ["pull"]}])

    assert _get(f"http://{token_registry.address}/v2/a/model/tags/list", f"Bearer {dead}")[0] == 401
