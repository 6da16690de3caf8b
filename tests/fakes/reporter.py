"""A reporter that records its messages."""

from registry.progress.reporter import Reporter


class Listener(Reporter):
    """Records each message in `said`."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def message(self, line: str) -> None:
        """Record a message."""
        self.said.append(line)
