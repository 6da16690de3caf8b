"""How long a pull holds the interpreter's lock: `python -m bench.gil [--tls] [--processes N] [CONNECTIONS]`.

The figure is the mean of all processes, in seconds a GB of the whole model.

py-spy, which must be on PATH, looks 1,000 times a second whether a thread holds the lock, without stopping the program.
On a machine whose cores are busy otherwise, a holder that waits for a core counts as well: the figure is then too high.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from . import ours
from .corpus import cache_directory, model_of
from .origin import distribution, publish, tls_distribution
from .plan import FULL
from .rounds import GB

_RATE = 1000


def main() -> int:
    """Print the figure of one pull; return 1 where py-spy or the registry is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.gil", description=__doc__)
    parser.add_argument("connections", nargs="?", type=int, default=ours.CONNECTIONS)
    parser.add_argument("--tls", action="store_true", help="pull over TLS")
    parser.add_argument("--processes", type=int, default=1, help="share the connections out to so many")
    arguments = parser.parse_args()
    spy = shutil.which("py-spy")
    if spy is None:
        sys.stderr.write("py-spy is not on PATH: pip install py-spy\n")
        return 1
    model = model_of(FULL.model(4), cache_directory())
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home, ExitStack() as stack:
        folder, hosts = Path(home), None
        if arguments.tls:
            registry = stack.enter_context(tls_distribution(folder / "registry"))
            if registry is None:
                return 1
            published, hosts = registry.secured(publish(model, registry.plain_address)), registry.hosts
        else:
            address = stack.enter_context(distribution(folder / "registry"))
            if address is None:
                return 1
            published = publish(model, address)
        command = ours.pull(
            published.reference, folder, connections=arguments.connections, processes=arguments.processes, hosts=hosts
        )
        seen = folder / "seen"
        what = ("--gil", "--nonblocking", "--subprocesses", f"--rate={_RATE}")
        watch = (spy, "record", *what, "--format=raw", f"--output={seen}")
        subprocess.run([*watch, "--", *command.argv], env=dict(command.environ), check=True, capture_output=True)
        held = sum(int(line.rpartition(" ")[2]) for line in seen.read_text().splitlines() if "transfer/" in line)
    seconds = held / _RATE / (model.size / GB) / arguments.processes
    processes = f"{arguments.processes} process{'es' * (arguments.processes > 1)}"
    sys.stdout.write(f"{seconds:.3f} s/GB held by workers, {arguments.connections} connections, {processes}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
