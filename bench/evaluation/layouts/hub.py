"""The tests' Hugging Face hub with a model: `python -m bench.evaluation.layouts.hub FOLDER CERTIFICATE KEY`.

It stands in for the public one, and serves files from its memory over TLS. Prints its port.
"""

import signal
import ssl
import sys
from pathlib import Path

from tests.fakes.hub import fake_hub


def main() -> None:
    """Serve until killed."""
    folder, certificate, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with fake_hub(context) as hub:
        hub.commit({path.name: path.read_bytes() for path in Path(folder).iterdir()})
        sys.stdout.write(f"port {hub.address.rpartition(':')[2]}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
