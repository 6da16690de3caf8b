"""An inference server's first seconds: it waits for its weights, touches all tensors, and says when.

It runs in an image of the evaluation as `python /engine.py --model FOLDER`, on the standard library alone. Its one line
on stdout is a JSON object; seconds are since the epoch.
"""

import hashlib
import json
import mmap
import sys
import time
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.02


def main() -> None:
    """Report, and end: a watch of the pod tells the harness, which else would have to ask again and again."""
    started = time.time()
    folder = Path(sys.argv[1 + sys.argv.index("--model")])
    while not (folder / "config.json").exists():
        time.sleep(_LOOK_AGAIN_SECONDS)  # a modelcar beside this container may come later, and tells nobody
    ready = time.time()
    for shard in sorted(folder.glob("*.safetensors")):
        touch(shard)
    touched = time.time()
    digests = {path.name: digest(path) for path in sorted(folder.iterdir()) if path.is_file()}
    report = {"started": started, "ready": ready, "touched": touched, "digests": digests}
    sys.stdout.write(json.dumps(report) + "\n")


def touch(shard: Path) -> int:
    """Read one byte of each page in order, as a loader does that copies tensors; return how many."""
    with shard.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        return len(bytes(memoryview(pages)[:: mmap.PAGESIZE]))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
