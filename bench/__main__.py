"""`python -m bench`: measure every case, or those that are named; keep the results of the others."""

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from . import record, report
from .cases import Bench, Case
from .cases.admission import admission
from .cases.capped import capped
from .cases.disk import disk
from .cases.frugal import frugal
from .cases.kaito import kaito
from .cases.killed import killed
from .cases.pack import pack
from .cases.shaped import shaped
from .cases.shaped_tls import shaped_tls
from .cases.shared import shared
from .cases.slow import slow
from .cases.tls import tls
from .cases.unshaped import unshaped
from .cases.warm import warm
from .cases.zstd import zstd
from .corpus import cache_directory
from .plan import FULL, QUICK, Plan

_CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        unshaped,
        tls,
        shaped_tls,
        slow,
        warm,
        kaito,
        capped,
        shaped,
        frugal,
        disk,
        killed,
        pack,
        zstd,
        shared,
        admission,
    )
}
_RESULTS = Path(__file__).parent / "results"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the one tmpfs that every Linux has; a folder of our own is made in it


def main() -> int:
    """Measure and report; return 0 for any numbers, because they are a report and no test."""
    arguments = _parse()
    plan = _plan(arguments)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    memory = Path(
        tempfile.mkdtemp(prefix="weighbridge-bench-", dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None)
    )
    disk_scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=arguments.cache))
    try:
        bench = Bench(plan, arguments.cache, memory, disk_scratch)
        for name in arguments.cases or _CASES:
            sys.stderr.write(f"{name}\n")
            record.keep(_CASES[name](bench), plan.description, arguments.results)
            report.write(record.kept(arguments.results, tuple(_CASES)), arguments.results)
    finally:
        shutil.rmtree(memory)
        shutil.rmtree(disk_scratch)
    print(arguments.results / "README.md")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure our pull and push beside peers.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(_CASES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny models, one round: shows that the harness works")
    parser.add_argument("--rounds", type=int, help="how often each command runs (default: 5)")
    parser.add_argument("--results", type=Path, default=_RESULTS, metavar="DIR", help="where the report goes")
    parser.add_argument("--cache", type=Path, default=cache_directory(), metavar="DIR", help="where the models stay")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - set(_CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return arguments


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = QUICK if arguments.quick else FULL
    return replace(plan, rounds=arguments.rounds) if arguments.rounds else plan


if __name__ == "__main__":
    sys.exit(main())
