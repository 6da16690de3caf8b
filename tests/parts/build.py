"""The real programs that the tests run against.

1. a ready one that fits: the folder of KUBEBUILDER_ASSETS, then PATH
2. one that an earlier run built, in the cache
3. else built now, from sources whose sums go.sum pins
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .cache import cache_directory, locked
from .recipes import RECIPES, Recipe
from .toolchain import ToolchainError, find_toolchain

_PROBE_SECONDS = 20


class PartError(Exception):
    """A part that is not here and cannot be built, with the reason."""


def say(line: str) -> None:
    """Print a line of progress on stderr."""
    sys.stderr.write(f"parts: {line}\n")
    sys.stderr.flush()


def binary(name: str, announce: Callable[[str], None] = say) -> Path:
    """Return the path of a part, building it when need be; raise PartError."""
    recipe = RECIPES[name]
    return _ready(recipe) or _built(recipe, announce)


def _ready(recipe: Recipe) -> Path | None:
    if not recipe.version_arguments:
        return None
    return next((path for path in _candidates(recipe.name) if _fits(path, recipe)), None)


def _candidates(name: str) -> Iterator[Path]:
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        yield Path(assets) / name
    if on_path := shutil.which(name):
        yield Path(on_path)


def _fits(path: Path, recipe: Recipe) -> bool:
    """Ask the program for its version: another one is passed over, for tests rest on what it does."""
    try:
        answer = subprocess.run(
            [path, *recipe.version_arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(recipe.fits.search(answer.stdout + answer.stderr))


def _built(recipe: Recipe, announce: Callable[[str], None]) -> Path:
    home = cache_directory() / f"{recipe.name}-{recipe.version}-{recipe.fingerprint}"
    target = home / recipe.name
    with locked(home):
        if not target.exists():
            home.mkdir(exist_ok=True)
            _build(recipe, target, announce)
    return target


def _build(recipe: Recipe, target: Path, announce: Callable[[str], None]) -> None:
    staging = target.with_suffix(".staging")
    try:
        toolchain = find_toolchain(recipe.go_version, announce)
        announce(
            f"building {recipe.name} {recipe.version} from source, once: "
            f"about {recipe.minutes:g} min on two cores; kept in {target.parent}"
        )
        began = time.monotonic()
        toolchain.build(recipe.folder, recipe.package, recipe.linker_flags(recipe.version), staging)
    except ToolchainError as error:
        raise PartError(f"{recipe.name}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise PartError(f"{recipe.name} does not build: {error.stderr.strip()[-2000:]}") from error
    staging.rename(target)
    announce(f"built {recipe.name} in {time.monotonic() - began:.0f} s")
