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
behind it; one without a range is of a single run. Rows of a group run in rounds, each beginning with another row, and
every run ends with a comparison of the digests of all files: a row whose bytes are wrong has failed. Rows that we lose
stand where they are.

Goals, with what was measured for them. Ours is pulled beside the engine's image, raw or packed with zstd, whichever is
faster on that link: zstd where the line is what is scarce, raw where the cores are. Behind it is what it was otherwise.
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
own pull and unpack, and by oras; with those of the same group, all end with the same engine's image and the same
weights on the node. `parallel` is containerd 2.2 with what it has for large images. Wall time begins before the process
does; memory is that of the largest process, containerd's own included.""",
        chart="seconds until the files stand",
        group="Link: {}",
        stretches=("receiving_seconds", "after_seconds"),
        legend=("bytes arrive", "the rest: decompress, unpack, verify"),
    ),
    "starts": Words(
        title="Starts",
        text="""\
A pod on a real node (kubelet and containerd of tests/cluster), from the moment when the API server gets it to an engine
that has touched every page of its tensors. Cold: the node has neither the engine's image nor the weights; warm: a
second pod right after the first. KServe published apply to first prediction for 2, 14 and 140 GB by image volume: 38.6,
443 and 4,586 s cold, and 11.5 s warm. Engine and model come from a registry each, behind TLS: on a line of 4 Gbit/s
each, and where each connection is limited, as object stores do. The engine's image has a third of the weights' size, as
vLLM's beside phi-4, in four layers. The pullers' own images, ours and oras's, are on the node. The kubelet's own steps
take about a second each, and a pod with overlap has the most of them.""",
        chart="seconds from the pod's creation",
        group="{}",
        stretches=("created_to_ready_seconds", "ready_to_touched_seconds"),
        legend=("pod created to weights ready", "to all tensors touched"),
    ),
    "builds": Words(
        title="Builds and updates",
        text="""\
What a pipeline pays to bring the model to the registry: into an image from a build context, or as an artifact. Then a
service's life: its engine's image is rebuilt five times, and with the fourth rebuild all weights change; the pipeline
builds and pushes, and one node, which keeps what it has, pulls each version. Figures of the cycle are sums over the
five updates.""",
        chart="seconds",
        group="{}",
        stretches=("wall_seconds", "push_seconds", "pull_seconds"),
        legend=("pipeline", "node"),
    ),
    "fleet": Words(
        title="Fleets",
        text="""\
Pods that start at one moment, each in a network namespace on one bridge, with an origin whose line has 1 Gbit/s. Models
that the origin sent are the bytes that left its interface, headers included, of the model's. Volumes are in memory.
CNCF distribution as a pull-through registry asks the origin again for each client that wants a blob while it is being
stored (its registry/proxy/proxyblobstore.go); one pull before the others, or slices, avoid that.""",
        chart="seconds until the first and the last pod have it",
        group="{}",
        stretches=("first_seconds", "first_to_last_seconds"),
        legend=("first pod", "last pod"),
    ),
}
