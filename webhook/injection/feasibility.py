"""What a request shows that cannot work: it is refused before anybody waits for the pod.

Tests: tests/webhook/test_cases.py
"""

from registry.source import ClaimSource, OciSource, Source
from webhook.contract import ADAPTERS, EXCLUDE, INCLUDE, LAYOUT, SOURCE, TOKEN_AUDIENCE, VOLUME
from webhook.names import is_our_container
from webhook.pod.operating_system import sign_of_windows
from webhook.pod.podspec import Raw, annotations, app_containers, name_of
from webhook.pod.volumes import Volume
from webhook.quotes import quoted
from webhook.refusals import (
    BadAdapters,
    BadGlobs,
    BadTokenAudience,
    BadVolume,
    NameTaken,
    NoImageVolume,
    UnknownLayout,
    WrongSystem,
)
from webhook.request import Request
from webhook.resolving.answer import Answer, Facts
from webhook.settings import Settings


def has_puller(source: Source, volume: Volume) -> bool:
    """Return whether a puller brings the model: the kubelet mounts claims and images by itself."""
    return volume.is_pulled_to and not isinstance(source, ClaimSource)


def check_feasible(bare: Raw, request: Request, source: Source, settings: Settings) -> None:
    """Raise the Refusal of what the pod itself shows cannot work later."""
    _check_pod(bare)
    volume = request.volume
    if isinstance(source, ClaimSource):
        _check_claim(bare, request)
    if volume.kind == "image":
        _check_image(request, source)
    if request.token_audience and not (isinstance(source, OciSource) and has_puller(source, volume)):
        raise BadTokenAudience(
            f"{TOKEN_AUDIENCE.name} is for a source that is pulled from a registry, which {quoted(source)} is not here",
            hint=f"remove {TOKEN_AUDIENCE.name}",
        )
    if volume.kind == "hostpath" and not any(_is_below(volume.name, prefix) for prefix in settings.host_paths):
        allowed = ", ".join(settings.host_paths) or "none"
        raise BadVolume(
            f"{VOLUME.name} is {quoted(volume)}, and the operator allows folders of nodes below: {allowed}",
            hint="take another volume, or ask your platform team (WEIGHBRIDGE_HOST_PATHS)",
        )


def _check_pod(bare: Raw) -> None:
    sign = sign_of_windows(bare)
    if sign:
        raise WrongSystem(f"the pod runs on Windows ({sign})")
    for name in map(name_of, app_containers(bare)):
        if is_our_container(name):
            raise NameTaken(f"the pod already has a container named {name}")


def _check_claim(bare: Raw, request: Request) -> None:
    source = "a model on a claim (pvc://) is mounted as it is"
    if VOLUME.name in annotations(bare):
        raise BadVolume(f"{source}, so {VOLUME.name} has no meaning", hint=f"remove {VOLUME.name}")
    if request.layout != "files":
        raise UnknownLayout(f"{source}, so {LAYOUT.name} cannot be {request.layout}", hint=f"remove {LAYOUT.name}")
    if request.adapters:
        raise BadAdapters(f"{source}, so no puller brings adapters", hint=f"remove {ADAPTERS.name}")
    for key, globs in ((INCLUDE, request.include), (EXCLUDE, request.exclude)):
        if globs:
            raise BadGlobs(f"{source}, so {key.name} has no meaning", hint=f"remove {key.name}")


def _check_image(request: Request, source: Source) -> None:
    if not isinstance(source, OciSource):
        raise NoImageVolume(f"{VOLUME.name} is image, and {SOURCE.name} is {quoted(source)}, which is no image")
    stated = {
        LAYOUT.name: request.layout != "files",
        ADAPTERS.name: request.adapters,
        INCLUDE.name: request.include,
        EXCLUDE.name: request.exclude,
    }
    for name, is_stated in stated.items():
        if is_stated:
            raise NoImageVolume(f"{VOLUME.name} is image, which is mounted as it is, so {name} has no meaning")


def check_mountable(answer: Answer, request: Request, source: Source) -> None:
    """Raise NoImageVolume of what the registry holds where the kubelet should mount it, and cannot."""
    if request.volume.kind == "image" and isinstance(answer, Facts) and answer.is_image is False:
        raise NoImageVolume(f"{VOLUME.name} is image, and the registry says that {quoted(source)} is none")


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix.rstrip('/')}/")
