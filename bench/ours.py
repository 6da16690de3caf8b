"""Our own programs as commands, in the way that users and pods start them."""

import sys
from pathlib import Path

from puller.settings import Settings

from .run import Command

CONNECTIONS = Settings(source="", destination="").connections
PIECE_BYTES = Settings(source="", destination="").piece_bytes


def pull(  # noqa: PLR0913 - a setting each, all by name
    source: str,
    folder: Path,
    *,
    connections: int = CONNECTIONS,
    processes: int = 0,
    sync: bool = False,
    cache: Path | None = None,
    hosts: Path | None = None,
    tools: Path | None = None,
) -> Command:
    """Return the command of the initContainer's program, whose environment says to fill `folder`/model.

    With `tools`, a folder, it is the sidecar's, which does not end by itself.
    """
    settings = Settings(
        source=source,
        destination=str(folder / "model"),
        connections=connections,
        processes=processes,
        cache=str(cache or ""),
        sync=sync,
        hosts_dir=str(hosts or ""),
        tools=str(tools or ""),
        termination_log="",
    )
    return Command((sys.executable, "-m", "puller"), settings.to_env())


def push(
    folder: Path, reference: str, codec: str = "raw", *, hosts: Path | None = None, ledger: Path | None = None
) -> Command:
    """Return the command `weighbridge push`; with `ledger`, a folder, it remembers nothing of earlier pushes."""
    mirrors = ("--hosts-dir", str(hosts)) if hosts else ()
    verb = ("push", str(folder), reference, "--quiet", "--codec", codec, *mirrors)
    return Command((sys.executable, "-m", "weighbridge", *verb), {"XDG_CACHE_HOME": str(ledger)} if ledger else {})
