"""What the operator decides for all pods, driven by the injected container's own environment and mounts."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Part
from tests.fakes.registry import fake_registry
from tests.parts.certificate import certificate_for_localhost
from tests.parts.distribution import Registry, running_registry
from tests.parts.objects import Object
from tests.puller.models import offer, read_tree
from webhook.catalog import Catalog
from webhook.injection.inject import Injection, inject
from webhook.settings import Settings

from .conftest import labelled_pod, push
from .kubelet import Node

PULLER = "weighbridge-puller"
FILES = {"config.json": b"{}", "weights.bin": b"x" * 70_000}


def injected(source: str, settings: dict[str, str]) -> Object:
    """Return a pod with its model, under the operator's settings."""
    configured = Settings.from_env({f"WEIGHBRIDGE_{name}": value for name, value in settings.items()})
    outcome = inject(copy.deepcopy(labelled_pod("server")), Catalog.read({"tiny": source}), configured)
    assert isinstance(outcome, Injection)
    outcome.pod["metadata"]["uid"] = "1"
    return outcome.pod


def model_of(node: Node, pod: Object) -> dict[str, bytes]:
    """Return the files that the server finds."""
    (mount,) = pod["spec"]["containers"][0]["volumeMounts"]
    return read_tree(node.mounted(pod, mount))


@pytest.fixture
def tls_registry(part: Part, tmp_path: Path) -> Iterator[tuple[Registry, str]]:
    """Run a registry whose certificate nobody trusts by itself; give it with the certificate."""
    certificate, key = certificate_for_localhost(tmp_path)
    tls = {"certificate": str(certificate), "key": str(key)}
    (tmp_path / "data").mkdir()
    with running_registry(part("registry"), tmp_path / "data", tls=tls) as running:
        yield running, certificate.read_text()


def test_a_registry_behind_the_operators_ca_is_pulled_from(tls_registry: tuple[Registry, str], tmp_path: Path) -> None:
    """The ConfigMap in the pod's namespace is mounted into the puller, and trusted beside the image's CAs."""
    registry, certificate = tls_registry
    # on loopback plain HTTP is spoken, unless the operator says otherwise
    settings = {"CA_CONFIG_MAP": "corp-ca", "MIRRORS": f'["{registry.address}"]\nserver = "https://{registry.address}"'}
    pod = injected(f"{registry.address}/models/tiny:v1", settings)

    trusting = Node(tmp_path / "trusting", config_maps={"corp-ca": {"ca.crt": certificate}}).run(pod, PULLER)
    assert "[registry.not-found]" in trusting.stderr  # it was spoken to, and holds no model

    doubting = Node(tmp_path / "doubting").run(pod, PULLER)
    assert doubting.returncode == 1
    assert "is missing: only the CAs of the image are trusted" in doubting.stderr
    assert "[registry.untrusted]" in doubting.stderr
    assert "WEIGHBRIDGE_CA_CONFIG_MAP" in doubting.stderr


def test_a_registry_behind_the_operators_proxy_is_pulled_from(tmp_path: Path) -> None:
    """No name of it can be looked up from the pod: all requests go to the proxy."""
    with fake_registry() as proxy:
        offer(proxy, FILES)
        host = "registry.models.example"
        pod = injected(f"{host}/team/model:v1", {"HTTP_PROXY": f"http://{proxy.address}", "PLAIN_HTTP": host})
        node = Node(tmp_path / "node")
        done = node.run(pod, PULLER)
        assert done.returncode == 0, done.stderr
        assert model_of(node, pod) == FILES
        assert {request.path.startswith(f"http://{host}/") for request in proxy.requests} == {True}


def test_adapters_and_a_cache_reach_the_containers_that_are_wired_for_them(tmp_path: Path, registry: Registry) -> None:
    """What the environment names is where the puller put it."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "x"}')
    source = push(base, f"{registry.address}/models/adapted:v1")
    push(adapter, f"{registry.address}/models/sql:v1")
    document = labelled_pod("server")
    document["metadata"]["annotations"] = {"weighbridge.dev/adapters": f"sql={registry.address}/models/sql:v1"}
    outcome = inject(document, Catalog.read({"tiny": source}), Settings())
    assert isinstance(outcome, Injection)
    pod = outcome.pod
    pod["metadata"]["uid"] = "1"
    node = Node(tmp_path / "node")
    done = node.run(pod, PULLER)
    assert done.returncode == 0, done.stderr
    mounts = {mount["mountPath"]: mount for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    environ = {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}
    adapters = node.mounted(pod, mounts[environ["WEIGHBRIDGE_ADAPTERS_PATH"]])
    config = (adapters / "sql" / "adapter_config.json").read_text()
    assert f'"base_model_name_or_path": "{environ["WEIGHBRIDGE_MODEL_PATH"]}"' in config
