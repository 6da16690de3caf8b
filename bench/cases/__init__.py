"""The goals. Each module has one function from a bench to an outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Model, model_of
from bench.memory_filler import IN_MEMORY, ON_DISK
from bench.outcome import Outcome
from bench.plan import Plan, Shape
from bench.rounds import Rules


@dataclass(frozen=True, slots=True)
class Bench:
    """The environment of every case: sizes, the models' folder, a scratch folder in memory and one on disk."""

    plan: Plan
    cache: Path
    memory: Path
    disk: Path

    @property
    def in_memory(self) -> Rules:
        """The rules for contenders that write to memory."""
        return Rules(self.plan.rounds, self.plan.attempts, self.memory / "scratch", IN_MEMORY)

    @property
    def on_disk(self) -> Rules:
        """The rules for contenders that write to a disk."""
        return Rules(self.plan.rounds, self.plan.attempts, self.disk / "scratch", ON_DISK)

    def model(self, shape: Shape) -> Model:
        """Return a model of that shape."""
        return model_of(shape, self.cache)


Case = Callable[[Bench], Outcome]
