"""What this user's environment says about registries: proxies, credentials. Read here and nowhere else."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.request import getproxies_environment

from .client import Access
from .credentials import Credentials, default_files
from .transport import Transport


def access_from(
    environ: Mapping[str, str],
    *,
    docker_configs: Iterable[str] = (),
    plain_http: Iterable[str] = (),
    ca_file: str = "",
) -> Access:
    """Make the access of one program: the docker configs given come before the user's own.

    Proxies are those of the process's environment, as every tool reads them.
    """
    files = [*map(Path, docker_configs), *default_files(environ)]
    return Access(
        transport=Transport(proxies=getproxies_environment(), ca_file=ca_file),
        credentials=Credentials.load(files),
        plain_http=tuple(plain_http),
    )
