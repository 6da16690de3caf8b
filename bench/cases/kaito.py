"""KAITO's table: a model as one tar.gz, copied three times, and as a tar.zst that is unpacked while it is received."""

import subprocess
from dataclasses import replace
from pathlib import Path

from bench import ours
from bench.corpus import Model
from bench.origin import publish, sendfile
from bench.outcome import Goal, Outcome, ratio
from bench.peers import bare
from bench.rounds import Contender, Series, compete
from bench.run import Command

from . import Bench

_OURS, _GZIP, _ZSTD = "weighbridge", "tar.gz: fetch, check, unpack, move", "tar.zst: streamed, unverified"
_BARE = "bare loop x4"
_COMPRESSORS = {"gz": ("gzip", "-1"), "zst": ("zstd", "-q", "-1")}


def kaito(bench: Bench) -> Outcome:
    """Pull a model of four shards as it is, and as the two archives."""
    model = bench.model(bench.plan.model(4))
    for suffix in _COMPRESSORS:
        _archive(model, suffix)
    with sendfile(bench.cache) as origin:
        published = publish(model, origin.address)
        base = f"http://{origin.address}/files/{model.name}"
        arms = (
            Contender(_OURS, lambda folder: ours.pull(published.reference, folder)),
            Contender(_GZIP, lambda folder: _unpack_gzip(f"{base}.tar.gz", folder)),
            Contender(_ZSTD, lambda folder: _unpack_zstd(f"{base}.tar.zst", folder)),
            Contender(_BARE, lambda folder: bare(published, folder, 4)),
        )
        series = compete(arms, model.size, bench.in_memory)
    goals = (
        _goal("faster than a single-layer tar.gz", 8.0, series, _GZIP),
        _goal("faster than a streamed tar.zst", 2.5, series, _ZSTD),
    )
    return Outcome("kaito", "One layer of an image, as KAITO's table has it", goals, {model.name: series})


def _goal(promise: str, wanted: float, series: Series, peer: str) -> Goal:
    """Return the goal of a multiple of a peer's speed; its remark gives that of only fetching, hashing and writing."""
    goal = ratio(promise, wanted, series, _OURS, peer)
    if goal.measured is None or not series.has(_BARE):
        return goal
    return replace(goal, remark=f"the {_BARE}, same bytes: {series.times_faster(_BARE, peer):.2f}")


def _archive(model: Model, suffix: str) -> None:
    """Pack the model beside its folder, unless that was done before."""
    target = model.folder.with_name(f"{model.name}.tar.{suffix}")
    if target.exists():
        return
    staging = target.with_suffix(".staging")
    with staging.open("wb") as output:
        pack = ("tar", "-c", "-C", str(model.folder), ".")
        tar = subprocess.Popen(pack, stdout=subprocess.PIPE)
        subprocess.run(_COMPRESSORS[suffix], stdin=tar.stdout, stdout=output, check=True)
        if tar.wait():
            raise subprocess.CalledProcessError(tar.returncode, tar.args)
    staging.rename(target)


def _unpack_gzip(url: str, folder: Path) -> Command:
    steps = (
        'curl -sSf -o "$1/model.tar.gz" "$0"',
        'openssl dgst -sha256 "$1/model.tar.gz"',
        'gzip -d "$1/model.tar.gz"',
        'mkdir "$1/unpacked"',
        'tar -x -f "$1/model.tar" -C "$1/unpacked"',
        'mv "$1/unpacked" "$1/model"',
        'rm "$1/model.tar"',
    )
    return Command(("sh", "-ec", "; ".join(steps), url, str(folder)))


def _unpack_zstd(url: str, folder: Path) -> Command:
    return Command(("sh", "-ec", 'curl -sSf "$0" | zstd -d -q | tar -x -C "$1"', url, str(folder)))
