"""What the command says of a line that it cannot take, and of itself."""

import json

import pytest

import weighbridge
from registry.process.arguments import size


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that a wrong usage gets."""
    with pytest.raises(SystemExit) as caught:
        weighbridge.main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pul"], "unknown VERB 'pul': did you mean pull?; see `weighbridge --help`"),
        (["frobnicate"], "unknown VERB 'frobnicate': there are "),
        (
            ["pull", "r/m:1", "-o", "x", "--outptu=y"],
            "pull: unknown option --outptu: did you mean --output?",
        ),
        (["pull", "r/m:1", "-o", "x", "--jbs", "3"], "did you mean --jobs?"),
        (["pull", "r/m:1", "--out", "x"], "-o/--output"),
        (["pull", "r/m:1", "-o", "x", "y"], "weighbridge pull: unexpected argument 'y'; see `weighbridge pull --help`"),
        (["pull", "r/m:1", "-o", "x", "--jobs", "abc"], "argument --jobs: 'abc' is no whole number from 1 up"),
        (["pull", "r/m:1", "-o", "x", "--jobs", "0"], "is no whole number from 1 up"),
        (["pull", "r/m:1", "-o", "x", "--cache-bytes", "10 apples"], "is no size: write bytes, or such as"),
        (["push", "m"], "weighbridge push: the following arguments are required: REF"),
        (["push", "m", "r/m:1", "--codec", "gzip"], "unknown --codec 'gzip': there are raw, zstd"),
        (["certs", "inti"], "did you mean init?"),
    ],
)
def test_a_wrong_usage_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """With what was meant, where that can be guessed, and where to read on; options are never abbreviated."""
    assert words in refused(capsys, *arguments)


@pytest.mark.parametrize("arguments", [[], ["certs"]])
def test_the_command_alone_teaches(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Its help goes to stderr, and the exit code says that nothing was done."""
    assert weighbridge.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: weighbridge" in said.err


@pytest.mark.parametrize("verb", ["push", "pull", "inspect", "inject", "explain", "certs", "version"])
def test_help_is_a_verb_as_well(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """`help VERB` prints what `VERB --help` prints."""
    assert weighbridge.main(["help", verb]) == 0
    printed = capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        weighbridge.main([verb, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == printed


def test_the_version_says_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    """For reports, and for programs."""
    assert weighbridge.main(["version", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"version", "python", "platform"}
    assert weighbridge.main(["version"]) == 0
    assert f"version: {found['version']}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("1048576", 1 << 20),
        ("500GB", 500 * 10**9),
        ("500 GB", 500 * 10**9),
        ("1.5TB", 1_500_000_000_000),
        ("64MiB", 64 << 20),
        ("64Mi", 64 << 20),
        ("2k", 2000),
        ("2KiB", 2048),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    """Decimal and binary units, with or without a B."""
    assert size(text) == count
