"""The roofline of a push: read, hash twice and send, a thread for each core, without a packer's further work.

`python -m bench.bare_push ADDRESS FILE [FILE …]`. sha256 is the blob's, BLAKE3 its chunks'; both are computed and
discarded. No manifest, no check whether a blob is there, no retry.
"""

import hashlib
import http.client
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blake3 import blake3

_BUFFER_BYTES = 1 << 20


def main() -> None:
    """Push every file as a blob of a repository; the origin discards them."""
    address, *paths = sys.argv[1:]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(_push, address, Path(path)) for path in paths]:
            done.result()


def _push(address: str, path: Path) -> None:
    connection = http.client.HTTPConnection(address)
    connection.request("POST", "/v2/bare/blobs/uploads/")
    answer = connection.getresponse()
    answer.read()
    whole, chunk = hashlib.sha256(), blake3()
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    connection.putrequest("PATCH", answer.headers["Location"])
    connection.putheader("Content-Length", str(path.stat().st_size))
    connection.endheaders()
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            whole.update(buffer[:count])
            chunk.update(buffer[:count])
            connection.sock.sendall(buffer[:count])
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()
