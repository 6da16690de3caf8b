"""TLS on an unshaped loopback: pulls beside curl, which verifies nothing, and oras; pushes beside `curl -T`."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

from bench import ours
from bench.corpus import Model
from bench.origin import Published, TlsRegistry, publish, tls_distribution
from bench.outcome import Goal, Outcome, cores_allow, ratio
from bench.peers import CURL, CURL_OPENSSL, curl, program, then_openssl
from bench.rounds import GB, Contender, Series, compete
from bench.run import Command

from . import Bench

_OURS, _ORAS, _PUSH, _CURL_PUSH = "weighbridge", "oras pull", "weighbridge push", "curl -T (unverified)"
_BLAKE3 = "BLAKE3 alone"
_HASH_ALL = """
import sys
from blake3 import blake3
for path in sys.argv[1:]:
    with open(path, "rb", buffering=0) as file:
        hasher, buffer = blake3(), memoryview(bytearray(1 << 20))
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
"""
_SEND = """
base=$1; ca=$2; shift 2
for file in "$@"; do
  place=$(curl --silent --fail --cacert "$ca" -X POST -D - -o /dev/null "$base/blobs/uploads/" |
    sed -n 's/^[Ll]ocation: //p' | tr -d '\\r')
  curl --silent --fail --cacert "$ca" -X PATCH -T "$file" "$place" > /dev/null
done
"""


def tls(bench: Bench) -> Outcome:
    """Pull models of one, four and sixteen files over TLS, and push the one of four."""
    title = "TLS, unshaped loopback, from CNCF distribution, into memory"
    series: dict[str, Series] = {}
    goals: list[Goal] = []
    with tls_distribution(bench.memory / "tls") as registry:
        if registry is None:
            reason = "CNCF distribution could not be had"
            return Outcome("tls", title, (Goal("pulled over TLS", 1, None, remark=reason),), series)
        for count in (1, 4, 16):
            model = bench.model(bench.plan.model(count))
            published = registry.secured(publish(model, registry.plain_address))
            arms = _pulls(published, registry, model)
            one = series[model.name] = compete(arms, model.size, bench.in_memory)
            goals += _goals(count, one)
        model = bench.model(bench.plan.model(4))
        one = series[f"push {model.name}"] = compete(_pushes(model, registry), model.size, bench.in_memory)
        goals.append(ratio("push: speed of curl -T alone, one file after the other", 0.9, one, _PUSH, _CURL_PUSH))
    return Outcome("tls", title, tuple(goals), series)


def _pulls(published: Published, registry: TlsRegistry, model: Model) -> list[Contender]:
    def fetch(folder: Path) -> Command:
        return curl(published, folder, registry.certificate)

    arms = [
        Contender(_OURS, lambda folder: ours.pull(published.reference, folder, hosts=registry.hosts)),
        Contender(CURL, fetch),
        Contender(CURL_OPENSSL, lambda folder: then_openssl(fetch(folder), published, folder)),
        Contender(_BLAKE3, lambda _: Command((sys.executable, "-c", _HASH_ALL, *map(str, model.files))), fills=False),
    ]
    oras = program("oras")
    if oras:
        options = ("pull", "--no-tty", "--ca-file", str(registry.certificate), "-o")
        arms.append(Contender(_ORAS, lambda folder: Command((oras, *options, str(folder), published.reference))))
    return arms


def _pushes(model: Model, registry: TlsRegistry) -> list[Contender]:
    numbers, files = itertools.count(), tuple(str(file) for file in model.files)

    def base() -> str:
        return f"{registry.address}/push-{next(numbers)}"

    def forget() -> None:
        registry.forget("push-")

    return [
        Contender(
            _PUSH,
            lambda folder: ours.push(model.folder, f"{base()}:v1", hosts=registry.hosts, ledger=folder),
            fills=False,
            after=forget,
        ),
        Contender(
            _CURL_PUSH,
            lambda _: Command(("sh", "-ec", _SEND, "sh", _api(base()), str(registry.certificate), *files)),
            fills=False,
            after=forget,
        ),
    ]


def _api(base: str) -> str:
    host, _, repository = base.partition("/")
    return f"https://{host}/v2/{repository}"


def _goals(count: int, series: Series) -> tuple[Goal, ...]:
    name = f"{count} file{'s' * (count > 1)}"
    races = (
        ("speed of curl alone", 1.0, CURL),
        ("faster than oras", 1.9 if count == 1 else 1.5, _ORAS),
        ("faster than curl, then openssl dgst", 1.9, CURL_OPENSSL),
    )
    return (*(_race(f"{name}: {promise}", least, series, peer) for promise, least, peer in races), _cpu(name, series))


def _race(promise: str, wanted: float, series: Series, peer: str) -> Goal:
    goal = ratio(promise, wanted, series, _OURS, peer)
    return goal if goal.measured is None else replace(goal, remark=cores_allow(series, (_OURS,), peer))


def _cpu(name: str, series: Series) -> Goal:
    promise = f"{name}: CPU of curl's and BLAKE3's"
    arms = (_OURS, CURL, _BLAKE3)
    if not all(map(series.has, arms)):
        return Goal(promise, 1.15, None, is_ceiling=True, remark="; ".join(series.failures.values()))
    own, curls, hashs = (series.median(arm, lambda run: run.cpu) / series.size * GB for arm in arms)
    remark = f"CPU s/GB: ours {own:.2f}, curl {curls:.2f}, BLAKE3 {hashs:.2f}"
    return Goal(promise, 1.15, own / (curls + hashs), is_ceiling=True, remark=remark)
