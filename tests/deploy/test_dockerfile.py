"""Laws of the image's recipe."""

import json
import re

from .rendered import DEPLOY

ROOT = DEPLOY.parent
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text()).splitlines()
    if line.strip() and not line.startswith("#")
]


def _all(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def test_the_build_stands_on_the_base_that_an_argument_chooses_and_the_image_on_nothing() -> None:
    """Whoever must use a base of their own changes one argument; no program of it reaches the pods."""
    assert _all("FROM") == ["${BASE_IMAGE} AS build", "scratch"]
    (base,) = [argument for argument in _all("ARG") if argument.startswith("BASE_IMAGE=")]
    assert not base.endswith(":latest")


def test_the_build_fetches_nothing_that_it_does_not_name() -> None:
    """A `# syntax=` line would bring a frontend from a hub, which an air-gapped build has not."""
    assert "syntax=" not in (DEPLOY / "Dockerfile").read_text()


def test_nothing_in_the_build_is_of_one_architecture() -> None:
    """The same lines make the image for amd64 and for arm64: Python and the loader say where things are."""
    for path in (DEPLOY / "Dockerfile", DEPLOY / "image" / "root_filesystem.py"):
        assert not re.search(r"x86|amd64|arm|aarch|linux-gnu", path.read_text())


def test_the_user_is_a_number_so_that_the_kubelet_can_see_that_it_is_not_root() -> None:
    """`runAsNonRoot` cannot judge a name."""
    assert _all("USER") == ["65532:65532"]


def test_the_entrypoint_is_the_command_without_a_shell_before_it() -> None:
    """`docker run IMAGE push …` works; webhook and puller are started by their pods' own commands."""
    (entrypoint,) = _all("ENTRYPOINT")

    assert json.loads(entrypoint) == ["weighbridge"]


def test_dependencies_come_by_their_hashes() -> None:
    """Nothing enters the image that the lock does not name; our own wheel is built from what was copied."""
    installs = [step for run in _all("RUN") for step in run.split("&&") if " install " in step or " wheel " in step]
    locked = [step for step in installs if "--require-hashes -r requirements/" in step]
    wheel, ours = [step for step in installs if step not in locked]

    assert len(locked) == 2
    assert "--no-deps --no-build-isolation" in wheel
    assert "--no-deps --no-index" in ours


def test_every_room_is_copied_and_nothing_else_reaches_the_build() -> None:
    """What is copied exists, and the ignore file lets just that through."""
    copied = {word.rstrip("/") for line in _all("COPY") for word in line.split()[:-1] if not word.startswith("-")}
    copied.discard("/root-filesystem")  # from the first stage
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}

    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
