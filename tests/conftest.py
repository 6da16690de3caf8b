"""What every test stands on: a clean environment, and the real parts, started when first asked for."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from .fakes.tokens import TokenServer
from .parts.apiserver import ApiServer, running_api_server
from .parts.build import PartError, binary
from .parts.distribution import Registry, basic_auth, running_registry, token_auth
from .parts.installed import installed

Part = Callable[[str], Path]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OURS = "WEIGHBRIDGE_"
_HUB = ("HF_", "HUGGING_FACE_")
_CLOUDS = ("AWS_", "AZURE_", "GOOGLE_", "GCE_")
_MEMORY_BYTES = 2 << 30
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


# How properties are run: on a machine that others use too, a pause is no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's job in the background, and all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no proxy, docker login, login at the hub, kubeconfig or setting of the user's reach a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if (
                name.upper() in _PROXIES
                or name.startswith((*_HUB, *_CLOUDS))
                or (name.startswith(_OURS) and name != "WEIGHBRIDGE_GOLDEN")
            ):
                patch.delenv(name)
        patch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
        patch.setenv("KUBECONFIG", os.devnull)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        yield


def _refuse_far_addresses(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
        if host not in _LOOPBACK:
            raise RuntimeError(f"a test wanted to talk to {host}; tests stay on this machine")


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> None:
    """Let no test reach beyond this machine: an audit hook sees every connection of this process."""
    sys.addaudithook(_refuse_far_addresses)


@pytest.fixture(scope="session")
def part(request: pytest.FixtureRequest) -> Part:
    """Return the path of a real program by its name.

    One that cannot be had is a failure in CI and a skip elsewhere. What a build has to say goes past
    pytest's capture: a first run takes minutes, and nobody should wonder why.
    """
    capture = request.config.pluginmanager.getplugin("capturemanager")
    missing: dict[str, str] = {}

    def find(name: str) -> Path:
        try:
            if name not in missing:  # a second try would take as long and end alike
                with capture.global_and_fixture_disabled():
                    return binary(name)
        except PartError as error:
            missing[name] = str(error)
        if os.environ.get("CI"):
            pytest.fail(missing[name])
        pytest.skip(missing[name])  # a laptop without Go, or without its module proxy

    return find


@pytest.fixture(scope="session")
def skopeo() -> str:
    """Return the path of skopeo, which reads what we push."""
    return installed("skopeo")


@pytest.fixture(scope="session")
def registry(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Run CNCF distribution, open to all; tests keep apart by repository names.

    It syncs every file several times, which on a disk makes minutes of thousands: memory serves where there is some.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a place for a folder of our own, made by tempfile
    if memory.is_dir() and shutil.disk_usage(memory).free > _MEMORY_BYTES:
        with (
            tempfile.TemporaryDirectory(prefix="weighbridge-registry-", dir=memory) as folder,
            running_registry(part("registry"), Path(folder)) as running,
        ):
            yield running
    else:
        with running_registry(part("registry"), tmp_path_factory.mktemp("registry")) as running:
            yield running


@pytest.fixture(scope="session")
def basic_registry(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Run a registry that asks for distribution.USER and distribution.PASSWORD."""
    folder = tmp_path_factory.mktemp("basic-registry")
    with running_registry(part("registry"), folder, auth=basic_auth(folder)) as running:
        yield running


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    """Run a token server that tests may script."""
    with TokenServer() as tokens:
        yield tokens


@pytest.fixture
def token_registry(part: Part, tmp_path: Path, token_server: TokenServer) -> Iterator[Registry]:
    """Run a registry that takes `token_server`'s tokens alone."""
    folder = tmp_path / "token-registry"
    folder.mkdir()
    auth = token_auth(token_server.realm, token_server.jwks(), folder)
    with running_registry(part("registry"), folder, auth=auth) as running:
        yield running


@pytest.fixture(scope="session")
def api_server(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run a real API server; tests keep apart by namespaces and object names."""
    programs = {name: part(name) for name in ("etcd", "kube-apiserver")}
    with running_api_server(programs, tmp_path_factory.mktemp("api-server")) as running:
        yield running
