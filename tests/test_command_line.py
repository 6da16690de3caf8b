"""What the command says of a line that it cannot take, and of itself."""

import json
from pathlib import Path

import pytest

import weighbridge
from registry.process.arguments import size
from registry.process.completion import verbs
from tests.conftest import Part
from tests.parts.certificate import certificate_for_localhost
from tests.parts.distribution import running_registry
from tests.puller.models import read_tree, write_tree


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
        (["pull", "r/m:1", "-o", "x", "--jobs", "abc"], "argument -j/--jobs: 'abc' is no whole number from 1 up"),
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


@pytest.mark.parametrize("asks", [["--progress", "json"], ["--progress=json"]])
@pytest.mark.parametrize(
    "arguments", [["pull", "r.example/m:1", "-o", "x", "--jobs", "abc"], ["push", "m"], ["pull", "--frob"]]
)
def test_a_wrong_usage_is_an_event_where_progress_is_json(
    capsys: pytest.CaptureFixture[str], arguments: list[str], asks: list[str]
) -> None:
    """A program that reads stderr meets JSON alone."""
    event = json.loads(refused(capsys, *arguments, *asks))
    assert (event["event"], event["code"]) == ("error", "usage.invalid")
    assert f"weighbridge {arguments[0]}" in event["text"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["pull", "foo", "-o", "x"], "reference.invalid"),
        (["pull", "s3://bucket/model", "-o", "x"], "source.unsupported"),
        (["pull", "r.example/m@sha256:12", "-o", "x"], "reference.invalid"),
        (["inspect", "layout://x@sha256:12"], "digest.invalid"),
        (["verify", "foo"], "reference.invalid"),
        (["verify", ".", "--source", "foo"], "reference.invalid"),
        (["list", "hf://microsoft/phi-4"], "source.unsupported"),
        (["push", ".", "foo"], "reference.invalid"),
        (["push", "hf://x", "layout://{}:v1"], "reference.invalid"),
        (["push", ".", "hf://microsoft/phi-4"], "source.unsupported"),
        (["copy", "foo", "layout://{}:v1"], "reference.invalid"),
        (["copy", "hf://microsoft/phi-4", "layout://{}:v1"], "source.unsupported"),
        (["inspect", "pvc://models/x"], "source.unsupported"),
        (["list", "r.example/m:v1"], "reference.invalid"),
        (["push", ".", f"r.example/m@sha256:{'0' * 64}"], "reference.invalid"),
        (["push", ".", f"layout://{{}}@sha256:{'0' * 64}"], "reference.invalid"),
        (["pull", "r.example/m:1", "-o", "x", "--cache-bytes", "5GB"], "options.invalid"),
        (["inspect", "r.example/m:1", "--key-file", "nope.pem"], "options.invalid"),
        (["inspect", "r.example/m:1", "--hosts-dir", "/nope"], "options.invalid"),
        (["explain", "foo/x"], "cluster.object"),
        (["catalog", "add", "m", "@@"], "reference.invalid"),
        (["catalog", "add", "m", "layout://{}:v1"], "options.invalid"),
        (["list", f"r.example/m@sha256:{'0' * 64}"], "reference.invalid"),
        (["list", "layout://{}:v1"], "reference.invalid"),
        (["pull", "r.example/m:1", "-o", "x", "--require-signature"], "signature-policy.invalid"),
        (["inspect", "r.example/m:1", "--identity", "me"], "signature-policy.invalid"),
    ],
)
def test_a_source_that_is_none_is_a_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], code: str
) -> None:
    """Exit code 2, as for an option that is none; with the code and the hint of the failure."""
    assert weighbridge.main([one.format(tmp_path / "layout") for one in arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"[{code}]" in said.err
    assert "hint: " in said.err


@pytest.mark.parametrize(
    "arguments", [["push", "", "r.example/m:1"], ["verify", ""], ["pull", "r.example/m:1", "-o", ""]]
)
def test_a_variable_without_a_value_is_no_folder(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """An empty path would mean the current folder."""
    assert "is empty" in refused(capsys, *arguments)


@pytest.mark.parametrize("arguments", [[], ["certs"]])
def test_the_command_alone_teaches(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Its help goes to stderr, and the exit code says that nothing was done."""
    assert weighbridge.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: weighbridge" in said.err


@pytest.mark.parametrize(
    "verb",
    [
        "push",
        "pull",
        "copy",
        "inspect",
        "verify",
        "inject",
        "explain",
        "check",
        "status",
        "catalog",
        "prefetch",
        "certs",
        "version",
    ],
)
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


def test_a_registry_on_loopback_is_spoken_to_as_it_wants(
    part: Part, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """TLS by choice, with its CA, a client certificate, or on trust; without the choice the error says what to type."""
    certificate, key = certificate_for_localhost(tmp_path)
    files = {"config.json": b"{}"}
    folder = str(write_tree(tmp_path / "model", files))
    tls = {"certificate": str(certificate), "key": str(key), "clientcas": [str(certificate)]}
    with running_registry(part("registry"), tmp_path, tls=tls) as registry:
        target = f"{registry.address}/cli/model:v1"
        shown = ("--cert-file", str(certificate), "--key-file", str(key))
        assert weighbridge.main(["push", folder, target, "--quiet"]) == 1
        assert "--no-plain-http" in capsys.readouterr().err
        assert weighbridge.main(["push", folder, target, "--quiet", "--no-plain-http", *shown]) == 1
        assert "--ca-file" in capsys.readouterr().err
        trusting = ("--no-plain-http", "--ca-file", str(certificate))
        assert weighbridge.main(["push", folder, target, "--quiet", *trusting, *shown]) == 0
        assert weighbridge.main(["inspect", target, *trusting]) == 1, "the server wants a client certificate"
        careless = ("-o", str(tmp_path / "out"), "--quiet", "--no-plain-http", "--insecure")
        assert weighbridge.main(["pull", target, *careless, *shown]) == 0
    assert read_tree(tmp_path / "out") == files


def test_every_verb_shows_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    """With an example in its help, those below others as well; two need none, and of one its own verbs show it."""
    plain = {("version",), ("help",), ("certs",)}
    lacking = []
    for verb in verbs(weighbridge.parser()):
        with pytest.raises(SystemExit):
            weighbridge.main([*verb.path, "--help"])
        lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("usage:")]
        if verb.path and not any(f"weighbridge {' '.join(verb.path)}" in line for line in lines):
            lacking.append(verb.path)
    assert set(lacking) == plain
