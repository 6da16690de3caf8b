"""Other tools as commands. The installed ones compete; the report names the others."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .origin import Published
from .rounds import Contender
from .run import Command

CURL = "curl alone (unverified)"
CURL_OPENSSL = "curl, then openssl dgst"
HF_TRANSFER = "hf_transfer x16 (unverified)"

_HF_TRANSFER = """
import sys, hf_transfer
for url, path in zip(sys.argv[1::2], sys.argv[2::2]):
    hf_transfer.download(url, path, max_files=16, chunk_size=10 << 20)
"""
_ORAS_PY = """
import sys, oras.client
oras.client.OrasClient(insecure=True, tls_verify=False).pull(target=sys.argv[1], outdir=sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another tool: `verifies` says whether it detects bytes that were changed on the way."""

    name: str
    program: str
    verifies: bool
    command: Callable[[str, Published, Path], Command]
    """From the program's path, the model to pull and the target folder."""


def peers_here(published: Published) -> tuple[list[Contender], list[str]]:
    """Return a contender for each peer on this machine, and the names of the others."""
    arms, missing = [], []
    for peer in PEERS:
        program = _find(peer.program)
        if program:
            arms.append(Contender(peer.name, _bound(peer, program, published)))
        else:
            missing.append(peer.name)
    return arms, missing


def curl(published: Published, folder: Path, ca_file: Path | None = None) -> Command:
    """Return the command that fetches the files one after the other on one connection."""
    pairs = (part for file in published.files for part in ("-o", str(folder / file.name), file.url))
    trust = ("--cacert", str(ca_file)) if ca_file else ()
    return Command(("curl", "--silent", "--show-error", "--fail", *trust, *pairs))


def then_openssl(fetch: Command, published: Published, folder: Path) -> Command:
    """Return the command that fetches, and then hashes the files."""
    files = " ".join(f"'{folder / file.name}'" for file in published.files)
    return Command(("sh", "-ec", f'"$@"; openssl dgst -sha256 {files}', "sh", *fetch.argv))


def bare(published: Published, folder: Path, connections: int) -> Command:
    """Return the command that fetches with bench.bare."""
    targets = (part for file in published.files for part in (file.url, str(folder / file.name), str(file.size)))
    return Command((sys.executable, "-m", "bench.bare", str(connections), *targets))


def _curl(_program: str, published: Published, folder: Path) -> Command:
    return curl(published, folder)


def _curl_openssl(_program: str, published: Published, folder: Path) -> Command:
    return then_openssl(curl(published, folder), published, folder)


def _aria2(program: str, published: Published, folder: Path) -> Command:
    wanted = folder.with_suffix(".aria2")
    wanted.write_text("".join(f"{file.url}\n out={file.name}\n" for file in published.files))
    options = ("-x16", "-s16", "-k1M", "--file-allocation=none", "--console-log-level=error", "--summary-interval=0")
    return Command((program, *options, f"--dir={folder}", f"--input-file={wanted}"))


def _hf_transfer(program: str, published: Published, folder: Path) -> Command:
    pairs = (part for file in published.files for part in (file.url, str(folder / file.name)))
    return Command((program, "-c", _HF_TRANSFER, *pairs))


def _oras_py(program: str, published: Published, folder: Path) -> Command:
    return Command((program, "-c", _ORAS_PY, published.reference, str(folder)))


def _oras(program: str, published: Published, folder: Path) -> Command:
    return Command((program, "pull", "--plain-http", "--no-tty", "-o", str(folder), published.reference))


def _oras_wide(program: str, published: Published, folder: Path) -> Command:
    return Command((*_oras(program, published, folder).argv, "--concurrency", "8"))


def _crane(program: str, published: Published, folder: Path) -> Command:
    return Command((program, "pull", "--insecure", "--format", "oci", published.reference, str(folder / "layout")))


def _regctl(program: str, published: Published, folder: Path) -> Command:
    host = f"reg={published.reference.partition('/')[0]},tls=disabled"
    target = f"ocidir://{folder / 'layout'}"
    return Command((program, "--host", host, "image", "copy", published.reference, target))


def _skopeo(program: str, published: Published, target: str) -> Command:
    return Command((program, "copy", "--quiet", "--src-tls-verify=false", f"docker://{published.reference}", target))


def _skopeo_oci(program: str, published: Published, folder: Path) -> Command:
    return _skopeo(program, published, f"oci:{folder / 'layout'}:v1")


def _skopeo_dir(program: str, published: Published, folder: Path) -> Command:
    return _skopeo(program, published, f"dir:{folder / 'dir'}")


def _modctl(program: str, published: Published, folder: Path) -> Command:
    extract = ("--extract-from-remote", "--extract-dir", str(folder))
    return Command((program, "pull", "--plain-http", *extract, published.reference))


def _kit(program: str, published: Published, folder: Path) -> Command:
    return Command((program, "unpack", "--plain-http", "--dir", str(folder), published.reference))


PEERS = (
    Peer(CURL, "curl", verifies=False, command=_curl),
    Peer(CURL_OPENSSL, "curl", verifies=True, command=_curl_openssl),
    Peer(HF_TRANSFER, "python:hf_transfer", verifies=False, command=_hf_transfer),
    Peer("aria2 x16 (unverified)", "aria2c", verifies=False, command=_aria2),
    Peer("oras pull", "oras", verifies=True, command=_oras),
    Peer("oras pull -c8", "oras", verifies=True, command=_oras_wide),
    Peer("crane pull", "crane", verifies=True, command=_crane),
    Peer("regctl image copy", "regctl", verifies=True, command=_regctl),
    Peer("skopeo copy oci:", "skopeo", verifies=True, command=_skopeo_oci),
    Peer("skopeo copy dir:", "skopeo", verifies=True, command=_skopeo_dir),
    Peer("oras-py (unverified)", "python:oras", verifies=False, command=_oras_py),
    Peer("modctl pull (unverified)", "modctl", verifies=False, command=_modctl),
    Peer("kit unpack (unverified)", "kit", verifies=False, command=_kit),
)
VERIFYING = tuple(peer.name for peer in PEERS if peer.verifies)


def _bound(peer: Peer, program: str, published: Published) -> Callable[[Path], Command]:
    return lambda folder: peer.command(program, published, folder)


def program(name: str) -> str | None:
    """Return the path of a peer's program, or None."""
    return _find(name)


def _find(program: str) -> str | None:
    kind, _, module = program.partition(":")
    if not module:
        return shutil.which(kind)
    return next((python for python in _pythons() if _imports(python, module)), None)


def _pythons() -> Iterator[str]:
    """Yield this interpreter, and the one that WEIGHBRIDGE_BENCH_PYTHON names, for peers that we do not depend on."""
    yield sys.executable
    if other := os.environ.get("WEIGHBRIDGE_BENCH_PYTHON"):
        yield other


def _imports(python: str, module: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec(module) is not None
    return subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0
