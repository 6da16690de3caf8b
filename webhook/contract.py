"""THE public contract: every label and annotation, with its meaning, default and parser.

README's table is tested against `KEYS`. No other module writes these keys out, except for hints.
"""

from typing import Any

from .names import DOMAIN, is_label_value
from .pod.mounts import parse_mount_path
from .pod.scheduling.tolerations import parse_mode
from .pod.volumes import Volume
from .refusals import BadModelName
from .values.annotation import (
    parse_adapters,
    parse_amounts,
    parse_audience,
    parse_containers,
    parse_engine,
    parse_engine_args,
    parse_globs,
    parse_layout,
    parse_overlap,
    parse_pod_source,
    parse_secrets,
    parse_true,
)
from .values.key import Key

DISABLED = "disabled"


def parse_model(text: str) -> str:
    """Parse a model's name; raise BadModelName."""
    if not is_label_value(text):
        raise BadModelName("it is not a valid name")
    return text


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
    values="`oci://REGISTRY/REPOSITORY[:TAG][@sha256:HEX]` (the scheme may be left out), "
    "`hf://ORGANISATION/NAME[@REVISION]`, `pvc://CLAIM[/PATH]`",
    default="the catalog's entry for the name, else the operator's default prefix",
    meaning="where the model is, whatever its name; of a claim that holds it already nothing is pulled",
    parse=parse_pod_source,
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
    values="`emptydir`, `memory`, `ephemeral[:STORAGECLASS]`, `pvc:CLAIM[/SUBPATH]`, `hostpath:PATH`, `image`",
    default="`emptydir`",
    meaning="where the files lie: on the node's disk or in its memory, on a claim of the pod's own, on one that "
    "outlives it, in a folder of the node that the operator allows; an `image` is mounted by the kubelet, unpulled",
    parse=Volume.parse,
)
CONTAINERS = Key(
    name=DOMAIN + "containers",
    kind="annotation",
    values="container names, with commas between; `NAME=/path` for a mount path of its own",
    default="the containers that ask for an accelerator or name `$(WEIGHBRIDGE_MODEL_…)`, "
    "else all but init containers and a mesh's proxies",
    meaning="which containers get the mount and the environment",
    parse=parse_containers,
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
    parse=parse_secrets,
)
LAYOUT = Key(
    name=DOMAIN + "layout",
    kind="annotation",
    values="`files`, `huggingface`",
    default="`files`",
    meaning="how the files lie there: as in the artifact, or as a Hugging Face cache in which `ORGANISATION/NAME` (the "
    "name in the artifact's config, or of the `hf://` source) loads offline",
    parse=parse_layout,
)
ENGINE = Key(
    name=DOMAIN + "engine",
    kind="annotation",
    values="`auto`, `vllm`, `sglang`, `tgi`, `tei`, `llamacpp`, `triton`, `nim`, `ollama`, `none`",
    default="`auto`: by each container's image and command",
    meaning="which engine's environment the containers get",
    parse=parse_engine,
)
ENGINE_ARGS = Key(
    name=DOMAIN + "engine-args",
    kind="annotation",
    values="arguments, split as a shell splits them",
    default="none",
    meaning="added after the arguments of the container that serves the model",
    parse=parse_engine_args,
)
ADAPTERS = Key(
    name=DOMAIN + "adapters",
    kind="annotation",
    values="`NAME=SOURCE`, with commas between",
    default="none",
    meaning="LoRA adapters that are pulled beside the model",
    parse=parse_adapters,
)
INCLUDE = Key(
    name=DOMAIN + "include",
    kind="annotation",
    values="globs, with commas between",
    default="all files",
    meaning="which of the model's files are pulled",
    parse=parse_globs,
)
EXCLUDE = Key(
    name=DOMAIN + "exclude",
    kind="annotation",
    values="globs, with commas between",
    default="none",
    meaning="which of them are not",
    parse=parse_globs,
)
PULLER_RESOURCES = Key(
    name=DOMAIN + "puller-resources",
    kind="annotation",
    values="some of `cpu=2,memory=512Mi,ephemeral-storage=20Gi`",
    default="what the container that serves the model requests and may use",
    meaning="what the puller may use instead; storage it requests, and is limited in only where the server is",
    parse=parse_amounts,
)
TOKEN_AUDIENCE = Key(
    name=DOMAIN + "token-audience",
    kind="annotation",
    values="an audience, as the registry is configured to want it",
    default="none",
    meaning="the source's registry gets a token of the pod's ServiceAccount for that audience, as a bearer token",
    parse=parse_audience,
)
REQUIRE_SIGNATURE = Key(
    name=DOMAIN + "require-signature",
    kind="annotation",
    values="`true`",
    default="what the operator's policy asks of the source",
    meaning="the model must be signed by one of those whom the operator's policy names, even where it only warns",
    parse=parse_true,
)
OVERLAP = Key(
    name=DOMAIN + "overlap",
    kind="annotation",
    values="`auto`, `always`, `never`",
    default="what the operator says (`WEIGHBRIDGE_OVERLAP`): `never` as shipped",
    meaning="whether the model is pulled beside the engine's image, by native sidecar, and not before it",
    parse=parse_overlap,
)
STATUS = Key(
    name=DOMAIN + "status",
    kind="annotation",
    values="JSON",
    default="none: the webhook writes it",
    meaning="what was injected, and why",
    parse=str,
)
COPIED = Key(
    name=DOMAIN + "copied",
    kind="annotation",
    values="JSON",
    default="none: the webhook writes it",
    meaning="on a workload: which keys of its pod template are copies, to be taken out with their originals",
    parse=str,
)

KEYS: tuple[Key[Any], ...] = (
    MODEL,
    INJECTION,
    SOURCE,
    MOUNT_PATH,
    VOLUME,
    CONTAINERS,
    LAYOUT,
    ENGINE,
    ENGINE_ARGS,
    ADAPTERS,
    INCLUDE,
    EXCLUDE,
    TOLERATIONS,
    PULL_SECRETS,
    PULLER_RESOURCES,
    TOKEN_AUDIENCE,
    REQUIRE_SIGNATURE,
    OVERLAP,
    STATUS,
    COPIED,
)
