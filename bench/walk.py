"""How far a reader walks: the product files that a pull of two files enters, and the frames under a ranged GET.

`python -m bench.walk` pulls from a registry in this process under a profiler, and prints both; class bodies do not
count.
"""

import inspect
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from puller.command import pull_to_folder
from registry.access.environment import access_from
from registry.progress.reporter import QuietReporter
from tests.fakes.registry import fake_registry
from tests.puller.models import noise, offer

_ROOT = Path(__file__).parent.parent
_NAMES = ("registry", "puller", "packer", "webhook", "certs", "cluster", "weighbridge.py")
_ROOMS = tuple(str(_ROOT / room) for room in _NAMES)
_MODEL = {"config.json": b"{}", "model.safetensors": noise(40 << 20)}


class Walk:
    """Notes which product files are entered, and how deep the stack is where a request goes out."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.stack: tuple[str, ...] = ()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Note one call; a profiler, as sys.setprofile wants it."""
        if event != "call" or not _is_product(frame):
            return
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, not a module or a class body
            self.files.add(frame.f_code.co_filename)
        if frame.f_code.co_name == "_send" and frame.f_code.co_filename.endswith("transport.py"):
            stack = tuple(_frames(frame))
            if any("worker.py" in one for one in stack) and len(stack) > len(self.stack):
                self.stack = stack


def _is_product(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_ROOMS)


def _frames(frame: FrameType | None) -> list[str]:
    found = []
    while frame is not None:
        if _is_product(frame):
            found.append(f"{Path(frame.f_code.co_filename).relative_to(_ROOT)}:{frame.f_code.co_name}")
        frame = frame.f_back
    return found


def main() -> None:
    """Walk once, and print what was seen."""
    walk = Walk()
    with fake_registry() as fake, tempfile.TemporaryDirectory() as folder, access_from({}) as access:
        offer(fake, _MODEL, chunk=16 << 20)
        threading.setprofile(walk)
        sys.setprofile(walk)
        pull_to_folder(fake.reference(), Path(folder) / "model", (), access, QuietReporter())
        sys.setprofile(None)
        threading.setprofile(None)
    names = sorted(str(Path(name).relative_to(_ROOT)) for name in walk.files)
    sys.stdout.write(f"{len(names)} product files entered by a pull of {len(_MODEL)} files\n")
    files = {one.partition(":")[0] for one in walk.stack}
    sys.stdout.write(f"{len(walk.stack)} frames under a ranged GET, in {len(files)} files\n")
    sys.stdout.writelines(f"  {one}\n" for one in reversed(walk.stack))
    if "-v" in sys.argv:
        sys.stdout.writelines(f"{name}\n" for name in names)


if __name__ == "__main__":
    main()
