"""Commands as a reader repeats them: without this machine's paths and ports. Pure."""

import re
from collections.abc import Sequence

_PATTERNS: Sequence[tuple[str, str]] = (
    (r"/\S*/weighbridge/parts/[^/\s]+/([\w.-]+)", r"\1"),
    (r"/\S*/bin/(?=python)", ""),
    (r"/\S*/weighbridge/bench/weighbridge-evaluation-\w+", "$DISK"),
    (r"/\S*/weighbridge-evaluation-\w+", "$MEMORY"),
    (r"/\S*/weighbridge-containerd-\w+", "$RUN"),
    (r"/\S*/weighbridge-models-\w+", "$NODE_FOLDER"),
    (r"\b(?:127\.0\.0\.1|10\.200\.1\.\d+):\d+", "$HOST"),
)
"""In this order: the first that fits a path names it."""


def shown(text: str) -> str:
    """Return a command, or what it said, with names in place of paths and addresses of one run."""
    for pattern, name in _PATTERNS:
        text = re.sub(pattern, name, text)
    return text
