"""The goals of the evaluation, each with what was measured for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.evaluation.layouts.rows import BASE_ORAS, BASE_RAW, BASE_ZSTD, MULTI_ZSTD, SINGLE_GZIP

from .results import Section


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
    """Return every goal."""
    return [*_seed(sections.get("layouts"))]


def _seed(layouts: Section | None) -> Iterator[Goal]:
    """Yield the goals against KAITO's chart, on each link, an engine's image included in all rows."""
    for theirs, threshold in ((SINGLE_GZIP, 8.0), (MULTI_ZSTD, 2.5), (BASE_ORAS, 1.5)):
        promise = f"faster than {theirs}"
        if layouts is None or not layouts.cells:
            yield Goal(promise, threshold, None, remark=layouts.failure if layouts else "not run")
            continue
        for link in layouts.groups():
            zstd = layouts.ratio(link, BASE_ZSTD, theirs)
            remark = f"packed with zstd: {zstd:.2f}" if zstd else ""
            yield Goal(f"{promise}, {link}", threshold, layouts.ratio(link, BASE_RAW, theirs), remark=remark)
