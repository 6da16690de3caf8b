"""How each way grows with the fleet, on paper: from sizes, lines and what was measured."""

from dataclasses import dataclass

from bench.evaluation.report.results import Section

from .ways import ALONE, CLAIM, HOST_PATH, PODS_A_NODE, PULL_THROUGH

PEERS = "peer to peer, its bound"
GROWING = (ALONE, CLAIM, HOST_PATH, PULL_THROUGH, PEERS)

GIGABIT = 125_000_000.0
"""Bytes a second."""

PHI_BYTES = 29_320_000_000
"""Bytes of microsoft/phi-4: 14.66 billion parameters in bf16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A model, and what carries it; bytes, and bytes a second."""

    model: float
    origin: float
    node: float
    mirror: float
    """The line of a pull-through registry."""

    share: float = 1.0
    """The share of a line that pulls use."""

    begin_seconds: float = 0.0
    """What a pull takes beside its bytes."""

    cold_copies: float = 1.0
    """How often an empty pull-through registry has the origin send the model when all ask at once."""


def last_seconds(way: str, pods: int, lines: Lines) -> float:
    """Return after how many seconds the last of `pods` pods, each on its node, has the model on its volume.

    A claim's own line, over which servers read the model afterwards, is not counted.
    """
    nodes = max(1, pods // PODS_A_NODE) if way == HOST_PATH else pods
    alone = lines.model / min(lines.origin, lines.node)
    seconds = {
        ALONE: max(alone, pods * lines.model / lines.origin),
        CLAIM: alone,
        HOST_PATH: max(alone, nodes * lines.model / lines.origin),
        PULL_THROUGH: max(alone, lines.cold_copies * lines.model / lines.origin, pods * lines.model / lines.mirror),
        PEERS: alone,
    }
    return lines.begin_seconds + seconds[way] / lines.share


def origin_models(way: str, pods: int, lines: Lines) -> float:
    """Return how many times the origin sends the model."""
    sent = {ALONE: pods, CLAIM: 1, HOST_PATH: max(1, pods // PODS_A_NODE), PULL_THROUGH: lines.cold_copies, PEERS: 1}
    return float(sent[way])


def measured_lines(fleet: Section, line: float = GIGABIT) -> Lines | None:
    """Return the lines of the measured fleet, with the constants that it showed; None where it was not measured."""
    group = next(iter(fleet.groups()), "")
    alone, claim, mirror = (fleet.cell(group, way) for way in (ALONE, CLAIM, PULL_THROUGH))
    if alone is None or claim is None:
        return None
    pods, once = int(group.split()[0]), fleet.size / line
    begin = max(0.0, claim.median("last_seconds") - once)
    share = min(1.0, pods * once / max(once, alone.median("last_seconds") - begin))
    copies = max(1.0, mirror.median("origin_models")) if mirror else 1.0
    sizes = {"model": fleet.size, "origin": line, "node": 10 * line, "mirror": 10 * line}
    return Lines(**sizes, share=share, begin_seconds=begin, cold_copies=copies)
