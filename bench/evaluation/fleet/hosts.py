"""The hosts of a fleet, each a network namespace on one bridge, and registries on them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from tests.cluster.host import Host, running_host
from tests.cluster.isolation import Isolation, isolated
from tests.cluster.network import set_up
from tests.parts.build import binary
from tests.parts.certificate import certificate_for
from tests.parts.distribution import registry_configuration
from tests.parts.process import Process

_READY_SECONDS = 30
_PORT, _CAPPED_PORT = 5000, 5001


@dataclass(frozen=True, slots=True)
class Network:
    """A bridge, to which hosts come and from which they go."""

    isolation: Isolation
    numbers: "count[int]"

    @contextmanager
    def host(self, rate: str = "") -> Iterator[Host]:
        """Make a host until the block ends; `rate` limits what it sends, as tc writes it."""
        with running_host(self.isolation, next(self.numbers), rate) as host:
            yield host


@dataclass(frozen=True, slots=True)
class Server:
    """A registry behind TLS on a host of its own."""

    address: str
    certificate: Path
    host: Host
    process: Process

    def sent_bytes(self) -> int:
        """Return what the host sent so far, headers of all layers included."""
        command = self.host.command(["ip", "-s", "-j", "link", "show", "dev", "eth0"])
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return int(found[0]["stats64"]["tx"]["bytes"])


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Make a bridge until the block ends; raise NotReadyError."""
    folder.mkdir(parents=True)
    with isolated(folder) as isolation:
        set_up(isolation)
        yield Network(isolation, count(1))


@contextmanager
def server(host: Host, storage: Path, folder: Path, upstream: Server | None = None) -> Iterator[Server]:
    """Run CNCF distribution on a host until the block ends; with `upstream` it is a pull-through cache of that one."""
    folder.mkdir(parents=True)
    certificate, key = certificate_for(host.address, folder)
    tls = {"certificate": str(certificate), "key": str(key)}
    configuration = registry_configuration(storage, f"0.0.0.0:{_PORT}", tls=tls)
    trust = {"OTEL_TRACES_EXPORTER": "none"}
    if upstream:
        configuration["proxy"] = {"remoteurl": f"https://{upstream.address}"}
        trust["SSL_CERT_FILE"] = str(upstream.certificate)
    (folder / "config.json").write_text(json.dumps(configuration))  # JSON is YAML
    command = host.command([binary("registry"), "serve", folder / "config.json"])
    with Process(command, folder / "registry.log", trust) as process:
        process.wait_until(lambda: "listening on" in process.said(), _READY_SECONDS)
        yield Server(f"{host.address}:{_PORT}", certificate, host, process)


@contextmanager
def capped(server: Server, rate: int, folder: Path) -> Iterator[Server]:
    """Reach a registry by a forwarder on its host that gives each connection `rate` bytes a second."""
    program = [sys.executable, "-m", "bench.evaluation.layouts.connection_limit"]
    command = server.host.command([*program, f"0.0.0.0:{_CAPPED_PORT}", f"127.0.0.1:{_PORT}", str(rate)])
    with Process(command, folder / "forwarder.log") as process:
        process.wait_until(lambda: "port" in process.said(), _READY_SECONDS)
        yield replace(server, address=f"{server.host.address}:{_CAPPED_PORT}")
