"""Where a symbolic link leads to, resolved as a kernel would, among names that are not on disk yet. Pure.

Tests: tests/puller/tree/test_links.py
"""

from collections.abc import Callable

from puller.errors import BadArtifact, UnsafePath

_MOST_LINKS = 40  # how many links a kernel follows in one path (path_resolution(7))
_LONGEST_TARGET = 4095  # the longest that a kernel accepts (symlink(2))
_MOST_STEPS = 10_000_000  # some seconds; a link for each of the most members that there may be takes a third of it


class Steps:
    """How many parts of paths may still be walked for all links of an artifact together.

    One path may lead through 40 links of 2,000 parts each, and an archive has 100,000 members.
    """

    def __init__(self, most: int = _MOST_STEPS) -> None:
        self._most, self.taken = most, 0

    def count(self) -> None:
        """Count one; raise BadArtifact when there were too many."""
        self.taken += 1
        if self.taken > self._most:
            raise BadArtifact(f"its links lead through more than {self._most} parts of paths, all together")


def follow(path: str, target_of: Callable[[str], str | None], steps: Steps, *, is_rooted: bool) -> str:
    """Return where a path leads to, its last part followed too; raise UnsafePath when that is outside, or too far.

    `target_of` returns the target of the link at a path, or None where no link is. If a tree `is_rooted`, "/" and ".."
    at its top mean its root, as in an image; else a link may not leave the tree. Raises BadArtifact for too many steps.
    """
    here, followed, ahead = "", 0, path.split("/")[::-1]
    while ahead:
        steps.count()
        step = ahead.pop()
        if step == "..":
            if not here and not is_rooted:
                raise UnsafePath(f"{path!r}: a link that leads out of the model, to {_shown(path, target_of)}")
            here = here.rpartition("/")[0]
            continue
        there = f"{here}/{step}" if here else step
        target = target_of(there)
        if target is None:
            here = there
            continue
        followed += 1
        if followed > _MOST_LINKS:
            raise UnsafePath(f"{path!r}: a link through more than {_MOST_LINKS} links")
        if target.startswith("/"):
            if not is_rooted:
                raise UnsafePath(f"{path!r}: a link to {_shown(path, target_of)}, outside of the model")
            here = ""
        ahead += _steps(target, path)
    return here


def _steps(target: str, path: str) -> list[str]:
    """Return the parts of a target, the last one first."""
    if len(target) > _LONGEST_TARGET or "\0" in target:
        raise UnsafePath(f"{path!r}: a link to what is no name, {target[:200]!r}")
    return [step for step in reversed(target.split("/")) if step not in {"", "."}]


def _shown(path: str, target_of: Callable[[str], str | None]) -> str:
    return repr((target_of(path) or "")[:200])
