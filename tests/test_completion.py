"""`weighbridge completion`: what shells offer, asked of the shells themselves."""

import subprocess
from pathlib import Path

import pytest

import weighbridge
from tests.parts.installed import installed

_BASH = """\
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_weighbridge
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Write a shell's completion to a file."""
    assert weighbridge.main(["completion", shell]) == 0
    path = folder / f"weighbridge.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("weighbridge pu", {"push", "pull"}),
        ("weighbridge certs r", {"rotate"}),
        ("weighbridge catalog ''", {"list", "add", "remove"}),
        ("weighbridge push --co", {"--codec"}),
        ("weighbridge push --codec ''", {"raw", "zstd"}),
        ("weighbridge push --name ''", set()),
        ("weighbridge status -o j", {"json"}),
        ("weighbridge completion ''", {"bash", "zsh", "fish"}),
        ("weighbridge help sta", {"status"}),
        ("weighbridge certs init --d", {"--days", "--dns-name"}),
        ("weighbridge pull push --o", {"--output"}),
    ],
)
def test_bash_offers_verbs_options_and_choices(
    words: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And leaves values that nobody can list to its own completion of files."""
    text = _BASH.format(script=script("bash", tmp_path, capsys), words=words)
    answer = subprocess.run([installed("bash"), "-c", text], check=True, capture_output=True, text=True)
    assert set(answer.stdout.split()) == offered
    assert answer.stderr == ""


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("weighbridge pu", {"push", "pull"}),
        ("weighbridge certs r", {"rotate"}),
        ("weighbridge push --codec ", {"raw", "zstd"}),
        ("weighbridge push --code", {"--codec"}),
    ],
)
def test_fish_offers_the_same(line: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the help of each beside it."""
    text = f"source {script('fish', tmp_path, capsys)}; complete -C '{line}'"
    command = [installed("fish"), "--no-config", "-c", text]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert {found.partition("\t")[0] for found in answer.stdout.splitlines()} == offered
    assert answer.stderr == ""


def test_zsh_takes_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its way to take bash's is there, and the function is known after it."""
    text = f"source {script('zsh', tmp_path, capsys)} && whence -w _weighbridge"
    command = [installed("zsh"), "-f", "-c", text]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert answer.stdout.strip() == "_weighbridge: function"
    assert answer.stderr == ""


def test_a_shell_that_nobody_knows_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With those there are."""
    with pytest.raises(SystemExit):
        weighbridge.main(["completion", "powershell"])
    assert "there are bash, zsh, fish" in capsys.readouterr().err
