"""The kind of layer for a file, by its name (model-spec, "Layers"; the lists follow modctl's).

Tests: tests/packer/test_push.py
"""

from fnmatch import fnmatchcase

_DOC = ("*.md", "*.txt", "*.pdf", "*.rst", "LICENSE*", "README*", "NOTICE*", "USE_POLICY*")
_CODE = ("*.py", "*.sh", "*.ipynb", "*.c", "*.cpp", "*.cu", "*.h", "*.js", "*.ts")
_WEIGHT = (
    *("*.safetensors", "*.gguf", "*.ggml", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.onnx", "*.onnx_data"),
    *("*.h5", "*.tflite", "*.msgpack", "*.npz", "*.npy", "*.mlmodel", "*.engine", "*.plan", "*.pkl"),
)
_CONFIG = ("vocab.txt", "merges.txt")
_WEIGHT_BYTES = 10 << 20
"""An unknown file of at least this size counts as weights."""

_FORMATS = {
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".onnx": "onnx",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".bin": "pytorch",
}


def category_of(path: str, size: int) -> str:
    """Return `weight`, `doc`, `code` or `weight.config`."""
    name = path.rpartition("/")[2]
    for category, globs in (("weight.config", _CONFIG), ("weight", _WEIGHT), ("doc", _DOC), ("code", _CODE)):
        if any(fnmatchcase(name, glob) for glob in globs):
            return category
    return "weight" if size >= _WEIGHT_BYTES else "weight.config"


def format_of(paths: list[str]) -> str | None:
    """Return the first known model format that the files' names show, or None."""
    for suffix, name in _FORMATS.items():
        if any(path.endswith(suffix) for path in paths):
            return name
    return None
