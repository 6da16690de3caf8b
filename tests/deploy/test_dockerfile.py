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


def test_both_stages_have_names_and_stand_on_the_one_base_that_an_argument_chooses() -> None:
    """Whoever must use a base of their own changes one argument."""
    assert _all("FROM") == ["${BASE_IMAGE} AS build", "${BASE_IMAGE} AS run"]
    (base,) = [argument for argument in _all("ARG") if argument.startswith("BASE_IMAGE=")]
    assert not base.endswith(":latest")


def test_the_user_is_a_number_so_that_the_kubelet_can_see_that_it_is_not_root() -> None:
    """`runAsNonRoot` cannot judge a name."""
    assert _all("USER") == ["65532:65532"]


def test_the_entrypoint_is_the_server_itself_without_a_shell_before_it() -> None:
    """Signals reach the server; an injected puller's command takes the entrypoint's place."""
    (entrypoint,) = _all("ENTRYPOINT")

    assert json.loads(entrypoint) == ["python", "-m", "webhook"]


def test_dependencies_come_by_their_hashes() -> None:
    """Nothing enters the image that the lock does not name; our own wheel is built from what was copied."""
    locked = [run for run in _all("RUN") if "-r requirements/" in run]
    others = [run for run in _all("RUN") if run not in locked]

    assert len(locked) == 2
    assert all("--require-hashes" in run for run in locked)
    assert all("--no-deps --no-build-isolation" in run and "--no-deps --no-index" in run for run in others)


def test_every_room_is_copied_and_nothing_else_reaches_the_build() -> None:
    """What is copied exists, and the ignore file lets just that through."""
    copied = {word.rstrip("/") for line in _all("COPY") for word in line.split()[:-1] if not word.startswith("-")}
    copied.discard("/opt/weighbridge")  # from the first stage
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}

    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
