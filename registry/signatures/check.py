"""The story of one artifact: whether it is signed by somebody whom the rule names.

1. Read what is attached to its digest: cosign's signatures under their tag, and bundles among the referrers.
2. Then a model signature (`model.sig`) among its own files.
3. The first that is good and of this very digest, or of these very files, counts; the others need not be good.
4. Without one, the failure that came nearest to a good signature is raised.

Nothing but manifests and signatures is read here: no byte of a weight.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from registry.digest import Digest
from registry.documents.referrers import BUNDLE_PREFIX
from registry.errors import BadManifest, Fault, Mismatch, NotFound
from registry.manifest import Descriptor, Manifest

from . import cosign, model_signing
from .envelope import Envelope, statement_of
from .errors import BadSignature, BadSignaturePolicy, ExpiredCertificate, SignatureMissing, UnknownSigner, WrongIdentity
from .keys import PublicKey, signer_among
from .rule import Rule

_PAYLOAD_LIMIT = 64 << 10
_BUNDLE_LIMIT = 8 << 20
_MOST_SIGNATURES = 64
_MOST_REASONS = 3


class Attachments(Protocol):
    """What signatures are read from: a repository, or a part of one."""

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterable[Manifest]:
        """Return what is attached to a digest; see Repository.attached."""
        ...

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small blob whole and verified."""
        ...


class Signer(NamedTuple):
    """Who signed an artifact. `is_of_files`: what is signed are the sha256 of its files, and not its manifest."""

    name: str
    is_of_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature may be of: an artifact by its digest, or its files.

    `files` are all of its parts, each a path and the sha256 in hexadecimal, which is empty where the part is no file as
    it is. `signature_file` is the layer of `model.sig`, if there is one. `name` is for messages.
    """

    name: str
    digest: Digest
    files: Sequence[tuple[str, str]] = ()
    signature_file: Descriptor | None = None


def check_signatures(repository: Attachments, signed: Signed, rule: Rule) -> Signer:
    """Return who signed an artifact, by a rule; raise the BadSignature that says why nobody did.

    Raises BadSignaturePolicy for a key that is none, and the network's errors where nothing that could be read is good.
    """
    keys = tuple(map(PublicKey.parse, rule.keys))
    failures, faults = list[BadSignature](), list[Fault]()
    for attempt in _attempts(repository, signed, rule, keys, faults):
        try:
            return attempt()
        except BadSignature as error:
            failures.append(error)
        except (BadManifest, Mismatch, NotFound) as error:
            failures.append(BadSignature(f"a signature that cannot be read: {error}"))
        except Fault as error:
            if error.temporary or isinstance(error, BadSignaturePolicy):
                raise
            faults.append(error)  # whoever may attach one must not hide what others attached
        except Exception as error:  # noqa: BLE001 - whoever may attach one chose what libraries parse here
            failures.append(BadSignature(f"a signature that cannot be read ({type(error).__name__})"))
        if len(failures) >= _MOST_SIGNATURES:
            break
    if faults:  # what cannot be read is no proof of absence
        raise faults[0]
    raise _nearest(failures, signed)


def _attempts(
    repository: Attachments, signed: Signed, rule: Rule, keys: tuple[PublicKey, ...], faults: list[Fault]
) -> Iterator[Callable[[], Signer]]:
    """Yield a check for each signature that is found; note the fault that kept others from being found."""
    # 1
    try:
        for manifest in repository.attached(signed.digest, (cosign.tag_for(signed.digest),)):
            for layer in manifest.layers:
                if layer.media_type.startswith(BUNDLE_PREFIX):
                    yield partial(_by_bundle, repository, layer, signed, rule, keys)
                elif layer.media_type == cosign.PAYLOAD_TYPE:
                    yield partial(_by_payload, repository, layer, signed, rule, keys)
    except Fault as error:
        faults.append(error)
    # 2
    if signed.signature_file is not None:
        yield partial(_by_bundle, repository, signed.signature_file, signed, rule, keys)


def _by_payload(
    repository: Attachments, layer: Descriptor, signed: Signed, rule: Rule, keys: tuple[PublicKey, ...]
) -> Signer:
    signature = cosign.signature_of(layer)
    payload = repository.read(layer, _PAYLOAD_LIMIT)
    signer = signer_among(keys, payload, signature)
    if signer is not None:
        who = signer.name
    elif layer.annotations.get(cosign.CERTIFICATE) and rule.signatories:
        from .classic import classic_signer  # noqa: PLC0415 - it is heavy, and keys need it not

        who = classic_signer(layer, payload, signature, rule)
    else:
        raise UnknownSigner("a signature of cosign by another key")
    cosign.check_payload(payload, signed.digest)
    return Signer(f"{who} (cosign)")


def _by_bundle(
    repository: Attachments, layer: Descriptor, signed: Signed, rule: Rule, keys: tuple[PublicKey, ...]
) -> Signer:
    content = repository.read(layer, _BUNDLE_LIMIT)
    envelope = Envelope.parse(content)
    signer = next((key for one in envelope.signatures if (key := signer_among(keys, envelope.signed, one))), None)
    if signer is not None:
        payload, who = envelope.payload, signer.name
    elif envelope.has_certificate and rule.signatories:
        from .certificates import signed_payload  # noqa: PLC0415 - it is heavy, and keys need it not

        payload, who = signed_payload(content, rule)
    else:
        raise UnknownSigner(f"a bundle by {'a certificate' if envelope.has_certificate else 'another key'}")
    statement = statement_of(payload)
    if statement.get("predicateType") == model_signing.PREDICATE:
        model_signing.check_files(statement, signed.files)
        return Signer(f"{who} (OpenSSF model signing)", is_of_files=True)
    cosign.check_statement(statement, signed.digest)
    return Signer(f"{who} (cosign bundle)")


def _nearest(failures: list[BadSignature], signed: Signed) -> BadSignature:
    """Return the error to raise: that of the failure which came nearest to a good signature."""
    if not failures:
        tag = cosign.tag_for(signed.digest)
        return SignatureMissing(
            f"{signed.name}: {signed.digest} has no signature: neither under the tag {tag}, nor among its referrers, "
            f"nor as its file {model_signing.FILE}"
        )
    first = min(map(_rank, failures))
    nearest = [error for error in failures if _rank(error) == first]
    reasons = "; ".join(dict.fromkeys(map(str, nearest[:_MOST_REASONS])))
    rest = f" (of more than {_MOST_SIGNATURES} none is tried)" if len(failures) >= _MOST_SIGNATURES else ""
    return type(nearest[0])(f"{signed.name}: {signed.digest} has {reasons}{rest}")


def _rank(error: BadSignature) -> int:
    """Return how near a failure came to a good signature: that of a known signer, of a stranger, of another key."""
    order = (ExpiredCertificate, WrongIdentity, UnknownSigner)
    return 1 + order.index(type(error)) if type(error) in order else 0
