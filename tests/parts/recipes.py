"""The parts that are built here: which Go module holds each, and which versions will do."""

import hashlib
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_STAMPED = "k8s.io/component-base/version"
_CONTAINERD = "github.com/containerd/containerd/v2"


def _strip_only(_version: str) -> str:
    return "-s -w"


def _kubernetes_stamps(version: str) -> str:
    """Stamp the version, without which kubectl cannot parse its own."""
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {_STAMPED}.{key}={value}" for key, value in stamps.items())])


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to build one part, and how to know a ready one that fits."""

    name: str
    """The program's file name."""

    folder: Path
    """The Go module whose go.mod and go.sum pin everything."""

    package: str
    """The Go package of the program."""

    module: str
    """The Go module whose version is the part's."""

    version_arguments: tuple[str, ...] = ("--version",)
    """What makes the program say its version; none for one that has no version."""

    fits: re.Pattern[str]
    """What a program that will do says about itself."""

    minutes: float
    """How long a build takes with nothing cached, on two cores."""

    linker_flags: Callable[[str], str] = _strip_only
    """From the version to Go's -ldflags."""

    @property
    def version(self) -> str:
        """The version that go.mod pins, with its `v`."""
        return self._pinned(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)")

    @property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that can build the module."""
        return tuple(map(int, self._pinned(r"^go (\S+)$").split(".")))

    @property
    def fingerprint(self) -> str:
        """Eight digits that change with any pin, any line of our own Go and the platform."""
        digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
        for path in sorted(self.folder.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:8]

    def _pinned(self, pattern: str) -> str:
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.folder / 'go.mod'}: nothing fits {pattern}")
        return found[1]


def _kubernetes(
    name: str, minutes: float, version_arguments: tuple[str, ...] = ("--version",), fits: str = r"Kubernetes v1\.34\."
) -> Recipe:
    return Recipe(
        name=name,
        folder=_HERE / "kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        module="k8s.io/kubernetes",
        version_arguments=version_arguments,
        fits=re.compile(fits),
        minutes=minutes,
        linker_flags=_kubernetes_stamps,
    )


def _containerd(name: str, minutes: float, fits: str) -> Recipe:
    return Recipe(
        name=name,
        folder=_HERE / "containerd",
        package=f"{_CONTAINERD}/cmd/{name}",
        module=_CONTAINERD,
        version_arguments=("-v",),
        fits=re.compile(fits),
        minutes=minutes,
        linker_flags=lambda version: f"-s -w -X {_CONTAINERD}/version.Version={version}",
    )


_RECIPES = (
    Recipe(
        name="registry",
        folder=_HERE / "distribution",
        package="github.com/distribution/distribution/v3/cmd/registry",
        module="github.com/distribution/distribution/v3",
        fits=re.compile(r"distribution/v3 v?3\."),
        minutes=2.5,
    ),
    Recipe(
        name="etcd",
        folder=_HERE / "kubernetes",
        package="go.etcd.io/etcd/server/v3",
        module="go.etcd.io/etcd/server/v3",
        fits=re.compile(r"etcd Version: 3\.(?:[5-9]|\d\d)\."),  # from 3.5 on it has --unsafe-no-fsync
        minutes=1,
    ),
    _kubernetes("kubectl", 2, ("version", "--client"), r"Client Version: v1\.34\."),
    _kubernetes("kube-apiserver", 4.5),
    Recipe(
        name="oras",
        folder=_HERE / "oras",
        package="oras.land/oras/cmd/oras",
        module="oras.land/oras",
        version_arguments=("version",),
        fits=re.compile(r"Version:\s+1\."),
        minutes=0.5,
    ),
    Recipe(
        name="helm",
        folder=_HERE / "helm",
        package="helm.sh/helm/v4/cmd/helm",
        module="helm.sh/helm/v4",
        version_arguments=("version", "--short"),
        fits=re.compile(r"v4\."),
        minutes=2.5,
    ),
    Recipe(
        name="promtool",
        folder=_HERE / "prometheus",
        package="github.com/prometheus/prometheus/cmd/promtool",
        module="github.com/prometheus/prometheus",
        fits=re.compile(r"promtool, version (?:[3-9]\.|\d\d)"),
        minutes=3,
    ),
    Recipe(
        name="crane",
        folder=_HERE / "crane",
        package="github.com/google/go-containerregistry/cmd/crane",
        module="github.com/google/go-containerregistry",
        version_arguments=("version",),
        fits=re.compile(r"v?0\.2\d"),
        minutes=0.5,
    ),
    Recipe(
        name="regctl",
        folder=_HERE / "regctl",
        package="github.com/regclient/regclient/cmd/regctl",
        module="github.com/regclient/regclient",
        version_arguments=("version",),
        fits=re.compile(r"VCSTag:\s+v0\."),
        minutes=0.5,
    ),
    Recipe(
        name="cosign",
        folder=_HERE / "cosign",
        package="github.com/sigstore/cosign/v3/cmd/cosign",
        module="github.com/sigstore/cosign/v3",
        version_arguments=("version",),
        fits=re.compile(r"GitVersion:\s+(?:v3\.|devel)"),
        minutes=5,
    ),
    Recipe(
        name="modelpack-validate",
        folder=_HERE / "modelpack",
        package=".",
        module="github.com/modelpack/model-spec",
        version_arguments=(),
        fits=re.compile(""),
        minutes=0.5,
    ),
)

_OF_A_NODE = (
    _kubernetes("kube-controller-manager", 1.7),
    _kubernetes("kubelet", 0.5),
    _kubernetes("kube-proxy", 0.2),
    _kubernetes("kube-scheduler", 0.2),
    _containerd("containerd", 1.5, r"containerd/v2 v2\.2\."),
    _containerd("containerd-shim-runc-v2", 0.2, r"v2\.2\."),
    _containerd("ctr", 0.2, r"containerd/v2 v2\.2\."),
)
"""What a node and its control plane have beside the above, of use to root alone: `tests/cluster`."""

RECIPES = {recipe.name: recipe for recipe in (*_RECIPES, *_OF_A_NODE)}
OF_A_NODE = tuple(recipe.name for recipe in _OF_A_NODE)
