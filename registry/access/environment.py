"""The settings for registries in the user's environment: proxies, credentials, the hub. No other module reads them.

One exception: `huggingface_hub` reads the hub's token itself, when the hub is asked (huggingface/api.py).

Tests: tests/registry/auth/test_credentials.py
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from registry.access.access import Access
from registry.auth.credentials import Credentials, default_files
from registry.http.retry import Patience, Wait, silent
from registry.http.trace import SILENT, Trace
from registry.http.transport import Transport
from registry.identity.identities import identities_of
from registry.net.tls import Tls


def access_from(  # noqa: PLR0913 - one option each, and all by name
    environ: Mapping[str, str],
    *,
    docker_configs: Iterable[str] = (),
    may_lack_configs: bool = False,
    say: Callable[[str], None] = lambda _: None,
    plain_http: Iterable[str] = (),
    secured: Iterable[str] = (),
    ca_file: str = "",
    client: tuple[str, str] | None = None,
    insecure: Iterable[str] = (),
    hosts_dir: str = "",
    mirrors: str = "",
    say_wait: Callable[[Wait], None] = silent,
    debug: Callable[[str], None] | None = None,
    token: tuple[str, str] | None = None,
) -> Access:
    """Return the access of one program. The docker configs of the argument come before the user's own.

    Each of them must exist unless `may_lack_configs` is true, as for pull secrets. `say` is called with a line for each
    credential that is skipped, `say_wait` with each wait for the network, and `debug` with each request, answer and
    retry where the user asks for them. `token` is a registry, and a file with the token of a ServiceAccount that is
    sent to it. Proxies and identities of a cloud come from the environment.
    """
    trace = Trace(debug) if debug else SILENT
    tls = Tls.trusting(ca_file)._replace(client=client)
    transport = Transport(proxies=_proxies(environ), tls=tls, trace=trace)
    credentials = Credentials.load(
        map(Path, docker_configs),
        default_files(environ),
        may_lack=may_lack_configs,
        say=say,
        identities=identities_of(environ, transport, token),
    )
    return Access(
        transport=transport,
        credentials=credentials,
        plain_http=tuple(plain_http),
        secured=tuple(secured),
        insecure=tuple(insecure),
        hosts_dir=hosts_dir,
        mirrors=mirrors,
        patience=Patience(say=say_wait, note=lambda wait: trace.note(str(wait))),
        hub_endpoint=environ.get("HF_ENDPOINT", ""),
    )


def _proxies(environ: Mapping[str, str]) -> Mapping[str, str]:
    if not any(name.lower().endswith("_proxy") for name in environ):
        return {}
    from urllib.request import getproxies_environment  # noqa: PLC0415 - a tenth of the start-up, and seldom needed

    return getproxies_environment()
