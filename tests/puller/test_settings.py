"""Settings: what the webhook writes is what the puller reads."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puller.settings import BadSettings, Settings

TEXT = st.text(string.printable, max_size=30)
LIST = st.lists(TEXT.filter(bool), max_size=3).map(tuple)


@given(
    st.builds(
        Settings,
        source=TEXT,
        destination=TEXT,
        include=LIST,
        exclude=LIST,
        connections=st.integers(1, 99),
        piece_bytes=st.integers(1, 1 << 40),
        docker_configs=LIST,
        plain_http=LIST,
        ca_file=TEXT,
        trust_group=st.booleans(),
        lock_seconds=st.integers(1, 9999),
        termination_log=TEXT,
    )
)
def test_writing_and_reading_settings_is_identity(settings: Settings) -> None:
    """Law: Settings.from_env(settings.to_env()) == settings."""
    assert Settings.from_env(settings.to_env()) == settings


def test_defaults_are_not_written() -> None:
    """A pod shows what was chosen, not what goes without saying."""
    assert Settings(source="s", destination="d").to_env() == {
        "WEIGHBRIDGE_PULL_SOURCE": "s",
        "WEIGHBRIDGE_PULL_DESTINATION": "d",
    }


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "WEIGHBRIDGE_PULL_SOURCE is not set"),
        ({"CONNECTIONS": "many"}, "WEIGHBRIDGE_PULL_CONNECTIONS='many'"),
        ({"CONNECTIONS": "0"}, "whole number from 1 up"),
        ({"PIECE_BYTES": "1e6"}, "WEIGHBRIDGE_PULL_PIECE_BYTES"),
    ],
)
def test_the_variable_that_is_wrong_is_named(environ: dict[str, str], words: str) -> None:
    """Whoever wrote the pod by hand learns which variable to mend."""
    base = {"SOURCE": "s", "DESTINATION": "d", **environ} if environ else {}
    with pytest.raises(BadSettings, match=words):
        Settings.from_env({f"WEIGHBRIDGE_PULL_{name}": value for name, value in base.items()})
