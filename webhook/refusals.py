"""The reasons for refusing a pod, each with its stable code and its hint.

    Refusal
    ├── BadModelName       model.invalid         a name that can be no directory and no repository
    ├── UnknownModel       model.unknown         a name that resolves to nothing
    ├── BrokenEntry        catalog.invalid       a catalog entry that cannot be read
    ├── BadAnnotation      annotation.invalid    a value that is no text
    ├── BadSource          source.invalid        a source that is no reference
    ├── BadMountPath       mount-path.invalid    a path that cannot be mounted
    ├── MountPathTaken     mount-path.taken      a path that collides with a mount of the pod
    ├── BadVolume          volume.invalid        a kind of volume that does not exist
    ├── BadClaim           claim.invalid         a claim or a path in it that cannot exist
    ├── BadContainers      containers.invalid    a list that names nothing
    ├── UnknownContainers  containers.unknown    names that the pod does not have
    ├── EarlyContainers    containers.too-early  containers that start before the puller can
    ├── BadTolerations     tolerations.invalid   a word that is none of the three
    ├── BadPullSecrets     pull-secrets.invalid  a name that no secret can have
    ├── NameTaken          name.taken            a container or volume of ours that is not ours
    ├── StaleInjection     injection.stale       a record of another model than the pod asks for
    └── WrongSystem        os.unsupported        a pod that does not run Linux

A source with a scheme that is not read keeps the registry's own `source.unsupported`.
"""

from registry.errors import Fault


class Refusal(Fault):
    """A pod that asks for what cannot be given."""


class BadModelName(Refusal):
    """A model name that can be no directory and no repository."""

    code = "model.invalid"
    hint = "name the model with 1 to 63 letters, digits and - _ . that begin and end with a letter or digit"


class UnknownModel(Refusal):
    """A model name that resolves to nothing."""

    code = "model.unknown"
    hint = "add it to the ConfigMap weighbridge-catalog, or write the annotation weighbridge.dev/source"


class BrokenEntry(Refusal):
    """A catalog entry that cannot be read."""

    code = "catalog.invalid"
    hint = "mend the entry in the ConfigMap weighbridge-catalog, or write the annotation weighbridge.dev/source"


class BadAnnotation(Refusal):
    """A label or annotation whose value is no text."""

    code = "annotation.invalid"
    hint = "put the value in quotes: labels and annotations are text"


class BadSource(Refusal):
    """A source that is no reference."""

    code = "source.invalid"
    hint = "write it as oci://REGISTRY/REPOSITORY:TAG"


class BadMountPath(Refusal):
    """A mount path that cannot be mounted."""

    code = "mount-path.invalid"
    hint = "write an absolute path such as /models/phi-4, without `..`, `//`, `:` or a slash at its end"


class MountPathTaken(Refusal):
    """A mount path that collides with a mount that the pod has."""

    code = "mount-path.taken"
    hint = "choose another path with the annotation weighbridge.dev/mount-path"


class BadVolume(Refusal):
    """A kind of volume that does not exist."""

    code = "volume.invalid"
    hint = "write emptydir, or pvc:CLAIM, or pvc:CLAIM/SUBPATH"


class BadClaim(Refusal):
    """A claim, or a path in it, that cannot exist."""

    code = "claim.invalid"
    hint = "a claim is lower-case letters, digits, - and . ; the path in it is relative and has no `..`"


class BadContainers(Refusal):
    """A list of containers that names nothing."""

    code = "containers.invalid"
    hint = "write container names with commas between them, or leave the annotation out"


class UnknownContainers(Refusal):
    """Container names that the pod does not have."""

    code = "containers.unknown"
    hint = "name containers that the pod has"


class EarlyContainers(Refusal):
    """Containers that start before the puller can."""

    code = "containers.too-early"
    hint = "name containers that start after the service mesh's proxy"


class BadTolerations(Refusal):
    """A tolerations word that is none of the three."""

    code = "tolerations.invalid"
    hint = "write auto, always or never"


class BadPullSecrets(Refusal):
    """A name that no secret can have."""

    code = "pull-secrets.invalid"
    hint = "write names of secrets in the pod's namespace, with commas between them"


class NameTaken(Refusal):
    """A container or volume with a name of ours that we did not put there."""

    code = "name.taken"
    hint = "rename it: names that begin with weighbridge- are ours in pods with the label"


class StaleInjection(Refusal):
    """A pod that carries the injection of another model than it asks for."""

    code = "injection.stale"
    hint = "inject the manifest anew as it was before, or take our container, volumes and status annotation out"


class WrongSystem(Refusal):
    """A pod that does not run Linux."""

    code = "os.unsupported"
    hint = "take the label weighbridge.dev/model off: the puller runs on Linux alone"
