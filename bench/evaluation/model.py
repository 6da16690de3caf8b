"""A model with phi-4's files, scaled down: six shards of bf16, an index, a tokenizer and configurations."""

import hashlib
import json
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Model, model_of
from bench.plan import Shape

_SHARDS = 6
_WORDS = 100_352
"""phi-4's vocabulary: its tokenizer is the one file of several MiB beside the shards."""


@dataclass(frozen=True, slots=True)
class Phi:
    """The model's folder and what each of its files holds."""

    folder: Path
    digests: dict[str, str]
    """SHA-256 in hexadecimal by file name."""

    size: int

    @property
    def as_model(self) -> Model:
        """Return it as the benchmark's other parts take models."""
        return Model(self.folder.name, self.folder, tuple(sorted(self.folder.iterdir())), self.size)


def make_phi(shard_bytes: int, cache: Path, folder: Path, version: int = 1) -> Phi:
    """Make the model in `folder`; shards are hard links where the cache is on the same file system.

    Another `version` has other weights, and the same small files.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shards = model_of(Shape("bf16", _SHARDS * version, shard_bytes), cache).files[-_SHARDS:]
    for number, shard in enumerate(shards, 1):
        _link(shard, folder / f"model-{number:05}-of-{_SHARDS:05}.safetensors")
    for name, content in _small_files(shard_bytes).items():
        (folder / name).write_bytes(content)
    digests = {path.name: file_digest(path) for path in folder.iterdir()}
    return Phi(folder, digests, sum(path.stat().st_size for path in folder.iterdir()))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _small_files(shard_bytes: int) -> dict[str, bytes]:
    """Return the files beside the shards; the tokenizer has 4 MiB as phi-4's, or a twentieth of a shard."""
    words = random.Random("phi-4")  # noqa: S311 - words that must be the same each time
    count = min(_WORDS, shard_bytes // 20 // 40)
    vocabulary = {f"{words.randbytes(6).hex()}": number for number in range(count)}
    index = {"weight": f"model-00001-of-{_SHARDS:05}.safetensors"}
    config = {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "torch_dtype": "bfloat16"}
    documents = {
        "config.json": config,
        "generation_config.json": {"eos_token_id": 100_265},
        "model.safetensors.index.json": {"metadata": {}, "weight_map": index},
        "special_tokens_map.json": {"eos_token": "<|im_end|>"},
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary}},
        "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer"},
    }
    return {name: json.dumps(content).encode() + b"\n" for name, content in documents.items()}
