"""Sizes and repetitions of one evaluation: the full one, or the quick one that CI runs."""

from dataclasses import dataclass

from bench.plan import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run of the evaluation measures, and how often."""

    name: str
    rounds: int
    """How often each command runs; commands take turns."""

    shard_bytes: int
    """Bytes of each of the model's six shards."""

    base_bytes: int
    """Bytes of the engine's image, without weights."""

    gigabits: tuple[int, ...]
    """The shaped lines, in Gbit/s, after the unshaped one and the one that limits each connection."""

    build_shard_bytes: int
    """Bytes of each shard of the model that is built into images, twice: it changes once."""

    build_base_bytes: int
    """Bytes of the engine's image that pipelines rebuild."""

    build_rounds: int
    """How often each way to build and push runs; the update cycle, which is a series by itself, runs once."""

    pullers: tuple[int, ...]
    """Sizes of the fleets."""

    fleet_shard_bytes: int
    """Bytes of each shard of the model that a fleet pulls."""

    start_rounds: int
    """How often each way to start a pod is played on the cluster."""

    start_shard_bytes: int
    """Bytes of each shard of the model that a pod starts with."""

    start_base_bytes: int
    """Bytes of that engine's image: a third of the weights, as vLLM's beside phi-4."""

    start_gigabits: int = 4
    """The line of the cluster's registries, each its own; on a second one each connection is limited."""

    capped_bytes_per_second: int = 85_000_000
    """What the capped origin gives each connection, as object stores do."""

    rebuilds: int = 5
    """How often the engine's image is built anew in the update cycle, while the model changes once."""


FULL = Plan(
    name="full",
    rounds=3,
    shard_bytes=200 * MIB,
    base_bytes=140 * MIB,
    gigabits=(4, 1),
    build_shard_bytes=150 * MIB,
    build_base_bytes=100 * MIB,
    build_rounds=2,
    pullers=(8, 32),
    fleet_shard_bytes=16 * MIB,
    start_rounds=3,
    start_shard_bytes=400 * MIB,
    start_base_bytes=800 * MIB,
)
QUICK = Plan(
    name="quick",
    rounds=1,
    shard_bytes=10 * MIB,
    base_bytes=8 * MIB,
    gigabits=(1,),
    build_shard_bytes=10 * MIB,
    build_base_bytes=8 * MIB,
    build_rounds=1,
    pullers=(8,),
    fleet_shard_bytes=4 * MIB,
    start_rounds=1,
    start_shard_bytes=10 * MIB,
    start_base_bytes=20 * MIB,
)
