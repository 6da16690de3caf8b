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

    passed_on: float = 0.0
    """The share of pods for which an empty pull-through registry asks the origin again when all come at once."""

    def cold_copies(self, pods: int) -> float:
        """Return how often such a registry has the origin send the model."""
        return max(1.0, self.passed_on * pods)


def last_seconds(way: str, pods: int, lines: Lines) -> float:
    """Return after how many seconds the last of `pods` pods, each on its node, has the model on its volume.

    A claim's own line, over which servers read the model afterwards, is not counted.
    """
    nodes = max(1, pods // PODS_A_NODE) if way == HOST_PATH else pods
    alone, cold = lines.model / min(lines.origin, lines.node), lines.cold_copies(pods)
    seconds = {
        ALONE: max(alone, pods * lines.model / lines.origin),
        CLAIM: alone,
        HOST_PATH: max(alone, nodes * lines.model / lines.origin),
        PULL_THROUGH: max(alone, cold * lines.model / lines.origin, pods * lines.model / lines.mirror),
        PEERS: alone,
    }
    return lines.begin_seconds + seconds[way] / lines.share


def origin_models(way: str, pods: int, lines: Lines) -> float:
    """Return how many times the origin sends the model."""
    cold = lines.cold_copies(pods)
    sent = {ALONE: pods, CLAIM: 1, HOST_PATH: max(1, pods // PODS_A_NODE), PULL_THROUGH: cold, PEERS: 1}
    return float(sent[way])


def measured_lines(fleet: Section, line: float = GIGABIT) -> Lines | None:
    """Return the lines of the measured fleet, with the constants that it showed; None where it was not measured."""
    group = next(iter(fleet.groups()), "")
    alone, claim = (fleet.cell(group, way) for way in (ALONE, CLAIM))
    if alone is None or claim is None:
        return None
    pods, once = int(group.split()[0]), fleet.size / line
    begin = max(0.0, claim.median("last_seconds") - once)
    share = min(1.0, pods * once / max(once, alone.median("last_seconds") - begin))
    mirrors = {int(each.split()[0]): fleet.cell(each, PULL_THROUGH) for each in fleet.groups()}
    passed_on = [cell.median("origin_models") / count for count, cell in sorted(mirrors.items()) if cell]
    sizes = {"model": fleet.size, "origin": line, "node": 10 * line, "mirror": 10 * line}
    return Lines(**sizes, share=share, begin_seconds=begin, passed_on=passed_on[-1] if passed_on else 0.0)
