"""`python -m bench.evaluation`: measure every part, or those that are named, and write docs/evaluation.md."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.corpus import cache_directory
from tests.parts.build import PartError, binary

from .builds.builds import builds
from .fleet.fleet import fleet
from .layouts.layouts import layouts
from .plan import FULL, QUICK, Plan
from .report import machine, page
from .report.results import Section, keep, kept
from .starts.starts import starts

_ROOT = Path(__file__).parents[2]
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the one tmpfs that every Linux has; a folder of our own is made in it
_PROGRAMS = ("oras", "crane", "registry", "containerd", "containerd-shim-runc-v2", "ctr")


_PARTS: dict[str, Callable[[Plan, Path, Path, Path], Section]] = {
    "layouts": layouts,
    "builds": builds,
    "fleet": fleet,
    "starts": starts,
}


def main() -> int:
    """Measure and report; return 0 for any figures, because they are a report and no test, and 1 where rows failed."""
    arguments = _parse()
    plan = QUICK if arguments.quick else FULL
    _find_programs()
    for name in arguments.parts or _PARTS:
        began = time.monotonic()
        section = _measured(name, plan)
        section.circumstances = machine.circumstances()
        keep(section, arguments.results)
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    sections = kept(arguments.results, tuple(_PARTS))
    page.write(sections, arguments.page)
    print(arguments.page)
    failed = [f"{cell.group}, {cell.row}" for one in sections.values() for cell in one.cells if cell.failure]
    print("\n".join(f"failed: {one}" for one in failed), file=sys.stderr)
    return 1 if failed else 0


def _measured(name: str, plan: Plan) -> Section:
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    memory = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    places = [Path(tempfile.mkdtemp(prefix="weighbridge-evaluation-", dir=place)) for place in (memory, cache)]
    try:
        return _PARTS[name](plan, cache, *places)
    finally:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)


def _find_programs() -> None:
    """Put the parts that are built here on PATH, where peers are looked for; what cannot be had is missing."""
    for name in _PROGRAMS:
        try:
            os.environ["PATH"] += f":{binary(name).parent}"
        except PartError as error:
            sys.stderr.write(f"{error}\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description="Measure the evaluation.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small models, one round: shows that all of it works")
    parser.add_argument("--results", type=Path, metavar="DIR", help="where the JSON goes")
    parser.add_argument("--page", type=Path, metavar="FILE", help="where the page goes, its charts beside it")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    build = _ROOT / "build" / "evaluation"
    arguments.results = arguments.results or (build if arguments.quick else _ROOT / "bench" / "results" / "evaluation")
    arguments.page = arguments.page or (
        build / "evaluation.md" if arguments.quick else _ROOT / "docs" / "evaluation.md"
    )
    return arguments


if __name__ == "__main__":
    sys.exit(main())
