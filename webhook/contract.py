"""THE public contract: every label and annotation, with its meaning, default and parser.

README's table is tested against `KEYS`. No other module writes these keys out, except for the hints in
`refusals`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, Literal, TypeVar

from registry.errors import BadDigest, BadReference
from registry.source import Source, parse_source

from .names import is_label_value, is_subdomain, split_names
from .pod.mounts import parse_mount_path
from .pod.podspec import Raw, annotations, labels
from .pod.tolerations import Mode, parse_mode
from .pod.volumes import Volume
from .refusals import BadAnnotation, BadContainers, BadModelName, BadPullSecrets, BadSource

DOMAIN = "weighbridge.dev/"
DISABLED = "disabled"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Key(Generic[T]):
    """One key of the contract. `default` is for people; `parse` reads a value or raises a Refusal."""

    name: str
    kind: Literal["label", "annotation"]
    values: str
    default: str
    meaning: str
    parse: Callable[[str], T]

    def read(self, pod: Raw) -> T | None:
        """Return the key's value on a pod; None when it is absent. Raises the parser's Refusal, or BadAnnotation."""
        held = labels(pod) if self.kind == "label" else annotations(pod)
        value = held.get(self.name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadAnnotation(f"the {self.kind} {self.name} is {value!r}, which is no text")
        return self.parse(value)


def parse_model(text: str) -> str:
    """Parse a model's name; raise BadModelName."""
    if not is_label_value(text):
        raise BadModelName(f"{text!r} is no model name")
    return text


def _parse_source(text: str) -> Source:
    try:
        return parse_source(text.strip())
    except (BadReference, BadDigest) as error:
        raise BadSource(f"the source {error}", hint=error.hint) from error


def _parse_containers(text: str) -> tuple[str, ...]:
    found = split_names(text)
    if not found:
        raise BadContainers("the list of containers is empty")
    return found


def _parse_secrets(text: str) -> tuple[str, ...]:
    found = split_names(text)
    for name in found:
        if not is_subdomain(name):
            raise BadPullSecrets(f"{name!r} is no name of a secret")
    return found


MODEL = Key(
    name=DOMAIN + "model",
    kind="label",
    values="a model's name",
    default="none: without it nothing happens",
    meaning="gives the pod this model; on a workload, gives it to the workload's pods",
    parse=parse_model,
)
INJECTION = Key(
    name=DOMAIN + "injection",
    kind="label",
    values="on a namespace `enabled`, on a pod `disabled`",
    default="namespaces are not opted in, labelled pods in opted-in ones are not opted out",
    meaning="opts a namespace in, or one of its pods out",
    parse=str,
)
SOURCE = Key(
    name=DOMAIN + "source",
    kind="annotation",
    values="`oci://REGISTRY/REPOSITORY[:TAG][@sha256:HEX]` (the scheme may be left out), `layout://DIRECTORY[:TAG]`, "
    "`hf://ORGANISATION/NAME[@REVISION]`",
    default="the catalog's entry for the name, else the operator's default prefix",
    meaning="where the model is, whatever its name",
    parse=_parse_source,
)
MOUNT_PATH = Key(
    name=DOMAIN + "mount-path",
    kind="annotation",
    values="an absolute path",
    default="the catalog entry's `mountPath`, else `/models/NAME`",
    meaning="where containers see the model's files, read-only",
    parse=parse_mount_path,
)
VOLUME = Key(
    name=DOMAIN + "volume",
    kind="annotation",
    values="`emptydir`, `pvc:CLAIM[/SUBPATH]`",
    default="`emptydir`",
    meaning="where the files lie: with the pod, or on a claim that outlives it",
    parse=Volume.parse,
)
CONTAINERS = Key(
    name=DOMAIN + "containers",
    kind="annotation",
    values="container names, with commas between",
    default="the containers that ask for an accelerator, else all but init containers",
    meaning="which containers get the mount and the environment",
    parse=_parse_containers,
)
TOLERATIONS = Key(
    name=DOMAIN + "tolerations",
    kind="annotation",
    values="`auto`, `always`, `never`",
    default="`auto`: when an accelerator is asked for, or the catalog says `gpu: true`",
    meaning="whether the pod tolerates the taints of GPU nodes",
    parse=parse_mode,
)
PULL_SECRETS = Key(
    name=DOMAIN + "pull-secrets",
    kind="annotation",
    values="secret names, with commas between; empty for none",
    default="the pod's `imagePullSecrets`",
    meaning="credentials for the registry, all merged (type kubernetes.io/dockerconfigjson)",
    parse=_parse_secrets,
)
STATUS = Key(
    name=DOMAIN + "status",
    kind="annotation",
    values="JSON",
    default="none: the webhook writes it",
    meaning="what was injected, and why",
    parse=str,
)

KEYS: tuple[Key[Any], ...] = (
    MODEL,
    INJECTION,
    SOURCE,
    MOUNT_PATH,
    VOLUME,
    CONTAINERS,
    TOLERATIONS,
    PULL_SECRETS,
    STATUS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What one pod asks for; None means the webhook's default."""

    model: str
    source: Source | None
    mount_path: str | None
    volume: Volume
    containers: tuple[str, ...] | None
    tolerations: Mode
    pull_secrets: tuple[str, ...] | None

    @classmethod
    def read(cls, pod: Raw) -> "Request":
        """Parse a pod that has the model label; raise the Refusal of the first key that is wrong."""
        model = MODEL.read(pod)
        if model is None:
            raise BadModelName(f"the pod has no label {MODEL.name}")
        return cls(
            model=model,
            source=SOURCE.read(pod),
            mount_path=MOUNT_PATH.read(pod),
            volume=VOLUME.read(pod) or Volume(),
            containers=CONTAINERS.read(pod),
            tolerations=TOLERATIONS.read(pod) or "auto",
            pull_secrets=PULL_SECRETS.read(pod),
        )


def warnings(*objects: Raw) -> tuple[str, ...]:
    """Return warnings about keys in our domain that have no effect, on a pod or its workload, with corrections."""
    return tuple(dict.fromkeys(warning for obj in objects for warning in _warnings(obj)))


def _warnings(obj: Raw) -> Iterator[str]:
    yield from _stray_keys("label", labels(obj))
    yield from _stray_keys("annotation", annotations(obj))
    yield from _odd_injection(labels(obj).get(INJECTION.name))


def _stray_keys(kind: str, held: Raw) -> Iterator[str]:
    kinds = {key.name: key.kind for key in KEYS}
    for name in sorted(str(name) for name in held if str(name).startswith(DOMAIN)):
        if name not in kinds:
            near = get_close_matches(name, kinds, n=1)
            meant = f": did you mean {near[0]}?" if near else ""
            yield f"unknown {kind} {name} does nothing{meant}"
        elif kinds[name] != kind:
            yield f"{name} does nothing as {kind}: write it as {kinds[name]}"


def _odd_injection(value: object) -> Iterator[str]:
    if value not in (None, "enabled", DISABLED):
        yield f"the label {INJECTION.name}: {value} does nothing: only {DISABLED!r} opts a pod out"
