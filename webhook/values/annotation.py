"""The values of the contract's annotations that are more than a word: sources, lists, adapters, amounts.

A parser raises its Refusal with the reason alone; `Key.read` puts the key and the value before it.

Tests: tests/webhook/test_contract.py
"""

import shlex
from dataclasses import dataclass
from typing import Literal, cast, get_args

from registry.digest import Digest
from registry.errors import BadDigest, BadReference, SourceUnsupported
from registry.source import ClaimSource, LayoutSource, OciSource, Source, parse_source
from webhook.names import is_adapter_name, is_container_name, is_subdomain, split_names
from webhook.pod.mounts import parse_mount_path
from webhook.pod.quantities import quantity
from webhook.pod.resources import LENT, STORAGE, Amounts
from webhook.quotes import quoted
from webhook.refusals import (
    BadAdapters,
    BadContainers,
    BadEngine,
    BadEngineArgs,
    BadGlobs,
    BadOverlap,
    BadPullSecrets,
    BadResources,
    BadSignatureDemand,
    BadSource,
    BadTokenAudience,
    UnknownLayout,
)

LONGEST_SOURCE = 1024
MOST_SECRETS = 32
_MOST_CONTAINERS, _MOST_GLOBS, _MOST_ADAPTERS = 128, 64, 32
_LONGEST_REASON, _LONGEST_AUDIENCE = 160, 1024

Layout = Literal["files", "huggingface"]
Overlap = Literal["auto", "always", "never"]
Engine = Literal["vllm", "sglang", "tgi", "tei", "llamacpp", "triton", "nim", "ollama", "none"]


@dataclass(frozen=True, slots=True)
class Named:
    """A container that the annotation names, with a mount path of its own or the pod's (empty)."""

    container: str
    mount_path: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter: the name that requests call it by, and where it is."""

    name: str
    source: Source

    def pinned(self, digest: Digest | None) -> "Adapter":
        """Return the adapter with a digest, where there is one."""
        if digest is None or not isinstance(self.source, OciSource):
            return self
        return Adapter(self.name, OciSource(self.source.reference.pinned(digest)))

    @property
    def variable(self) -> str:
        """The variable that holds its path in containers."""
        letters = "".join(letter if letter.isalnum() else "_" for letter in self.name.upper())
        return f"WEIGHBRIDGE_ADAPTER_{letters}_PATH"

    def __str__(self) -> str:
        return f"{self.name}={self.source}"


def parse_pod_source(text: str) -> Source:
    """Parse a source that a pod may name; raise BadSource, or SourceUnsupported."""
    if len(text) > LONGEST_SOURCE:
        raise BadSource(f"it has {len(text)} letters, and at most {LONGEST_SOURCE} are read")
    try:
        source = parse_source(text.strip())
    except (BadReference, BadDigest) as error:
        raise BadSource(_reason(str(error), text.strip()), hint=error.hint) from error
    except SourceUnsupported as error:
        raise SourceUnsupported("no source has this scheme", hint=BadSource.hint) from error
    if isinstance(source, LayoutSource):
        raise SourceUnsupported(
            "no pod has this folder", hint=f"{BadSource.hint}; layout:// is for the command, and for the catalog"
        )
    return source


def _reason(message: str, text: str) -> str:
    """Return a message without the text that it begins with, which is quoted already."""
    rest = text.partition("://")[2] or text
    for quote in (repr(rest), repr(text), text):
        message = message.removeprefix(quote)
    return message.lstrip(": ")[:_LONGEST_REASON]


def parse_containers(text: str) -> tuple[Named, ...]:
    """Parse `NAME,NAME=/path`; raise BadContainers, BadMountPath."""
    found = tuple(_parse_named(part) for part in split_names(text))
    if not found:
        raise BadContainers("the list is empty")
    if len(found) > _MOST_CONTAINERS:
        raise BadContainers(f"it names {len(found)} containers, and at most {_MOST_CONTAINERS} are read")
    if len({named.container for named in found}) < len(found):
        raise BadContainers("it names a container twice")
    return found


def _parse_named(text: str) -> Named:
    name, equals, path = text.partition("=")
    if not is_container_name(name):
        raise BadContainers(f"{quoted(name)} is not a valid container name")
    return Named(name, parse_mount_path(path) if equals else "")


def parse_secrets(text: str) -> tuple[str, ...]:
    """Parse names of Secrets; raise BadPullSecrets."""
    found = split_names(text)
    if len(found) > MOST_SECRETS:
        raise BadPullSecrets(f"it names {len(found)} Secrets, and at most {MOST_SECRETS} are read")
    for name in found:
        if not is_subdomain(name):
            raise BadPullSecrets(f"{quoted(name)} is not a valid Secret name")
    return found


def parse_globs(text: str) -> tuple[str, ...]:
    """Parse globs; raise BadGlobs."""
    found = split_names(text)
    if not found or len(found) > _MOST_GLOBS:
        raise BadGlobs(f"it has {len(found)} globs, and 1 to {_MOST_GLOBS} are read")
    for glob in found:
        if glob.startswith("/") or ".." in glob.split("/") or not glob.isprintable() or "\\" in glob:
            raise BadGlobs(f"{quoted(glob)} matches no path inside a model")
    return found


def parse_layout(text: str) -> Layout:
    """Parse a layout; raise UnknownLayout."""
    known: dict[str, Layout] = {layout: layout for layout in get_args(Layout)}
    if text not in known:
        raise UnknownLayout("")
    return known[text]


def parse_engine(text: str) -> Engine | None:
    """Parse an engine; None for `auto`. Raises BadEngine."""
    known: dict[str, Engine] = {engine: engine for engine in get_args(Engine)}
    if text not in known and text != "auto":
        raise BadEngine("")
    return known.get(text)


def parse_engine_args(text: str) -> tuple[str, ...]:
    """Split arguments as a shell does; raise BadEngineArgs."""
    try:
        found = tuple(shlex.split(text))
    except ValueError as error:
        raise BadEngineArgs("a quote is not closed, or a backslash is the last letter") from error
    if not found:
        raise BadEngineArgs("it holds no argument")
    if any(not argument.isprintable() for argument in found):
        raise BadEngineArgs("it holds a line break or another letter that is not printable")
    return found


def parse_adapters(text: str) -> tuple[Adapter, ...]:
    """Parse `NAME=SOURCE,NAME=SOURCE`; raise BadAdapters, and what parse_pod_source raises."""
    found = tuple(_parse_adapter(part) for part in split_names(text))
    if not found or len(found) > _MOST_ADAPTERS:
        raise BadAdapters(f"it has {len(found)} adapters, and 1 to {_MOST_ADAPTERS} are read")
    if len({adapter.variable for adapter in found}) < len(found):
        raise BadAdapters("two of its names are the same in letters and digits")
    return found


def _parse_adapter(text: str) -> Adapter:
    name, _, place = text.partition("=")
    if not is_adapter_name(name):
        raise BadAdapters(f"{quoted(name)} is not a valid name (letters, digits and - _ .)")
    source = parse_pod_source(place)
    if isinstance(source, ClaimSource):
        raise BadAdapters(f"the adapter {quoted(name)} is on a claim, and adapters are pulled")
    return Adapter(name, source)


def parse_amounts(text: str) -> Amounts:
    """Parse `cpu=2,memory=512Mi`; raise BadResources. Of storage 0 means that none is requested."""
    amounts: dict[str, str] = {}
    for part in split_names(text):
        name, _, amount = (word.strip() for word in part.partition("="))
        if name not in LENT:
            raise BadResources(f"{quoted(name)} is none of {', '.join(LENT)}")
        if name in amounts:
            raise BadResources(f"it states {name} twice")
        if not ((quantity(amount) or 0) > 0 or (name == STORAGE and quantity(amount) == 0)):
            raise BadResources(f"{quoted(amount)} is not an amount of {name}")
        amounts[name] = amount
    if not amounts:
        raise BadResources("it states no amount")
    return tuple(sorted(amounts.items()))


def parse_audience(text: str) -> str:
    """Parse the audience of a token; raise BadTokenAudience."""
    if not text or len(text) > _LONGEST_AUDIENCE or not text.isprintable() or " " in text:
        raise BadTokenAudience("it is no audience")
    return text


def parse_true(text: str) -> bool:
    """Parse the demand for a signature; raise BadSignatureDemand for anything but `true`: nothing asks for less."""
    if text != "true":
        raise BadSignatureDemand("it must be true, or be left out")
    return True


def parse_overlap(text: str) -> Overlap:
    """Parse when a model is pulled beside the engine's image; raise BadOverlap."""
    if text not in get_args(Overlap):
        raise BadOverlap(f"it must be {', '.join(get_args(Overlap)[:-1])} or {get_args(Overlap)[-1]}")
    return cast("Overlap", text)
