"""Laws of the specification's own judge of configs."""

import json
import subprocess

import pytest

from tests.conftest import Part

_DIGEST = "sha256:" + "0" * 64
_CONFIG = {
    "descriptor": {"name": "tiny"},
    "config": {"format": "safetensors"},
    "modelfs": {"type": "layers", "diffIds": [_DIGEST]},
}


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        (_CONFIG, 0, ""),
        ({}, 1, "missing properties"),
        (_CONFIG | {"modelfs": {"type": "tar", "diffIds": [_DIGEST]}}, 1, "/modelfs/type"),
        (_CONFIG | {"extra": 1}, 1, "additionalProperties"),
    ],
)
def test_the_judge_takes_configs_of_the_specification_and_no_others(
    config: dict[str, object], code: int, words: str, part: Part
) -> None:
    """What it says is the specification's own word, with the reason."""
    judge = [part("modelpack-validate")]
    answer = subprocess.run(judge, input=json.dumps(config), check=False, capture_output=True, text=True)

    assert (answer.returncode, words in answer.stderr) == (code, True)
