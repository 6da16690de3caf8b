"""What the operator's policy for signatures means for a pod at its admission.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable, Iterator

from registry.signatures.errors import BadSignature, SignatureMissing, UnknownSigner
from registry.signatures.policy import rule_for
from registry.source import Source
from webhook.quotes import quoted
from webhook.refusals import UncheckedSignature
from webhook.request import Request
from webhook.resolving.answer import Answer, Facts
from webhook.settings import Settings

from .feasibility import has_puller

_FAILURES: dict[str, tuple[type[BadSignature], str]] = {
    SignatureMissing.code: (SignatureMissing, "has no signature"),
    UnknownSigner.code: (UnknownSigner, "has no signature by a key that the operator's policy names"),
}


def check_checkable(request: Request, source: Source, settings: Settings) -> None:
    """Raise the Fault of a demand that nobody could meet, or UncheckedSignature where no puller could see to it."""
    for one in (source, *(adapter.source for adapter in request.adapters)):
        rule = rule_for(settings.signatures, one, is_required=request.require_signature)
        if rule.mode == "require" and not has_puller(one, request.volume):
            raise UncheckedSignature(f"{quoted(one)} must be signed, and the kubelet mounts it as it is")


def check_signed(answers: Iterable[tuple[Source, Answer]], request: Request, settings: Settings) -> tuple[str, ...]:
    """Return in words what lacks a signature that the policy only looks for.

    Raises SignatureMissing or UnknownSigner for what lacks one that is required: the puller would, later.
    """
    return tuple(_unsigned(answers, request, settings))


def _unsigned(answers: Iterable[tuple[Source, Answer]], request: Request, settings: Settings) -> Iterator[str]:
    for source, answer in answers:
        if not isinstance(answer, Facts) or not answer.is_unsigned:
            continue
        failure, words = _FAILURES[answer.signature]
        if rule_for(settings.signatures, source, is_required=request.require_signature).mode == "require":
            raise failure(f"{quoted(source)} at {answer.digest} {words}")
        yield f"{quoted(source)} {words}"
