"""The goals of the evaluation, each with what was measured for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.evaluation.fleet.growth import GIGABIT
from bench.evaluation.fleet.ways import CLAIM, HOST_PATH, PULL_THROUGH, PULL_THROUGH_WARM, SLICES
from bench.evaluation.layouts.rows import (
    AT_ONCE_RAW,
    AT_ONCE_ZSTD,
    BASE_ORAS,
    BASE_RAW,
    MULTI_ZSTD,
    SINGLE_GZIP,
    WITH_IMAGE,
)
from bench.evaluation.starts.pods import IMAGE_VOLUME, MODELCAR, NODE_CACHE, OVERLAPPED, OVERLAPPED_ZSTD

from .results import Section

_START = "start_seconds"


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal; `measured` is None where it could not be measured, and `remark` says why."""

    promise: str
    threshold: float
    measured: float | None
    is_ceiling: bool = False
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Return `met`, `not met` or `not measured`."""
        if self.measured is None:
            return "not measured"
        is_met = self.measured <= self.threshold if self.is_ceiling else self.measured >= self.threshold
        return "met" if is_met else "**not met**"


def goals(sections: Mapping[str, Section]) -> list[Goal]:
    """Return every goal; those of a part that was not measured say so."""
    found: list[Goal] = []
    for name, judge in {"layouts": _seed, "starts": _starts, "fleet": _fleet}.items():
        section = sections.get(name, Section(name, failure="not run"))
        if section.cells:
            found += judge(section)
        else:
            found.append(Goal(f"all of {name}", 0, None, remark=" ".join(section.failure.split())[:200]))
    return found


def _seed(layouts: Section) -> Iterator[Goal]:
    """Yield the goals against KAITO's chart, on each link, an engine's image included in all rows.

    Ours is pulled beside the image, and packed as is faster on that link.
    """
    ours = {"raw": AT_ONCE_RAW, "zstd": AT_ONCE_ZSTD}
    for theirs, threshold in ((SINGLE_GZIP, 8.0), (MULTI_ZSTD, 2.5), (BASE_ORAS, 1.5)):
        for group in layouts.groups():
            if not group.endswith(WITH_IMAGE):
                continue
            measured, said = _faster(layouts, group, ours, theirs, "wall_seconds")
            in_turn = layouts.ratio(group, BASE_RAW, theirs)
            promise = f"times as fast as {theirs}, {group.removesuffix(f', {WITH_IMAGE}')}"
            said += [f"raw, the image first: {in_turn:.2f}"] if in_turn else []
            said += _line_allows(layouts, group, ours[said[0]], theirs) if said else []
            yield Goal(promise, threshold, measured, remark=", ".join(said))


def _line_allows(layouts: Section, group: str, ours: str, theirs: str) -> list[str]:
    """Return how many times as fast our row can be at most on a shaped line, which its bytes cross whoever asks."""
    a, b = layouts.cell(group, ours), layouts.cell(group, theirs)
    rate = _line_rate(group)
    if not (a and b and rate and a.values("wire_bytes")):
        return []
    least = a.median("wire_bytes") / rate
    most = b.median("wall_seconds") / least
    return [f"the bytes of the first alone take {least:.2f} s of the line: at most {most:.2f}"]


def _line_rate(group: str) -> float | None:
    """Return the bytes a second of a shaped line; None where connections are limited, or nothing is."""
    line = re.search(r"\b(\d+) Gbit/s\b", group)
    return int(line[1]) * GIGABIT if line else None


def _faster(
    section: Section, group: str, ours: Mapping[str, str], theirs: str, column: str
) -> tuple[float | None, list[str]]:
    """Return how many times as fast the faster of our rows is, which one that is, and what the others are."""
    seconds = {said: cell.median(column) for said, row in ours.items() if (cell := section.cell(group, row))}
    ratios = {said: ratio for said in seconds if (ratio := section.ratio(group, ours[said], theirs, column))}
    if not ratios:
        return None, []
    best = min(ratios, key=lambda said: seconds[said])
    return ratios.pop(best), [best, *(f"{said}: {ratio:.2f}" for said, ratio in ratios.items())]


def _starts(starts: Section) -> Iterator[Goal]:
    """Yield the goals against image volumes and modelcars, cold and warm, on each link."""
    for group in starts.groups():
        for theirs in (IMAGE_VOLUME, MODELCAR):
            if group.startswith("cold"):
                yield _cold(starts, group, theirs)
            else:
                promise = f"a start from a folder of the node, seconds more than by {theirs}, {group}"
                a, b = starts.cell(group, NODE_CACHE), starts.cell(group, theirs)
                yield Goal(promise, 2.0, a.median(_START) - b.median(_START) if a and b else None, is_ceiling=True)


def _cold(starts: Section, group: str, theirs: str) -> Goal:
    measured, said = _faster(starts, group, {"raw": OVERLAPPED, "zstd": OVERLAPPED_ZSTD}, theirs, _START)
    if rate := _line_rate(group):
        said.append(f"the model's bytes alone take {starts.size / rate:.1f} s of the line")
    return Goal(f"a start, times as fast as by {theirs}, {group}", 2.0, measured, remark=", ".join(said))


def _fleet(fleet: Section) -> Iterator[Goal]:
    """Yield the goals of the smallest fleet: what the origin sends through each cache, and the last pod's time."""
    group = fleet.groups()[0]
    for way in (CLAIM, HOST_PATH, PULL_THROUGH, PULL_THROUGH_WARM, SLICES):
        cell = fleet.cell(group, way)
        column, said = ("origin_models_a_node", " a node") if way == HOST_PATH else ("origin_models", "")
        sent = cell.median(column) if cell else None
        last = cell.median("last_to_first") if cell else None
        yield Goal(f"{group}, {way}: how often the origin sends each byte{said}", 1.05, sent, is_ceiling=True)
        yield Goal(f"{group}, {way}: the last pod, of the first one's seconds", 1.3, last, is_ceiling=True)
