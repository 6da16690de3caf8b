"""Pulls to a disk instead of memory: no goal, but the numbers to expect on a node's volume."""

from bench import ours
from bench.origin import publish, sendfile
from bench.outcome import Outcome
from bench.peers import bare, curl
from bench.rounds import Contender, compete

from . import Bench


def disk(bench: Bench) -> Outcome:
    """Pull a model of four files to disk, left in the page cache and synced, beside curl and the bare loop."""
    model = bench.model(bench.plan.model(4))
    with sendfile(bench.cache) as origin:
        published = publish(model, origin.address)
        arms = (
            Contender("weighbridge", lambda folder: ours.pull(published.reference, folder)),
            Contender("weighbridge, synced", lambda folder: ours.pull(published.reference, folder, sync=True)),
            Contender("curl alone (unverified)", lambda folder: curl(published, folder)),
            Contender("bare loop x4", lambda folder: bare(published, folder, 4)),
        )
        series = compete(arms, model.size, bench.on_disk)
    return Outcome("disk", "Unshaped loopback, to disk", (), {model.name: series})
