"""From a source to its repository: each kind says whether its bytes come over TLS."""

from pathlib import Path

import pytest

from registry.access.environment import access_from
from registry.open import open_repository
from registry.source import parse_source


@pytest.mark.parametrize(
    ("source", "mirrors", "environ", "expected"),
    [
        ("registry.example.com/m:v1", "", {}, True),
        ("localhost:5000/m:v1", "", {}, False),
        ("registry.example.com/m:v1", '["registry.example.com".host."http://127.0.0.1:30020"]', {}, False),
        ("localhost:5000/m:v1", '["localhost:5000".host."https://mirror.example.com"]', {}, True),
        ("hf://team/model", "", {}, True),
        ("hf://team/model", "", {"HF_ENDPOINT": "http://127.0.0.1:8000"}, False),
    ],
)
def test_the_host_that_is_asked_first_says_whether_tls_is_spoken(
    source: str, mirrors: str, environ: dict[str, str], *, expected: bool
) -> None:
    """Mirrors come before their registry."""
    with access_from(environ, mirrors=mirrors) as access:
        assert open_repository(parse_source(source), access).is_encrypted is expected


def test_files_are_read_without_tls(tmp_path: Path) -> None:
    """A layout is a folder."""
    with access_from({}) as access:
        assert not open_repository(parse_source(f"layout://{tmp_path}:v1"), access).is_encrypted
