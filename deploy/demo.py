"""The whole path of a model on one machine, without a cluster or a registry: pack, inject, pull, verify.

Every step runs what a user or a cluster would run: `weighbridge push`, `weighbridge inject`, and the command of the
initContainer that was injected, with its volume mapped to a folder.
"""

import difflib
import hashlib
import io
import json
import os
import shlex
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from ruamel.yaml import YAML

_SAMPLE = Path(__file__).parent / "examples" / "vllm-deployment.yaml"
_SHARD_BYTES = 32 << 20
_HIDDEN = 2048  # columns of each tensor; bf16 has 2 bytes a value
_ENVIRON = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
_COLORED = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def main() -> None:
    """Run the demonstration in a temporary folder."""
    started = time.monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory(prefix="weighbridge-demo-") as folder:
        root = Path(folder)
        model = root / "phi-4"
        _title("A model folder, as training leaves it")
        write_model(model)
        _list(model)

        _title("1  Pack it: one pass over the files, no build context")
        target = f"layout://{root / 'artifacts'}:v1"
        pinned = _run("weighbridge", "push", str(model), target, root=root)
        print(f"  {_dim(_short(pinned, root))}")

        _title("2  Label a Deployment: this is what its pods become")
        catalog = root / "catalog.yaml"
        catalog.write_text(_catalog(f"layout://{root / 'artifacts'}:v1"))
        injected = _run("weighbridge", "inject", "-f", str(_SAMPLE), "--config", str(catalog), root=root, end="\n")
        _diff(_SAMPLE.read_text(), f"{injected}\n", root)

        _title("3  Run the injected puller, its volume mapped to a folder")
        volume = root / "volume"
        volume.mkdir()
        template = YAML(typ="safe").load(injected)["spec"]["template"]["spec"]
        _run_container(template["initContainers"][0], volume, root)

        _title("4  What the server finds at /models/phi-4")
        _compare(model, volume / "phi-4")
    print(f"\n{_good('All verified')} in {time.monotonic() - started:.0f} s.")
    print("Next, with a registry and a cluster, as README.md has it:\n")
    for line in _NEXT:
        print(f"  {line}")


_NEXT = (
    "pipx install '.[cluster,signing]'",
    "kubectl apply --server-side -k deploy/",
    "weighbridge push ./phi-4 registry.example.com/models/phi-4:v1",
    "weighbridge catalog add phi-4 registry.example.com/models/phi-4:v1 --gpu",
    "kubectl label namespace inference weighbridge.dev/injection=enabled",
    "kubectl label deployment vllm -n inference weighbridge.dev/model=phi-4",
    "weighbridge status -n inference",
)


def write_model(folder: Path) -> None:
    """Write a model of 64 MB: two shards with true safetensors headers, their index, a config and a tokenizer."""
    folder.mkdir()
    random = Random(4)  # noqa: S311 - weights, not secrets
    places: dict[str, str] = {}
    for number in (1, 2):
        name = f"model-0000{number}-of-00002.safetensors"
        rows = _SHARD_BYTES // (2 * _HIDDEN)
        tensors = {
            f"model.layers.{number}.mlp.up_proj.weight": (rows // 2),
            f"model.layers.{number}.mlp.gate": rows // 2,
        }
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        end = 0
        for tensor, count in tensors.items():
            begin, end = end, end + count * _HIDDEN * 2
            header[tensor] = {"dtype": "BF16", "shape": [count, _HIDDEN], "data_offsets": [begin, end]}
            places[tensor] = name
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + random.randbytes(end))
    index = {"metadata": {"total_size": 2 * _SHARD_BYTES}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    config = {"architectures": ["Phi3ForCausalLM"], "hidden_size": _HIDDEN, "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": {"type": "BPE"}}))
    (folder / "README.md").write_text("# A model made of noise\n")


def _catalog(source: str) -> str:
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: weighbridge-catalog, namespace: weighbridge-system}}
data:
  phi-4: "{source}"
"""


def _run(*command: str, root: Path, end: str = "") -> str:
    print(f"  {_bold('$ ' + _short(shlex.join(command), root))}{end}")
    return _said(subprocess.run(command, env=_ENVIRON, capture_output=True, text=True, check=False), root)


def _run_container(container: dict[str, Any], volume: Path, root: Path) -> None:
    """Run a container's command with its environment, as the kubelet would, but without its mounts."""
    mount = container["volumeMounts"][0]["mountPath"]
    wanted = {entry["name"]: entry["value"].replace(mount, str(volume)) for entry in container["env"]}
    env = {**_ENVIRON, **wanted}
    for name, value in wanted.items():
        print(f"  {_dim(f'{name}={_short(value, root)}')}")
    print(f"  {_bold('$ ' + shlex.join(container['command']))}")
    _said(subprocess.run(container["command"], env=env, capture_output=True, text=True, check=False), root)


def _said(done: "subprocess.CompletedProcess[str]", root: Path) -> str:
    """Print what a command wrote to stderr; return its stdout, or exit if the command failed."""
    for line in done.stderr.splitlines():
        print(f"  {_dim(_short(line, root))}")
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout.rstrip("\n")


def _diff(before: str, after: str, root: Path) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    for line in list(lines)[2:]:
        paint = _good if line.startswith("+") else _bad if line.startswith("-") else _dim
        print(f"  {paint(_short(line, root))}")


def _list(folder: Path) -> None:
    for path, size, _ in _files(folder):
        print(f"  {path:<36} {size / 1e6:>9.3f} MB")


def _compare(wanted: Path, got: Path) -> None:
    """Print each file with its digest; exit if one differs."""
    if list(_files(wanted)) != list(_files(got)):
        sys.exit("the pulled files differ from the packed ones")
    for path, size, digest in _files(got):
        print(f"  {_good('√')} {path:<36} {size / 1e6:>9.3f} MB  {_dim(f'sha256:{digest[:16]}…')}")


def _files(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield str(path.relative_to(folder)), path.stat().st_size, digest


def _short(text: str, root: Path) -> str:
    return text.replace(str(root), "/demo").replace(str(_SAMPLE.parent.parent.parent) + "/", "")


def _paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _COLORED else text


def _title(text: str) -> None:
    print(f"\n{_paint('1;36', text)}", flush=True)


def _bold(text: str) -> str:
    return _paint("1", text)


def _dim(text: str) -> str:
    return _paint("2", text)


def _good(text: str) -> str:
    return _paint("32", text)


def _bad(text: str) -> str:
    return _paint("31", text)


if __name__ == "__main__":
    main()
