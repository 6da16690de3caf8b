"""What registries say of a pod's sources at its admission, and what of that speaks against the pod.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from registry.digest import Digest
from registry.signatures.errors import BadSignature, SignatureMissing, UnknownSigner
from registry.signatures.policy import rule_for
from registry.source import OciSource, Source
from webhook.pod.podspec import Raw
from webhook.pod.service_account import has_passed_admission, own_secrets
from webhook.quotes import quoted
from webhook.refusals import SourceNotFound, UncheckedSignature
from webhook.request import Request
from webhook.resolving.answer import Answer, Ask, Code, Facts, Unknown
from webhook.settings import Settings

from .feasibility import check_mountable, has_puller
from .resolve import ORIGINS, Resolution
from .status import Status

_FAILURES: dict[str, tuple[type[BadSignature], str]] = {
    SignatureMissing.code: (SignatureMissing, "has no signature"),
    UnknownSigner.code: (UnknownSigner, "has no signature by a key that the operator's policy names"),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the model, and of each adapter."""

    model: Answer
    adapters: tuple[Answer, ...]
    content_bytes: int | None
    """The bytes of all that is pulled; None where they are not known."""

    unsigned: tuple[str, ...]
    """What lacks a signature that the operator's policy looks for."""

    is_hidden: bool = False
    """Whether the registry shows no model to who has no secrets, and those of the pod's account are not known yet."""

    @property
    def pin(self) -> Digest | None:
        """The digest of the model, or None where it is not known."""
        return self.model.digest if isinstance(self.model, Facts) else None

    @property
    def unknown(self) -> Code | None:
        """Why the model's digest is not known, or None."""
        return self.model.code if isinstance(self.model, Unknown) else None

    def adapter_pins(self, request: Request) -> tuple[Digest | None, ...]:
        """Return the digests that pin adapters; nothing where none does."""
        found = tuple(
            answer.digest if isinstance(answer, Facts) and not adapter.source.digest else None
            for adapter, answer in zip(request.adapters, self.adapters, strict=True)
        )
        return found if any(found) else ()


def ask_registries(  # noqa: PLR0913, PLR0917 - called once, and no argument follows from another
    bare: Raw, found: Resolution, request: Request, settings: Settings, ask: Ask, record: Status | None
) -> Answers:
    """Return what is known of all sources. What an earlier pass found stays: a tag may move between two passes.

    Raises SourceNotFound, NoImageVolume, and the Faults of signatures that are required.
    """
    _check_checkable(request, found.source, settings)
    sources = (found.source, *(adapter.source for adapter in request.adapters))
    told = _recorded(found.source, request, record)
    model, *adapters = answers = _answers(sources, told, ask)
    # With credentials, which the webhook has not, a registry may find what it hides from others. Those of the account
    # are in the pod once the API server made it, and in no workload's template.
    has_credentials = bool(request.pull_secrets or request.token_audience or own_secrets(bare))
    is_hidden = model == Unknown("not-found") and not has_credentials
    if is_hidden and has_passed_admission(bare):
        raise SourceNotFound(f"the registry does not have {quoted(found.source)}, from {ORIGINS[found.origin]}")
    check_mountable(model, request, found.source)
    unsigned = tuple(_unsigned(zip(sources, answers, strict=True), request, settings))
    is_same = record and None not in told and (record.include, record.exclude) == (request.include, request.exclude)
    content_bytes = record.content_bytes if record and is_same else _content_bytes(answers, request)
    return Answers(model, tuple(adapters), content_bytes, unsigned, is_hidden)


def _check_checkable(request: Request, source: Source, settings: Settings) -> None:
    """Raise the Fault of a demand that nobody could meet, or UncheckedSignature where no puller could see to it."""
    for one in (source, *(adapter.source for adapter in request.adapters)):
        rule = rule_for(settings.signatures, one, is_required=request.require_signature)
        if rule.mode == "require" and not has_puller(one, request.volume):
            raise UncheckedSignature(f"{quoted(one)} must be signed, and the kubelet mounts it as it is")


def _unsigned(answers: Iterable[tuple[Source, Answer]], request: Request, settings: Settings) -> Iterator[str]:
    """Yield in words what lacks a signature that the policy only looks for.

    Raises SignatureMissing or UnknownSigner for what lacks one that is required: the puller would, later.
    """
    for source, answer in answers:
        if not isinstance(answer, Facts) or not answer.is_unsigned:
            continue
        failure, words = _FAILURES[answer.signature]
        if rule_for(settings.signatures, source, is_required=request.require_signature).mode == "require":
            raise failure(f"{quoted(source)} at {answer.digest} {words}")
        yield f"{quoted(source)} {words}"


def _recorded(source: Source, request: Request, record: Status | None) -> list[Answer | None]:
    """Return the answers of an earlier pass, for the model and each adapter; None for what it does not tell."""
    model: Answer | None = None
    adapters: list[Answer | None] = [None] * len(request.adapters)
    if record and record.source == source and record.digest:
        model = Facts(record.digest)
    if record and record.adapters == request.adapters:
        digests = [adapter.source.digest for adapter in record.pinned_adapters]
        untold = Unknown("off") if record.adapter_pins else None
        adapters = [Facts(digest) if digest else untold for digest in digests]
    return [model, *adapters]


def _answers(sources: Sequence[Source], told: Sequence[Answer | None], ask: Ask) -> list[Answer]:
    """Return what is told, and for the rest what registries say, all asked side by side."""
    references = [
        one.reference for one, known in zip(sources, told, strict=True) if known is None and isinstance(one, OciSource)
    ]
    asked = iter(ask(references) if references else ())
    return [
        known or (next(asked) if isinstance(one, OciSource) else Unknown("off"))
        for one, known in zip(sources, told, strict=True)
    ]


def _content_bytes(answers: Sequence[Answer], request: Request) -> int | None:
    """Return the bytes of the model's files that are selected, and of all adapters; None where some are not known."""
    model, *adapters = (one if isinstance(one, Facts) else None for one in answers)
    sizes = [
        model.selected_bytes(request.include, request.exclude) if model else None,
        *(one.content_bytes if one else None for one in adapters),
    ]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
