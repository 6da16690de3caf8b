"""What a user is warned of: the pod is injected, and may fail all the same.

InjectionWarning
├── NetworkBlocked     network.blocked        a mesh that lets the puller through under no user that is known
├── VolumeUnserved     volume.unserved        a claim whose server starts after the puller
├── VolumeTooSmall     volume.too-small       a limit of the pod that the model's files exceed
├── NamedTooEarly      containers.early       an init container that names our variables before they are there
├── ImageGate          volume.image-gate      an image volume, which older API servers drop in silence
├── ScarceMemory       puller-resources.low   less memory than the puller needs
├── ClaimDoubt         claim.permissions      a claim that the puller may not be able to write
├── EngineUnwired      engine.unwired         an engine that no variable can tell what the pod asks for
├── VariablesUnseen    engine.unseen          variables from a ConfigMap, which may have names of ours
├── Hidden             source.hidden          a source that only the pull secrets of a ServiceAccount may find
├── Unpinned           source.unpinned        a tag whose digest is not known, and may move between replicas
├── Unsigned           source.unsigned        a model without a signature that the operator's policy looks for
├── ShortDeadline      deadline.short         a Deployment that counts as failed before so large a model is pulled
└── Renewed            injection.renewed      an injection of another time, made anew

Tests: tests/webhook/test_refusals.py
"""

from registry.errors import Fault

_LONGEST = 256
"""The API server may cut longer warnings (admission/v1, Warnings)."""


class InjectionWarning(Fault):
    """A warning: the pod is admitted. Its text is the code, the facts, and what to do."""

    def __str__(self) -> str:
        text = f"[{self.code}] {super().__str__()}; {self.hint}".encode()
        return text.decode() if len(text) <= _LONGEST else text[: _LONGEST - 3].decode(errors="ignore") + "…"


class NetworkBlocked(InjectionWarning):
    """A service mesh redirects all traffic to a proxy that starts later, and the user that passes it is not known."""

    code = "network.blocked"
    hint = "use the mesh's native sidecar, or set runAsUser on its container"


class VolumeUnserved(InjectionWarning):
    """A claim whose server (FUSE) starts with the application, after the puller that needs it."""

    code = "volume.unserved"
    hint = "make it a native sidecar (restartPolicy: Always), or take another weighbridge.dev/volume"


class VolumeTooSmall(InjectionWarning):
    """A limit on the pod's storage or memory that the files of the model exceed, on a volume that counts towards it."""

    code = "volume.too-small"
    hint = (
        "raise the containers' limits (weighbridge.dev/puller-resources and WEIGHBRIDGE_PULLER_RESOURCES lower the "
        "puller's), or take another weighbridge.dev/volume"
    )


class NamedTooEarly(InjectionWarning):
    """An init container that names our variables, and starts before the puller can."""

    code = "containers.early"
    hint = "put it after the service mesh's proxy and after what serves the claim"


class ImageGate(InjectionWarning):
    """An image volume: an API server whose feature gate is off stores an empty folder in its place, unsaid."""

    code = "volume.image-gate"
    hint = "on Kubernetes before 1.35 switch the feature gate ImageVolume on, or take another weighbridge.dev/volume"


class ScarceMemory(InjectionWarning):
    """Less memory for the puller than it needs for all its connections."""

    code = "puller-resources.low"
    hint = "raise the container's memory limit, or set weighbridge.dev/puller-resources"


class ClaimDoubt(InjectionWarning):
    """A claim that the puller may not be able to write."""

    code = "claim.permissions"
    hint = "set spec.securityContext.fsGroup, or make the claim's folder writable for them (mode 0777 or 2775)"


class EngineUnwired(InjectionWarning):
    """An engine that takes by arguments alone what the pod asks for."""

    code = "engine.unwired"
    hint = "name the paths in its arguments, or with weighbridge.dev/engine-args"


class VariablesUnseen(InjectionWarning):
    """A container that takes variables from a ConfigMap or Secret (envFrom), whose names are not seen at admission."""

    code = "engine.unseen"
    hint = "where a name is the same the pod's own `env` wins: write yours there, or set weighbridge.dev/engine to none"


class Hidden(InjectionWarning):
    """A source that its registry does not show: its pods are refused, unless their ServiceAccount has pull secrets."""

    code = "source.hidden"
    hint = "check the repository and the tag: pods are refused unless they or their ServiceAccount have pull secrets"


class Unpinned(InjectionWarning):
    """A tag that was not resolved at admission: replicas may get different digests when it moves."""

    code = "source.unpinned"
    hint = "write the source with @sha256:… to pin it"


class Unsigned(InjectionWarning):
    """A model without a good signature, where the operator's policy looks for one and lets it pass."""

    code = "source.unsigned"
    hint = "sign it, before the policy requires it: `weighbridge push --sign KEY`, or cosign sign"


class ShortDeadline(InjectionWarning):
    """A Deployment whose progressDeadlineSeconds is shorter than the pull of so large a model takes on usual lines."""

    code = "deadline.short"
    hint = "raise spec.progressDeadlineSeconds: the pull goes on, and the rollout counts as failed"


class Renewed(InjectionWarning):
    """A pod that was injected before, with another outcome than now."""

    code = "injection.renewed"
    hint = "it is now as a new pod is; the label weighbridge.dev/injection: disabled keeps it as it was"
