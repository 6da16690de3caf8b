"""Our own programs as commands, started as users and pods start them."""

import sys
from pathlib import Path

from puller.settings import Settings

from .run import Command

CONNECTIONS = Settings(source="", destination="").connections
PIECE_BYTES = Settings(source="", destination="").piece_bytes


def pull(reference: str, folder: Path, *, connections: int = CONNECTIONS, sync: bool = False) -> Command:
    """Run the initContainer's program, told by its environment to fill `folder`/model."""
    settings = Settings(
        source=f"oci://{reference}",
        destination=str(folder / "model"),
        connections=connections,
        sync=sync,
        termination_log="",
    )
    return Command((sys.executable, "-m", "puller"), settings.to_env())


def push(folder: Path, reference: str) -> Command:
    """Run `weighbridge push`."""
    return Command((sys.executable, "-m", "weighbridge", "push", str(folder), reference, "--quiet"))
