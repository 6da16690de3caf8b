"""The sentences of docs/evaluation.md around its figures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a section; `stretches` are the columns that its time lines are made of."""

    title: str
    text: str
    chart: str
    group: str
    stretches: tuple[str, ...]
    legend: tuple[str, ...]


HEAD = """\
# Evaluation

Written by `make evaluate`, which measures everything on this page on one machine; `make evaluate QUICK=1` does the
same in ten minutes, with models too small to judge anything by. A figure is the median of its runs, with the range
behind it. Rows of a group take turns, each round beginning with another row, and every run ends with a comparison of
the digests of all files: a row whose bytes are wrong has failed. Rows that we lose stand where they are.

Goals, with what was measured for them:
"""

AFTER = """
## What is simulated

- Registry, pullers and nodes share one machine's cores, so a node competes with the registry for them. Times are worth
  something beside each other, not for themselves.
- Links are a token bucket (tc tbf) on the loopback of a network namespace for lines of 1 and 4 Gbit/s, and for the
  capped origin a forwarder that paces each connection, as object stores do. Nothing delays or loses packets.
- The model has phi-4's files, with shards of generated bf16 numbers of which gzip and zstd leave what they leave of
  trained weights. The engine's image is a file that compresses to a half.
- The hub is a stand-in in Python. There is no GPU: tensors are touched, a byte of every page, as by a loader.

How the benchmark itself works, with its own goals for speed, is in [benchmarks.md](benchmarks.md)."""

SECTIONS = {
    "layouts": Words(
        title="Layouts",
        text="""\
The first five rows are those of KAITO's chart (phi-4 on one Azure node: 369, 323, 285, 258 and 176 s), by containerd's
own pull and unpack, and by oras; others have an image and an artifact as well, so that all of these end with the same
engine's image and the same weights on the node. `parallel` is containerd 2.2 with what it has for large images. Rows
without an image bring the weights alone. Wall time begins before the process does; memory is that of the largest
process, containerd's own included.""",
        chart="seconds until the files stand",
        group="Link: {}",
        stretches=("receiving_seconds", "after_seconds"),
        legend=("bytes arrive", "the rest: decompress, unpack, verify"),
    ),
}
