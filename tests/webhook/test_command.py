"""`weighbridge inject`, from its arguments to its exit code."""

import io
import sys
from pathlib import Path

import pytest

import weighbridge
from tests.fakes.raw import answering

POD = """\
kind: Pod
metadata: {name: chat, namespace: team, labels: {weighbridge.dev/model: phi-4}, annotations: {%s}}
spec: {containers: [{name: server}]}
"""
SOURCE = "weighbridge.dev/source: registry.example.com/phi-4"


def _file(folder: Path, annotations: str) -> str:
    path = folder / "deploy.yaml"
    path.write_text("kind: Service\nmetadata: {name: chat}\n---\n" + POD % annotations)
    return str(path)


def test_results_go_to_stdout_and_the_account_of_them_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output can be piped into kubectl, while people read what was done."""
    file = _file(tmp_path, SOURCE)
    assert weighbridge.main(["inject", "-f", file, "--offline"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("kind: Service\nmetadata: {name: chat}\n---\nkind: Pod\n")
    assert said.err == (
        f"{file}: document 2: Pod/team/chat: injected phi-4 from oci://registry.example.com/phi-4:latest "
        "(annotation) into server\n"
    )


def test_a_refusal_names_the_document_and_keeps_everything_from_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of a file must not be applied as if it were whole."""
    file = _file(tmp_path, "weighbridge.dev/mount-path: models")
    assert weighbridge.main(["inject", "-f", file]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    reason = "weighbridge.dev/mount-path is 'models': the mount path is not absolute"
    assert f"error: {file}: document 2: Pod/team/chat: {reason}" in said.err
    assert "[mount-path.invalid]\n  hint: write an absolute path" in said.err


def test_a_warning_is_shown_beside_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the API server would warn of, inject warns of."""
    assert weighbridge.main(["inject", "-f", _file(tmp_path, SOURCE + ", weighbridge.dev/sorce: x")]) == 0
    assert "did you mean weighbridge.dev/source?" in capsys.readouterr().err


def test_standard_input_is_a_file_named_dash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Manifests may come through a pipe; the namespace is for the messages."""
    text = (POD % SOURCE).replace("namespace: team, ", "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert weighbridge.main(["inject", "-f", "-", "--namespace", "blue"]) == 0
    said = capsys.readouterr()
    assert "weighbridge-puller" in said.out
    assert said.err.startswith("-: document 1: Pod/blue/chat: ")


@pytest.mark.parametrize("content", [None, b"\xff\xff", b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Absent files and other encodings have their message too."""
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    assert weighbridge.main(["inject", "-f", str(path)]) == 1
    assert "[document.invalid]" in capsys.readouterr().err


def test_a_configuration_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong file after --config is noticed."""
    file = _file(tmp_path, SOURCE)
    assert weighbridge.main(["inject", "-f", file, "--config", file]) == 1
    assert "[settings.invalid]" in capsys.readouterr().err


def test_a_missing_argument_is_wrong_usage() -> None:
    """The exit code tells wrong usage from failure."""
    with pytest.raises(SystemExit) as stopped:
        weighbridge.main(["inject"])
    assert stopped.value.code == 2


def test_several_files_and_folders_make_one_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As kubectl's -f: again for more, a folder for the manifests in it, --recursive for those below."""
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "a.yaml").write_text(POD % SOURCE)
    (folder / "b.json").write_text('{"kind": "Service", "metadata": {}}')
    (folder / "notes.txt").write_text("weighbridge.dev/model: [")
    (folder / "below" / "c.yml").write_text("kind: ConfigMap\nmetadata: {}")
    single = tmp_path / "single.yaml"
    single.write_text("---\nkind: Namespace\nmetadata: {}\n")
    assert weighbridge.main(["inject", "-R", "-f", str(folder), "--filename", str(single)]) == 0
    found = capsys.readouterr().out
    assert [line for line in found.splitlines() if line.startswith(("kind", "---", '{"kind'))] == [
        "kind: Pod",
        "---",
        '{"kind": "Service", "metadata": {}}',
        "---",
        "kind: ConfigMap",
        "---",
        "kind: Namespace",
    ]


def test_a_folder_without_manifests_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty output would look like success."""
    assert weighbridge.main(["inject", "-f", str(tmp_path)]) == 1
    assert "no manifests in it" in capsys.readouterr().err


def test_a_url_is_read_or_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Manifests are often given by where they are published."""
    content = (POD % SOURCE).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content)
    with answering(answer + content) as address:
        assert weighbridge.main(["inject", "-f", f"http://{address}/pod.yaml"]) == 0
    assert "weighbridge-puller" in capsys.readouterr().out
    with answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as address:
        assert weighbridge.main(["inject", "-f", f"http://{address}/pod.yaml"]) == 1
    assert "404" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings_with_a_mark_are_read(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kubectl reads them; what comes out is UTF-8."""
    path = tmp_path / "pod.yaml"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path.write_bytes((mark + POD % SOURCE).encode(encoding))
    assert weighbridge.main(["inject", "-f", str(path)]) == 0
    assert "weighbridge-puller" in capsys.readouterr().out
