"""What a container's words say: which engine runs, and whether a script takes arguments."""

import pytest

from webhook.injection.engines import engine_of, ignores_arguments

_SCRIPT = "exec vllm serve /model"


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", _SCRIPT],
        ["/bin/bash", "-ec", _SCRIPT],
        ["bash", "-e", "-c", _SCRIPT],
        ["bash", "-o", "pipefail", "-c", _SCRIPT],
        ["bash", "-eo", "pipefail", "-c", _SCRIPT],
        ["bash", "+x", "-xc", _SCRIPT],
        ["bash", "--login", "-c", _SCRIPT],
        ["bash", "--rcfile", "/rc", "-c", _SCRIPT],
        ["bash", "-O", "extglob", "-c", _SCRIPT],
        ["/usr/bin/tini", "-g", "--", "bash", "-c", _SCRIPT],
        ["/usr/bin/env", "A=1", "sh", "-c", _SCRIPT],
        ["busybox", "sh", "-c", _SCRIPT],
        ["bash", "-c", f'{_SCRIPT} "$@"'],  # the first would be $0
        ["bash", "-c", _SCRIPT, "vllm"],
        ["bash", "-c", f"{_SCRIPT} $1 $2", "vllm"],  # of more arguments these would be all
        ["sh", "-c", f"N=$(nvidia-smi -L | awk '{{print $2}}'); {_SCRIPT} $N", "--"],  # another program's
        ["bash", "-c", f"{_SCRIPT} $HOME $$ $? $0 $#", "vllm"],
    ],
    ids=" ".join,
)
def test_a_script_among_the_words_reads_no_arguments(command: list[str]) -> None:
    """They would become $0 and $1, in silence. Its engine is known all the same."""
    assert ignores_arguments({"command": command})
    assert ignores_arguments({"command": command[:1], "args": command[1:]})
    assert engine_of({"command": command}) == "vllm"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["sh"],
        ["/bin/bash", "/workspace/launch.sh"],
        ["/bin/bash", "/workspace/launch.sh", "-c", "config.yaml"],
        ["bash", "-e", "start.sh"],
        ["bash", "-o", "-c"],  # the name of an option
        ["bash", "--", "-c"],
        ["bash", "-s"],
        ["bash", "-c", 'exec vllm serve "$@"', "vllm"],
        ["sh", "-ec", "exec vllm serve ${*}", "vllm", "--seed", "1"],
        ["bash", "-eoc", "pipefail", 'exec vllm serve "${@:2}"', "vllm"],
        ["vllm", "-c", "config.yaml"],
        ["tini", "--", "python3", "-c", "pass"],
        ["tini"],
    ],
    ids=" ".join,
)
def test_a_program_and_a_script_in_a_file_read_arguments(command: list[str]) -> None:
    """Whatever letters are in their names."""
    assert not ignores_arguments({"command": command})


@pytest.mark.parametrize(
    ("command", "engine"),
    [
        (["python3", "-m", "vllm.entrypoints.openai.api_server"], "vllm"),
        (["tini", "--", "python3", "-m", "sglang.launch_server"], "sglang"),
        (["dumb-init", "ollama", "serve"], "ollama"),
        (["python3", "serve.py", "--model", "vllm"], "none"),
        (["tini", "--"], "none"),
    ],
)
def test_an_engine_is_known_by_its_program(command: list[str], engine: str) -> None:
    """Behind what only starts it, and not by the names of models."""
    assert engine_of({"command": command}) == engine
