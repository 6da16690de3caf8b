"""What overlap saves: pod created to engine started, with and without it, in turns.

    python -m tests.cluster.scenarios.pods.overlap_times [MEGABYTES [ROUNDS [MBIT]]]     as root, after `make image`

Image and model have MEGABYTES each, every image other bytes, and each comes from a registry of its own whose line
carries MBIT (600, 5 and 240 by default): one shared line could gain nothing.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.cluster.cluster import PARTS, Cluster, running_cluster
from tests.cluster.node import SOCKET
from tests.cluster.oci_image import write_image
from tests.cluster.registry import ClusterRegistry
from tests.cluster.requirements import missing
from tests.cluster.scenarios.conftest import IMAGE, bare_pod, labelled, push, report
from tests.cluster.scenarios.install import Install
from tests.parts.build import binary

from .timeline import created_seconds

_ROOT = Path(__file__).parents[4]
_ARCHIVE = _ROOT / "build" / "weighbridge.tar"
_MEGABYTES, _ROUNDS, _MBIT = 600, 5, 240


def main() -> int:
    """Print each run and the medians; return 1 where this machine cannot run a cluster."""
    if lack := missing():
        sys.stderr.write(f"{lack}\n")
        return 1
    megabytes, rounds, rate = (*map(int, sys.argv[1:]), *(_MEGABYTES, _ROUNDS, _MBIT)[len(sys.argv) - 1 :])
    with (
        tempfile.TemporaryDirectory(prefix="weighbridge-cluster-") as name,
        running_cluster({name: binary(name) for name in PARTS}, Path(name)) as cluster,
        cluster.registry(rate=f"{rate}mbit") as images,
        cluster.registry(rate=f"{rate}mbit") as models,
    ):
        folder = Path(name)
        _install(cluster, models)
        source = _push_model(cluster, folder, models, megabytes)
        found: dict[str, list[float]] = {"never": [], "always": []}
        for number in range(rounds):
            for overlap in ("never", "always") if number % 2 else ("always", "never"):
                image = _push_image(cluster, folder, images, f"{number}-{overlap}", megabytes)
                found[overlap].append(_seconds(cluster, image, source, overlap))
                _say(f"{overlap:>6}: {found[overlap][-1]:6.1f} s")
        _say(_summary(found))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _summary(found: dict[str, list[float]]) -> str:
    ratios = [with_it / without for with_it, without in zip(found["always"], found["never"], strict=True)]
    medians = {name: statistics.median(values) for name, values in found.items()}
    return (
        f"pod created to engine started: {medians['never']:.1f} s without overlap, {medians['always']:.1f} s with it; "
        f"{statistics.median(ratios):.2f} of it (median of {len(ratios)}, {min(ratios):.2f} to {max(ratios):.2f})"
    )


def _install(cluster: Cluster, models: ClusterRegistry) -> None:
    cluster.image_of(_ARCHIVE, f"{IMAGE}:0.1.0")
    install = Install(cluster, {"PLAIN_HTTP": models.address})
    install.name_image(IMAGE, "0.1.0")
    install.apply()
    labels = {"weighbridge.dev/injection": "enabled"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "overlap", "labels": labels}})


def _push_model(cluster: Cluster, folder: Path, models: ClusterRegistry, megabytes: int) -> str:
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(os.urandom(megabytes * 1_000_000))
    return push(cluster, model, f"{models.address}/models/large:v1")


def _push_image(cluster: Cluster, folder: Path, images: ClusterRegistry, tag: str, megabytes: int) -> str:
    archive = folder / "engine.tar"
    program = (_ROOT / "tests" / "cluster" / "scenarios" / "engine.py").read_bytes()
    layer = {"engine.py": program, "libraries": os.urandom(megabytes * 1_000_000)}
    write_image(archive, "", layer, ("python", "/engine.py"), base=_ARCHIVE)
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", f"oci-archive:{archive}"]
    cluster.run([*copy, f"docker://{images.address}/engine:{tag}"])
    archive.unlink()
    return f"{images.address}/engine:{tag}"


def _seconds(cluster: Cluster, image: str, source: str, overlap: str) -> float:
    """Return the seconds from a pod's creation to its engine's start; the pod and its image are gone afterwards."""
    name = f"engine-{overlap}"
    cluster.apply(labelled(bare_pod(image, name), "tiny", source=source, overlap=overlap), namespace="overlap")
    cluster.kubectl("-n", "overlap", "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=300s")
    made = cluster.read("pod", name, "-n", "overlap")
    seconds: float = report(cluster, made)["time"] - created_seconds(cluster, made)
    cluster.kubectl("-n", "overlap", "delete", "pod", name, "--wait", "--timeout=60s")
    cluster.run([cluster.programs["ctr"], "--address", SOCKET, "-n", "k8s.io", "images", "rm", "--sync", image])
    return seconds


if __name__ == "__main__":
    sys.exit(main())
