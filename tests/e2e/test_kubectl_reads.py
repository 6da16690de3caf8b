"""What kubectl takes, `inject` takes, with the same values; what it refuses, `inject` refuses."""

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Part
from tests.parts.apiserver import ApiServer
from webhook.manifests.documents import read_manifests
from webhook.manifests.node import BadDocument

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n"
TEXTS = {
    "a comment after a tab": HEAD + "data:\t# why\n  a: b\t# why\n",
    "a tab after a colon": HEAD + "data:\n  a:\tb\n",
    "a tab that indents": HEAD + "data:\n\ta: b\n",
    "double keys": HEAD + "data:\n  a: b\n  a: c\n",
    "a merge": HEAD + "x: &x {a: b}\ndata:\n  <<: *x\n  c: d\n",
    "an alias": HEAD + "data:\n  a: &a b\n  c: *a\n",
    "an alias to nothing": HEAD + "data:\n  c: *a\n",
    "odd keys": HEAD + "data:\n  1: a\n  0x10: b\n  on: c\n  1.5: d\n  y: e\n",
    "a null key": HEAD + "data:\n  ~: a\n",
    "a mapping as key": HEAD + "data:\n  {a: b}: c\n",
    "blocks of text": HEAD + "data:\n  a: |\n    b\n\n  c: >-\n    d\n    e\n  f: |+\n    g\n\n",
    "a tag": HEAD + "data:\n  a: !!str 12\n",
    "letters beyond the first plane": HEAD + 'data: {b: "\\U0001F600"}\n',
    "half letters": HEAD + 'data: {a: "\\ud83d\\ude00"}\n',
    "half letters in json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, '
    '"data": {"a": "\\ud83d\\ude00"}}',
    "windows": (HEAD + "data:\n  a: b\n").replace("\n", "\r\n"),
    "json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "\\u00e9"}}',
    "json with a comma too many": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"},}',
    "json after json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}' * 2,
    "a chart": HEAD + "data:\n  a: {{ .Values.a }}\n",
    "no value": HEAD + "data:\n",
    "an end mark": HEAD + "data: {a: b}\n...\n",
    "a list of another kind": '{"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "m"}}]}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_read_as_kubectl_reads_it(text: str, part: Part, api_server: ApiServer) -> None:
    """Asked of the real kubectl."""
    command: list[str | Path] = [part("kubectl"), f"--kubeconfig={api_server.kubeconfig}", "create", "-f", "-"]
    options = ["--dry-run=client", "--validate=false", "-o", "json"]
    answer = subprocess.run([*command, *options], input=text, check=False, capture_output=True, text=True)
    try:
        ours = [manifest.get("data") for manifest in read_manifests(text)]
    except BadDocument:
        ours = None
    if answer.returncode:
        assert ours is None or "cannot unmarshal" in answer.stderr, answer.stderr
        return
    decoder, theirs, rest = json.JSONDecoder(), [], answer.stdout.lstrip()
    while rest:
        one, end = decoder.raw_decode(rest)
        theirs += [each.get("data") for each in (one["items"] if one["kind"] == "List" else [one])]
        rest = rest[end:].lstrip()
    assert [held or None for held in ours or []] == theirs
