"""The reasons for refusing a pod, each with its stable code and its hint.

    Refusal
    ├── BadModelName       model.invalid             a name that can be no directory and no repository
    ├── UnknownModel       model.unknown             a name that resolves to nothing
    ├── BrokenEntry        catalog.invalid           a catalog entry that cannot be read
    ├── BadAnnotation      annotation.invalid        a value that is no text, or too long
    ├── BadSource          source.invalid            a source that is no reference
    ├── SourceNotFound     source.not-found          a source that its registry says does not exist
    ├── BadMountPath       mount-path.invalid        a path that cannot be mounted
    ├── MountPathTaken     mount-path.taken          a path that collides with a mount of the pod
    ├── BadVolume          volume.invalid            a kind of volume that does not exist, or is not allowed
    ├── BadClaim           claim.invalid             a claim or a path in it that cannot exist
    ├── NoImageVolume      volume.no-image           an image volume of what no runtime mounts
    ├── BadContainers      containers.invalid        a list that names nothing
    ├── UnknownContainers  containers.unknown        names that the pod does not have
    ├── EarlyContainers    containers.too-early      containers that start before the puller can
    ├── BadTolerations     tolerations.invalid       a word that is none of the three
    ├── BadPullSecrets     pull-secrets.invalid      a name that no secret can have
    ├── BadGlobs           globs.invalid             globs that can match nothing
    ├── UnknownLayout      layout.unknown            a layout that does not exist, or that nothing can write
    ├── BadEngine          engine.invalid            an engine that is not known
    ├── BadEngineArgs      engine-args.invalid       arguments that a shell could not split, or with nowhere to go
    ├── BadAdapters        adapters.invalid          adapters that are not NAME=SOURCE
    ├── BadOverlap         overlap.invalid           a word that is none of the three
    ├── BadSignatureDemand require-signature.invalid a demand for a signature that is no `true`
    ├── UncheckedSignature signature.unchecked       a model that must be signed, and that no puller of ours checks
    ├── BadTokenAudience   token-audience.invalid    a text that no token can be meant for, or no registry for it
    ├── BadResources       puller-resources.invalid  amounts that Kubernetes does not know, or the pod does not allow
    ├── NameTaken          name.taken                a container or volume of ours that is not ours
    ├── StaleInjection     injection.stale           a record of another model than the pod asks for
    └── WrongSystem        os.unsupported            a pod that does not run Linux

A source with a scheme that is not read keeps the registry's own `source.unsupported`. Messages name the key and the
value; the hint says what is allowed. `webhook/quotes.py` cuts what users wrote.
"""

from registry.errors import Fault


class Refusal(Fault):
    """A pod that asks for what cannot be given."""


class BadModelName(Refusal):
    """A model name that can be no directory and no repository."""

    code = "model.invalid"
    hint = "use 1 to 63 letters, digits and - _ . ; a registry's path goes into the annotation weighbridge.dev/source"


class UnknownModel(Refusal):
    """A model name that resolves to nothing."""

    code = "model.unknown"
    hint = (
        "ask your platform team to add it to the ConfigMap weighbridge-system/weighbridge-catalog (the webhook knows a "
        "new entry within a minute), or set the annotation weighbridge.dev/source"
    )


class BrokenEntry(Refusal):
    """A catalog entry that cannot be read."""

    code = "catalog.invalid"
    hint = (
        "ask your platform team to mend it in the ConfigMap weighbridge-system/weighbridge-catalog, "
        "or set the annotation weighbridge.dev/source"
    )


class BadAnnotation(Refusal):
    """A label or annotation whose value is no text, or longer than any such value needs to be."""

    code = "annotation.invalid"
    hint = "write it as text, in quotes"


class BadSource(Refusal):
    """A source that is no reference."""

    code = "source.invalid"
    hint = "write oci://REGISTRY/REPOSITORY:TAG, hf://ORGANISATION/NAME or pvc://CLAIM/PATH"


class SourceNotFound(Refusal):
    """A source that its registry says does not exist."""

    code = "source.not-found"
    hint = "check the repository and the tag; if it needs credentials, name them with weighbridge.dev/pull-secrets"


class BadMountPath(Refusal):
    """A mount path that cannot be mounted."""

    code = "mount-path.invalid"
    hint = "write an absolute path such as /models/phi-4, without `..`, `//`, `:` or a slash at its end"


class MountPathTaken(Refusal):
    """A mount path that collides with a mount that the pod has."""

    code = "mount-path.taken"
    hint = "choose another path with the annotation weighbridge.dev/mount-path"


class BadVolume(Refusal):
    """A kind of volume that does not exist, or that the operator does not allow."""

    code = "volume.invalid"
    hint = "write emptydir, memory, ephemeral[:STORAGECLASS], pvc:CLAIM[/SUBPATH], hostpath:PATH or image"


class BadClaim(Refusal):
    """A claim, or a path in it, that cannot exist."""

    code = "claim.invalid"
    hint = (
        "a claim has lower-case letters, digits, - and . ; the path in it is relative, "
        "and none of its folders begins with a dot"
    )


class NoImageVolume(Refusal):
    """A volume `image` of a model that no container runtime can mount."""

    code = "volume.no-image"
    hint = "push the model with `weighbridge push --as image`, or take a volume that a puller fills, such as emptydir"


class BadContainers(Refusal):
    """A list of containers that names nothing."""

    code = "containers.invalid"
    hint = "write names of the pod's containers with commas between them, NAME=/path for a path of its own"


class UnknownContainers(Refusal):
    """Container names that the pod does not have."""

    code = "containers.unknown"
    hint = "name containers that the pod has"


class EarlyContainers(Refusal):
    """Containers that start before the puller can."""

    code = "containers.too-early"
    hint = "name containers that start after the service mesh's proxy and after what serves the claim"


class BadTolerations(Refusal):
    """A tolerations word that is none of the three."""

    code = "tolerations.invalid"
    hint = "it must be auto, always or never"


class BadPullSecrets(Refusal):
    """A name that no secret can have."""

    code = "pull-secrets.invalid"
    hint = "write names of Secrets in the pod's namespace (lower-case letters, digits, - and .), with commas between"


class BadGlobs(Refusal):
    """Globs that can match no file of a model."""

    code = "globs.invalid"
    hint = "write globs such as *.safetensors,tokenizer* with commas between, relative to the model's folder"


class UnknownLayout(Refusal):
    """A layout that does not exist, or that cannot be written for this model."""

    code = "layout.unknown"
    hint = "it must be files or huggingface"


class BadEngine(Refusal):
    """An engine that is not known."""

    code = "engine.invalid"
    hint = "it must be auto, vllm, sglang, tgi, tei, llamacpp, triton, nim, ollama or none"


class BadEngineArgs(Refusal):
    """Arguments that cannot be split as a shell splits them, or that have nowhere to go."""

    code = "engine-args.invalid"
    hint = "write them as in a shell, such as --max-model-len 8192, with quotes around blanks"


class BadAdapters(Refusal):
    """Adapters that are not NAME=SOURCE, or that cannot be pulled beside this model."""

    code = "adapters.invalid"
    hint = "write NAME=oci://REGISTRY/REPOSITORY:TAG or NAME=hf://ORGANISATION/NAME, with commas between"


class BadResources(Refusal):
    """Amounts for the puller that Kubernetes does not know, or that the pod does not allow."""

    code = "puller-resources.invalid"
    hint = "write cpu=2,memory=512Mi,ephemeral-storage=20Gi, or some of them"


class BadOverlap(Refusal):
    """A word that says nothing of whether a model is pulled beside the engine's image."""

    code = "overlap.invalid"
    hint = "write auto, always or never"


class BadSignatureDemand(Refusal):
    """A demand for a signature that is no `true`: a pod may ask for more than the operator, and for nothing less."""

    code = "require-signature.invalid"
    hint = "write true, or leave it out"


class UncheckedSignature(Refusal):
    """A model that must be signed, where the kubelet mounts it and no puller checks it."""

    code = "signature.unchecked"
    hint = (
        "take another weighbridge.dev/volume and a source that is pulled, or ask your platform team for another policy"
    )


class BadTokenAudience(Refusal):
    """An audience that no token can have, or a pod whose source is no registry that could get a token."""

    code = "token-audience.invalid"
    hint = "write the audience that the registry's operator names, up to 1024 printable letters without blanks"


class NameTaken(Refusal):
    """A container or volume with a name of ours that we did not put there."""

    code = "name.taken"
    hint = "rename it: in pods with the label weighbridge.dev/model the prefix weighbridge- is reserved"


class StaleInjection(Refusal):
    """A pod that carries the injection of another model than it asks for."""

    code = "injection.stale"
    hint = (
        "inject the original manifest again, or remove the container weighbridge-puller, the volumes weighbridge-* "
        "with their mounts, and the annotation weighbridge.dev/status"
    )


class WrongSystem(Refusal):
    """A pod that does not run Linux."""

    code = "os.unsupported"
    hint = "remove the label weighbridge.dev/model: the puller runs on Linux alone"
