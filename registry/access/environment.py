"""What this user's environment says about registries: proxies, credentials, the hub. Read here and nowhere else.

The hub's token alone is read by `huggingface_hub` itself, when the hub is asked (huggingface.py).
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from registry.auth.credentials import Credentials, default_files
from registry.http.retry import Patience, Wait, silent
from registry.http.transport import Transport
from registry.net.tls import Tls
from registry.remote.client import Access


def access_from(  # noqa: PLR0913 - one option each, and all by name
    environ: Mapping[str, str],
    *,
    docker_configs: Iterable[str] = (),
    may_lack_configs: bool = False,
    say: Callable[[str], None] = lambda _: None,
    plain_http: Iterable[str] = (),
    ca_file: str = "",
    hosts_dir: str = "",
    mirrors: str = "",
    say_wait: Callable[[Wait], None] = silent,
) -> Access:
    """Make the access of one program: the docker configs given come before the user's own.

    Those must be there unless they `may_lack`, as pull secrets may. `say` tells of credentials that are passed over,
    and `say_wait` of waits for the network. Proxies are those of the process's environment, as every tool reads them.
    """
    credentials = Credentials.load(
        map(Path, docker_configs), default_files(environ), may_lack=may_lack_configs, say=say
    )
    return Access(
        transport=Transport(proxies=_proxies(environ), tls=Tls.trusting(ca_file)),
        credentials=credentials,
        plain_http=tuple(plain_http),
        hosts_dir=hosts_dir,
        mirrors=mirrors,
        patience=Patience(say=say_wait),
        hub_endpoint=environ.get("HF_ENDPOINT", ""),
    )


def _proxies(environ: Mapping[str, str]) -> Mapping[str, str]:
    if not any(name.lower().endswith("_proxy") for name in environ):
        return {}
    from urllib.request import getproxies_environment  # noqa: PLC0415 - a tenth of the start-up, and seldom needed

    return getproxies_environment()
