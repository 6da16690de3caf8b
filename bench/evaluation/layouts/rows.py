"""The rows: images as KAITO's chart has them, pullers beside an engine's image, and pullers alone."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from bench import ours
from bench.peers import program
from bench.run import Command, RunFailed, start

from .containerd import DEFAULTS, PARALLEL, Settings, running_containerd
from .origin import Origin, certificate_folder
from .run import Row, Task

SINGLE_GZIP = "single-layer tar.gz"
MULTI_GZIP = "multi-layer tar.gz"
MULTI_TAR = "multi-layer tar"
MULTI_ZSTD = "multi-layer tar.zstd"
BASE_ORAS = "base image + oras pull"
BASE_RAW = "base image + weighbridge, raw"
BASE_ZSTD = "base image + weighbridge, zstd"
AT_ONCE_RAW = "base image beside weighbridge, raw"
AT_ONCE_ZSTD = "base image beside weighbridge, zstd"
CHART = (SINGLE_GZIP, MULTI_GZIP, MULTI_TAR, MULTI_ZSTD, BASE_ORAS)
"""The five rows of KAITO's chart."""

ALONE_RAW, ALONE_ZSTD, CACHED = "weighbridge, raw", "weighbridge, zstd", "weighbridge, cached"
WITH_IMAGE = "engine's image and weights"
"""What the chart's rows bring, and ours that are compared with them."""

UNSHAPED = "unshaped"
_LIGHT = frozenset({UNSHAPED, "1 Gbit/s"})

_HF = (
    "from huggingface_hub import snapshot_download; import sys; snapshot_download('team/model', local_dir=sys.argv[1])"
)
_ORAS_PY = "import sys, oras.client; oras.client.OrasClient().pull(target=sys.argv[1], outdir=sys.argv[2])"

MISSING = {
    "modctl pull": "the Go module proxy here does not serve github.com/modelpack/modctl",
    "kit unpack": "the Go module proxy here does not serve github.com/kitops-ml/kitops",
    "hf download with hf_xet": "needs a Xet storage server, which nobody but the hub runs",
    "hf download with hf_transfer": "huggingface_hub has not used hf_transfer since its version 1.0",
}
"""Rows that could not be had, with the reason."""


def rows(origin: Origin, volume: Path) -> list[Row]:
    """Return all rows; `volume` holds the cache of the cached one, on the disk that runs write to."""
    images = [
        _image(SINGLE_GZIP, origin, "single-gzip", DEFAULTS),
        _image(MULTI_GZIP, origin, "multi-gzip", DEFAULTS),
        _image(MULTI_TAR, origin, "multi-tar", DEFAULTS),
        _image(MULTI_ZSTD, origin, "multi-zstd", DEFAULTS),
        _image(f"{MULTI_ZSTD}, parallel", origin, "multi-zstd", PARALLEL),
    ]
    if shutil.which("igzip"):
        images.append(_image(f"{SINGLE_GZIP}, parallel", origin, "single-gzip", PARALLEL))
    return [*images, *_beside_an_image(origin), *_alone(origin, volume)]


def _image(name: str, origin: Origin, layout: str, settings: Settings) -> Row:
    @contextmanager
    def opened(folder: Path) -> Iterator[Task]:
        with running_containerd(folder, settings) as containerd:
            command = Command(containerd.pull(origin.image(layout), origin.hosts))
            yield Task(command, containerd.snapshots, containerd.pid)

    return Row(name, settings.said, opened, WITH_IMAGE)


def _beside_an_image(origin: Origin) -> list[Row]:
    """Return the rows of an engine's image and a tool for the model: one after the other, or at once with overlap."""

    def ours_of(reference: str, *, as_sidecar: bool = False) -> Callable[[Path], Command]:
        return lambda folder: ours.pull(reference, folder, hosts=origin.hosts, tools=folder if as_sidecar else None)

    raw, zstd = origin.raw.reference, origin.zstd.reference
    packed = "puller's defaults, the artifact packed with --codec zstd"
    found = [
        _base(BASE_RAW, origin, "puller's defaults", ours_of(raw), _IN_TURN),
        _base(BASE_ZSTD, origin, packed, ours_of(zstd), _IN_TURN),
        _base(AT_ONCE_RAW, origin, "puller's defaults, as with overlap", ours_of(raw, as_sidecar=True), _AT_ONCE),
        _base(AT_ONCE_ZSTD, origin, f"{packed}, as with overlap", ours_of(zstd, as_sidecar=True), _AT_ONCE),
    ]
    if oras := program("oras"):
        defaults = "oras's defaults: three layers at a time"
        found.insert(0, _base(BASE_ORAS, origin, defaults, _oras(oras, origin), _IN_TURN))
    return found


_IN_TURN = '{image} > /dev/null; exec "$@"'
_AT_ONCE = """\
"$@" & sidecar=$!
trap 'kill $sidecar 2> /dev/null || :; wait $sidecar || :' EXIT
{python} -m puller.overlap begun
{image} > /dev/null
{tools}/program {tools}/outcome {tools}/told /dev/null > /dev/null"""
"""What a shell does with the command that pulls the image, and that for the model; at once as the kubelet does it."""


def _base(name: str, origin: Origin, settings: str, model: Callable[[Path], Command], script: str) -> Row:
    @contextmanager
    def opened(folder: Path) -> Iterator[Task]:
        with running_containerd(folder, DEFAULTS) as containerd:
            (folder / "volume").mkdir()
            own, image = model(folder / "volume"), containerd.pull(origin.image("base-zstd"), origin.hosts)
            words = script.format(image=" ".join(image), python=sys.executable, tools=folder / "volume")
            both = Command(("sh", "-ec", words, "sh", *own.argv), own.environ)
            yield Task(both, folder / "volume", containerd.pid)

    return Row(name, f"tar.zstd base by containerd's defaults; {settings}", opened, WITH_IMAGE)


def _alone(origin: Origin, volume: Path) -> list[Row]:
    certificate = str(origin.registry.certificate)
    trust = {"SSL_CERT_FILE": certificate, "REQUESTS_CA_BUNDLE": certificate}
    reference, hub = origin.raw.reference, trust | {"HF_ENDPOINT": origin.hub, "HF_HUB_DISABLE_XET": "1"}

    def python(code: str, *arguments: str) -> Callable[[Path], Command]:
        return lambda folder: Command((sys.executable, "-c", code, *arguments, str(folder)), trust)

    def hf(folder: Path) -> Command:
        return Command((sys.executable, "-c", _HF, str(folder / "model")), hub | {"HF_HOME": str(folder / "home")})

    own = [
        _tool(ALONE_RAW, "puller's defaults", lambda to: ours.pull(reference, to, hosts=origin.hosts)),
        _tool(ALONE_ZSTD, "puller's defaults", lambda to: ours.pull(origin.zstd.reference, to, hosts=origin.hosts)),
        Row(
            CACHED,
            "the volume has the model, the reference is pinned",
            lambda to: _cached(origin, to, volume),
            links=_LIGHT,
        ),
    ]
    others = [
        _tool("oras-py, as in KServe's initializers", "oras-py's defaults", python(_ORAS_PY, reference), _LIGHT),
        _tool("hf download", "huggingface_hub's defaults, from the tests' hub", hf, frozenset({"unshaped"})),
    ]
    return [*own, *_programs(origin), *others]


def _programs(origin: Origin) -> Iterator[Row]:
    """Yield the rows of other tools that are on this machine."""
    reference, certificate = origin.raw.reference, origin.registry.certificate
    if oras := program("oras"):
        yield _tool("oras pull", "defaults: three layers at a time", _oras(oras, origin))
    if skopeo := program("skopeo"):
        copy = (skopeo, "copy", "--quiet", f"--src-cert-dir={certificate_folder(certificate)}", f"docker://{reference}")
        yield _tool("skopeo copy dir:", "defaults; leaves blobs", lambda to: Command((*copy, f"dir:{to}/dir")), _LIGHT)
    if crane := program("crane"):
        environ = {"SSL_CERT_FILE": str(certificate)}
        pull = (crane, "pull", "--format", "oci", reference)
        yield _tool("crane pull", "defaults; leaves blobs", lambda to: Command((*pull, f"{to}/oci"), environ), _LIGHT)


def _oras(oras: str, origin: Origin) -> Callable[[Path], Command]:
    options = ("pull", "--no-tty", "--ca-file", str(origin.registry.certificate), "-o")
    return lambda folder: Command((oras, *options, str(folder), origin.raw.reference))


def _tool(name: str, settings: str, command: Callable[[Path], Command], links: frozenset[str] = frozenset()) -> Row:
    def opened(folder: Path) -> AbstractContextManager[Task]:
        return nullcontext(Task(command(folder), folder))

    return Row(name, settings, opened, links=links)


def _cached(origin: Origin, folder: Path, volume: Path) -> AbstractContextManager[Task]:
    """Fill the volume unless an earlier run did, and start from it."""
    source = f"oci://{origin.raw.reference}@{origin.raw.digest}"
    cache = volume / origin.address
    if not cache.is_dir():
        (volume / "first").mkdir(parents=True)
        _wait(ours.pull(source, volume / "first", cache=cache, hosts=origin.hosts), volume)
    return nullcontext(Task(ours.pull(source, folder, cache=cache, hosts=origin.hosts), folder))


def _wait(command: Command, volume: Path) -> None:
    with (volume / "log").open("wb") as log:
        if start(command, log.fileno()).wait():
            raise RunFailed((volume / "log").read_text(errors="replace"))


def named(rows: Sequence[Row], link: str) -> list[Row]:
    """Return the rows that run on a link."""
    return [row for row in rows if not row.links or link in row.links]
