"""The columns of all tables: what each is called, and how its figures are shown."""

from dataclasses import dataclass

from bench.plan import MIB

from .results import Cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its key in the figures."""

    key: str
    title: str
    unit: float = 1
    """What one of the shown unit is, in that of the key."""

    digits: int = 2

    def show(self, cell: Cell) -> str:
        """Return the median and, of several runs, the range; empty where the row has no such figure."""
        values = [value / self.unit for value in cell.values(self.key)]
        if not values:
            return ""
        middle = f"{cell.median(self.key) / self.unit:.{self.digits}f}"
        if len(values) == 1 or self.digits == 0:
            return middle
        return f"{middle} ({min(values):.{self.digits}f} to {max(values):.{self.digits}f})"


COLUMNS = (
    Column("created_to_ready_seconds", "pod created to weights ready, s", digits=1),
    Column("ready_to_touched_seconds", "weights ready to all tensors touched, s"),
    Column("start_seconds", "whole start, s", digits=1),
    Column("wall_seconds", "seconds"),
    Column("push_seconds", "pipeline, s", digits=1),
    Column("pull_seconds", "node, s", digits=1),
    Column("first_seconds", "first, s", digits=1),
    Column("last_seconds", "last, s", digits=1),
    Column("receiving_seconds", "last byte after, s"),
    Column("cpu_seconds_per_gb", "CPU s/GB"),
    Column("peak_memory_bytes", "peak memory, MiB", MIB, 0),
    Column("peak_disk_bytes", "peak disk, MiB", MIB, 0),
    Column("wire_bytes", "on the wire, MiB", MIB, 0),
    Column("layers", "layers", digits=0),
    Column("pushed_bytes", "pushed, MiB", MIB, 0),
    Column("pulled_bytes", "pulled, MiB", MIB, 0),
    Column("origin_models", "models that the origin sent", digits=2),
    Column("origin_models_a_node", "of them a node", digits=2),
    Column("last_to_first", "last ÷ first"),
)


def columns_of(cells: list[Cell]) -> list[Column]:
    """Return the columns that any of the cells has figures for."""
    return [column for column in COLUMNS if any(cell.values(column.key) for cell in cells)]
