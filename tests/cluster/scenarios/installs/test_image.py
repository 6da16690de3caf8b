"""Laws of the image as it is built, asked of the image itself."""

import json
import tarfile
from pathlib import Path

from registry.version import VERSION
from tests.cluster.cluster import Cluster
from tests.cluster.oci_image import read_image

_LIMIT_BYTES = 60 << 20
_BATCH: dict[str, object] = {"restartPolicy": "Never", "automountServiceAccountToken": False}
_UNTRUSTED = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def _paths(archive: Path) -> set[str]:
    found = set()
    image = read_image(archive)
    for layer in image.layers:
        with tarfile.open(fileobj=image.open(layer["digest"])) as files:
            found |= {name.removeprefix("./").rstrip("/") for name in files.getnames()}
    return found


def _said_in_a_pod(cluster: Cluster, name: str, image: str, arguments: list[str]) -> str:
    """Run the image's entrypoint as a user that the image does not know, with a root that nobody can write to."""
    container = {"name": "main", "image": image, "args": arguments, "securityContext": _UNTRUSTED | {"runAsUser": 4321}}
    spec = _BATCH | {"containers": [container]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    done = ["--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"]
    cluster.kubectl("wait", f"pod/{name}", *done)
    return cluster.kubectl("logs", name)


def test_the_image_is_small(archive: Path) -> None:
    """Each GPU node pulls it before its first model."""
    assert sum(layer["size"] for layer in read_image(archive).layers) <= _LIMIT_BYTES


def test_the_image_has_python_and_ours_and_no_program_that_pods_never_run(archive: Path) -> None:
    """No shell, no package manager, no pip, none of our dependencies' programs, none of the build's files."""
    paths = _paths(archive)
    programs = {Path(path).name for path in paths if Path(path).parent.name in ("bin", "sbin")}

    assert {name for name in programs if not name.startswith("python")} == {"weighbridge"}
    assert not [path for path in paths if "/site-packages/pip/" in path or "/site-packages/kubernetes/" in path]
    assert not [path for path in paths if path.startswith(("source", "etc/pip", "root"))]
    assert [path for path in paths if path.endswith("/puller/pull.py")]
    assert [path for path in paths if path.endswith("ca-certificates.crt")]


def test_the_image_says_what_it_is_and_runs_as_nobody_of_this_machine(archive: Path) -> None:
    """OCI labels, a user by number, the command as the entrypoint."""
    config = read_image(archive).config["config"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}

    assert labels["version"] == VERSION
    assert labels["licenses"] == "Apache-2.0"
    assert {"source", "revision", "title"} <= labels.keys()
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["weighbridge"]


def test_the_command_runs_as_anyone_with_a_root_that_nobody_can_write_to(cluster: Cluster, image: str) -> None:
    """`docker run IMAGE version` is what is played; it needs no shell and no home."""
    said = json.loads(_said_in_a_pod(cluster, "version", image, ["version", "--json"]))

    assert said["version"] == VERSION
