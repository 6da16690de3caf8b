"""Sizes and repetitions: the full measurement, or a smoke test of the harness."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """A model of `count` files of `size` bytes, with numbers of one `kind`."""

    kind: str
    count: int
    size: int

    @property
    def name(self) -> str:
        """The name of its folder and of its repository."""
        unit, divisor = ("mib", MIB) if self.size >= MIB else ("kib", 1 << 10)
        return f"{self.kind}-{self.count}x{self.size // divisor}{unit}"

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return self.count * self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes and repetitions of one run of the benchmark."""

    rounds: int
    """How often each command runs; ratios are medians over the rounds."""

    attempts: int
    """How often a run disturbed by other programs is tried at most."""

    total: int
    """Bytes of a model, in one, four or sixteen files."""

    archive: int
    """Bytes of the model that is also packed as tar.gz, which is slow."""

    kills: int
    """How many pulls are killed."""

    catalog_entries: int = 10_000
    """Models in the catalog of a webhook that is measured."""

    pods: int = 1000
    """Pods that are created in each of its rounds."""

    line_gigabits: tuple[int, ...] = (1, 4)
    """Rates of the shaped line."""

    slow_rates: tuple[int, ...] = (1_000_000, 2_000_000, 5_000_000, 20_000_000)
    """Bytes a second that slow origins give each connection."""

    slow_seconds: int = 12
    """How long sixteen such connections take for a model."""

    capped_rate: int = 85_000_000
    """Bytes a second that a capped origin gives each connection, as object stores do."""

    @property
    def description(self) -> str:
        """Return how it is measured, and whether that is enough for a verdict."""
        judged = "" if self.total >= FULL.total else "; models too small to judge anything by"
        return f"{self.rounds} round{'s' * (self.rounds > 1)}{judged}"

    def model(self, count: int, kind: str = "bf16") -> Shape:
        """Return the model of `total` bytes in `count` files."""
        return Shape(kind, count, self.total // count)


FULL = Plan(rounds=5, attempts=3, total=2048 * MIB, archive=1024 * MIB, kills=25)
QUICK = Plan(
    rounds=1,
    attempts=1,
    total=16 * MIB,
    archive=8 * MIB,
    kills=2,
    line_gigabits=(1,),
    slow_rates=(20_000_000,),
    slow_seconds=1,
    catalog_entries=50,
    pods=20,
)
