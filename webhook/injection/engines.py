"""Inference engines: which one a container runs, and the environment by which it finds the model.

Environment alone: arguments are the user's. What an argument says wins over a variable in every engine here.

Tests: tests/webhook/test_engines.py
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import PurePosixPath

from webhook.pod.podspec import Raw
from webhook.values.annotation import Adapter, Engine, Layout

Environment = dict[str, str]

_BY_COMMAND: tuple[tuple[str, Engine], ...] = (
    ("tritonserver", "triton"),
    ("text-generation-launcher", "tgi"),
    ("text-embeddings-router", "tei"),
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("llama-server", "llamacpp"),
    ("llama-cli", "llamacpp"),
    ("ollama", "ollama"),
)
_BY_IMAGE: tuple[tuple[str, Engine], ...] = (
    ("/nim/", "nim"),
    ("tritonserver", "triton"),
    ("text-generation-inference", "tgi"),
    ("text-embeddings-inference", "tei"),
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("llama.cpp", "llamacpp"),
    ("llama-cpp", "llamacpp"),
    ("ollama", "ollama"),
)
_STARTERS = ("tini", "dumb-init", "env", "busybox")
_SHELLS = ("sh", "bash", "ash", "dash", "zsh")
_LONG_OPTIONS_WITH_WORD = ("--rcfile", "--init-file")
_ALL_PARAMETERS = re.compile(r"\$\{?[@*]")
"""What stands for all arguments in a shell's script. `$1` and its like may be a function's, or another program's."""

_PROGRAM_WORDS, _MODULE = 3, "-m"  # python -m vllm.entrypoints.openai.api_server

ADAPTERS_IN_ARGUMENTS: tuple[Engine, ...] = ("sglang", "llamacpp", "triton", "tei", "ollama", "none")
"""Engines that take adapters by arguments alone, or not at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounted:
    """What an engine finds in its container: the model's name, its folder, and the mounts' paths."""

    model: str
    layout: Layout
    mount_path: str
    adapters: tuple[Adapter, ...]
    include: tuple[str, ...]

    @property
    def files(self) -> str:
        """The folder that holds the model's files."""
        return files_path(self.layout, self.mount_path)

    @property
    def adapters_path(self) -> str:
        """The folder that holds a folder for each adapter."""
        return adapters_path(self.mount_path)


def files_path(layout: Layout, mount_path: str) -> str:
    """Return the folder with the model's files; in a Hugging Face cache they lie in a folder of it."""
    return f"{mount_path}/model" if layout == "huggingface" else mount_path


def adapters_path(mount_path: str) -> str:
    """Return the mount path of the adapters, which is beside the model's, for that is read-only."""
    return f"{mount_path}-adapters"


def engine_of(container: Raw) -> Engine:
    """Return the engine that a container runs, by its command, then by its image; `none` if it is not known."""
    program = " ".join(_program(container))
    image = container.get("image")
    for text, known in ((program, _BY_COMMAND), (image if isinstance(image, str) else "", _BY_IMAGE)):
        for mark, engine in known:
            if mark in text:
                return engine
    return "none"


def _program(container: Raw) -> list[str]:
    """Return the words that say which program runs: those before its options, among which models have names, too."""
    words = _words(container)
    if words and PurePosixPath(words[0]).name in _SHELLS:
        return words  # the program is somewhere in a script
    program = takewhile(lambda word: word == _MODULE or not word.startswith("-"), words[:_PROGRAM_WORDS])
    return [PurePosixPath(word).name for word in program]


def _words(container: Raw) -> list[str]:
    """Return command and arguments, without what only starts a program, such as `tini --` or `env NAME=VALUE`."""
    lists = (container.get(field) for field in ("command", "args"))
    words = [word for words in lists if isinstance(words, list) for word in words if isinstance(word, str)]
    while words and PurePosixPath(words[0]).name in _STARTERS:
        words = list(dropwhile(lambda word: word.startswith("-") or "=" in word, words[1:]))
    return words


def environment(engine: Engine, mounted: Mounted) -> Environment:
    """Return the variables of a container that has the model: ours, the hub's, then the engine's."""
    found = {"WEIGHBRIDGE_MODEL_PATH": mounted.files, "WEIGHBRIDGE_MODEL_NAME": mounted.model}
    if mounted.adapters:
        found["WEIGHBRIDGE_ADAPTERS_PATH"] = mounted.adapters_path
        found |= {one.variable: _adapter_path(one, mounted) for one in mounted.adapters}
    if mounted.layout == "huggingface":
        found |= _hub(mounted.mount_path)
    return found | dict(_engine(engine, mounted))


def _hub(cache: str) -> Environment:
    # not HF_HOME: tokens and modules lie there, too, and must stay writable
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
    return {"HF_HUB_CACHE": cache, **offline, "SENTENCE_TRANSFORMERS_HOME": cache}


def _engine(engine: Engine, mounted: Mounted) -> Iterator[tuple[str, str]]:
    if engine in ("tgi", "tei"):
        yield "MODEL_ID", mounted.files
        if mounted.layout == "huggingface":
            yield "HUGGINGFACE_HUB_CACHE", mounted.mount_path  # what their launchers read
    if engine == "llamacpp":
        yield from _llama(mounted)
    if engine == "nim":
        yield "NIM_MODEL_PATH", mounted.files
        yield "NIM_SERVED_MODEL_NAME", mounted.model
    if engine == "ollama":
        yield "OLLAMA_MODELS", mounted.files
    if mounted.adapters:
        yield from _adapters(engine, mounted)


def _llama(mounted: Mounted) -> Iterator[tuple[str, str]]:
    """Name the file if the selection names just one, else the folder, in which llama-server chooses."""
    (name, *others) = mounted.include or ("",)
    if others or not name.endswith(".gguf") or set("*?[") & set(name):
        yield "LLAMA_ARG_MODELS_DIR", mounted.files
    else:
        yield "LLAMA_ARG_MODEL", f"{mounted.files}/{name}"
        yield "LLAMA_ARG_ALIAS", mounted.model


def _adapters(engine: Engine, mounted: Mounted) -> Iterator[tuple[str, str]]:
    if engine == "vllm":
        # VLLM_PLUGINS stays: unset, all plugins are loaded, the resolver among them; set, only those named
        yield "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1"
        yield "VLLM_LORA_RESOLVER_CACHE_DIR", mounted.adapters_path
    if engine == "tgi":
        paths = (f"{adapter.name}={_adapter_path(adapter, mounted)}" for adapter in mounted.adapters)
        yield "LORA_ADAPTERS", ",".join(paths)
    if engine == "nim":
        yield "NIM_PEFT_SOURCE", mounted.adapters_path


def _adapter_path(adapter: Adapter, mounted: Mounted) -> str:
    return f"{mounted.adapters_path}/{adapter.name}"


def ignores_arguments(container: Raw) -> bool:
    """Return whether a container runs a shell's script that stands among its own words and reads no further ones.

    What is added comes after the script's operands, of which the first is its $0. A script in a file reads arguments.
    """
    shell, *rest = _words(container) or [""]
    if PurePosixPath(shell).name not in _SHELLS:
        return False
    is_script, operands = _parsed(rest)
    if not is_script:
        return False
    script, *own = operands or [""]
    return not own or not _ALL_PARAMETERS.search(script)


def _parsed(words: list[str]) -> tuple[bool, list[str]]:
    """Return whether a shell's options name a script (-c), and the words after the options.

    Options are those of `sh` (POSIX) and of bash, whose -o and -O take a word more.
    """
    is_script, options = False, iter(words)
    for option in options:
        if option in ("-", "--"):
            break
        if option[:1] not in ("-", "+"):
            return is_script, [option, *options]
        is_long = option.startswith("--")
        is_script = is_script or (not is_long and option.startswith("-") and "c" in option)
        if option in _LONG_OPTIONS_WITH_WORD or (not is_long and set(option) & set("oO")):
            next(options, None)
    return is_script, list(options)
