"""The commands of a page, in order, as somebody would type them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command of a page, with the lines that continue it."""

    page: str
    line: int
    text: str

    def reason_against(self, not_here: Mapping[str, str]) -> str:
        """Return why it cannot run here, by the first pattern that fits; empty where it can."""
        return next(
            (reason for pattern, reason in not_here.items() if re.search(pattern, f"{self.page}: {self.text}")), ""
        )


def commands(page: str) -> Iterator[Command]:
    """Yield each command of the page's `sh` blocks; comments alone are none."""
    text = (ROOT / page).read_text()
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        for command in _commands(re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE)):
            if re.sub(r"^\s*#.*$", "", command, flags=re.MULTILINE).strip():
                yield Command(page, line, command)
            line += command.count("\n") + 1


def _commands(block: str) -> Iterator[str]:
    """Split where a line ends that neither a backslash, a pipe, a quotation nor a here-document continues."""
    held: list[str] = []
    until = ""
    for line in block.splitlines():
        held.append(line)
        if not until and (found := re.search(r"<<-?'?(\w+)'?", line)):
            until = found[1]
        elif until and line.strip() == until:
            until = ""
        is_quoted = "\n".join(held).count("'") % 2
        if not until and not is_quoted and not line.rstrip().endswith(("\\", "|")):
            yield "\n".join(held)
            held = []
