"""When, where and with which versions something was measured."""

import os
import platform
import re
import shutil
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version

_PROGRAMS = {
    "containerd": ("containerd", "--version"),
    "CNCF distribution": ("registry", "--version"),
    "oras": ("oras", "version"),
    "crane": ("crane", "version"),
    "skopeo": ("skopeo", "--version"),
    "buildah": ("buildah", "--version"),
    "zstd": ("zstd", "--version"),
}
_PACKAGES = ("huggingface_hub", "oras")
_NUMBER = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")


def circumstances() -> str:
    """Return the date, the machine and the versions, as sentences."""
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    kernel = platform.release().partition("-")[0]
    where = f"{time.strftime('%Y-%m-%d', time.gmtime())}, {cores}, Linux {kernel}, Python {platform.python_version()}."
    found = [*_programs(), *_packages()]
    return f"{where} {', '.join(found)}."


def _programs() -> list[str]:
    found = []
    for name, command in _PROGRAMS.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
            number = _NUMBER.search(said)
            found.append(f"{name} {number[1] if number else 'of unknown version'}")
    return found


def _packages() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
