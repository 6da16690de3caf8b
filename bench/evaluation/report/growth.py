"""The fleet on paper, as tables: the model of growth beside what was measured, and for a thousand nodes."""

from collections.abc import Iterator
from dataclasses import replace

from bench.evaluation.fleet.growth import (
    GIGABIT,
    GROWING,
    PHI_BYTES,
    Lines,
    last_seconds,
    measured_lines,
    origin_models,
)

from .results import Section

_NODES = (8, 32, 100, 1000)
_ORIGIN, _NODE, _MIRROR = 10, 10, 25
"""Gbit/s of the fleet on paper."""


def growth(fleet: Section) -> Iterator[str]:
    """Yield the tables as lines of Markdown; nothing where the fleet was not measured."""
    measured = measured_lines(fleet)
    if measured is None:
        return
    yield "\n### On paper\n"
    yield (
        "Every way has one law (`fleet/growth.py`), with three constants of the measured fleet: a pull takes "
        f"{measured.begin_seconds:.1f} s beside its bytes, pulls used {measured.share:.0%} of the origin's line, and "
        f"an empty pull-through registry asked the origin anew for {measured.passed_on:.0%} of the pods.\n"
        "The law beside what was measured, seconds until the last pod has it:\n"
    )
    yield from _beside(fleet, measured)
    paper = replace(measured, model=PHI_BYTES, origin=_ORIGIN * GIGABIT, node=_NODE * GIGABIT, mirror=_MIRROR * GIGABIT)
    yield (
        f"\nThe whole phi-4 ({PHI_BYTES / 1e9:.1f} GB), an origin and nodes with {_ORIGIN} Gbit/s each and one "
        f"pull-through registry with {_MIRROR} Gbit/s, all nodes empty and at once; seconds until the last pod, and "
        "models that the origin sends. Peer to peer is a bound from these lines alone: neither Spegel nor Dragonfly was"
        " measured.\n"
    )
    yield from _thousand(paper)


def _beside(fleet: Section, lines: Lines) -> Iterator[str]:
    groups = fleet.groups()
    yield f"| way | {' | '.join(f'{group}, law | measured' for group in groups)} |"
    yield "|---" * (1 + 2 * len(groups)) + "|"
    for way in GROWING:
        cells = [fleet.cell(group, way) for group in groups]
        if any(cells):
            laws = [last_seconds(way, int(group.split()[0]), lines) for group in groups]
            seen = [f"{cell.median('last_seconds'):.1f}" if cell else "" for cell in cells]
            yield f"| {way} | " + " | ".join(f"{law:.1f} | {one}" for law, one in zip(laws, seen, strict=True)) + " |"


def _thousand(lines: Lines) -> Iterator[str]:
    yield f"| way | {' | '.join(f'{nodes} pods' for nodes in _NODES)} |"
    yield "|---" * (1 + len(_NODES)) + "|"
    for way in GROWING:
        shown = [f"{last_seconds(way, pods, lines):,.0f} s, {origin_models(way, pods, lines):,.0f}" for pods in _NODES]
        yield f"| {way} | {' | '.join(shown)} |"
