"""Whether an artifact is signed, as far as admission can tell: an early word, where the puller has the last.

It is judged by keys alone, and only where the puller would come to the same end:

1. certificates need a library that is heavy, and a model signature needs the digests of all files;
2. a mirror may have a signature that the registry lacks;
3. of an index it is not known which of its manifests is pulled, and that one may have a model signature;
4. what is broken, or too large to be read here, may be read by the puller.

Where admission cannot tell, it says nothing. What a registry answers is shown to nobody: there is a code.

Tests: tests/webhook/resolving/test_signed.py
"""

from collections.abc import Collection, Iterator

from registry.access.access import Access
from registry.annotations import FILEPATHS, TITLE
from registry.digest import Digest
from registry.errors import Fault, Refused
from registry.manifest import Descriptor, Index, Manifest
from registry.reference import Reference
from registry.remote.endpoint import RepositoryEndpoint
from registry.signatures.check import Signed, check_signatures
from registry.signatures.errors import SignatureMissing, UnknownSigner
from registry.signatures.model_signing import FILE
from registry.signatures.policy import rule_for
from registry.source import OciSource

from .answer import GOOD

_DOCUMENT_LIMIT = 512 << 10
"""More than 64 signatures of cosign, which are the most that the puller tries; JSON takes many times its size."""

_SIGNATURE_LIMIT = 128 << 10


class _Upstream:
    """What is attached to artifacts at the registry itself, read within an admission's memory."""

    def __init__(self, access: Access, reference: Reference) -> None:
        self._endpoint = RepositoryEndpoint(access, access.upstream(reference), reference, _DOCUMENT_LIMIT)

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        return self._endpoint.attached(digest, tags)

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        if descriptor.size > min(limit, _SIGNATURE_LIMIT):
            raise Refused(f"{descriptor.digest}: more than {_SIGNATURE_LIMIT} bytes are not read at admission")
        return self._endpoint.blob(descriptor)


def is_judged(policy: str, reference: Reference) -> bool:
    """Return whether admission looks at signatures of a reference, by the operator's policy."""
    rule = rule_for(policy, OciSource(reference))
    return rule.is_on and bool(rule.keys) and not rule.signatories


def judge(access: Access, reference: Reference, digest: Digest, document: Manifest | Index, policy: str) -> str:
    """Return `good`, the code of a failure, or nothing where only the puller can tell.

    `access` asks the registry alone. Raises nothing: a registry that fails is no proof of absence.
    """
    signed = Signed(name=str(reference), digest=digest)
    try:
        check_signatures(_Upstream(access, reference), signed, rule_for(policy, OciSource(reference)))
    except (SignatureMissing, UnknownSigner) as failure:
        return "" if _may_be_signed_within(document) else failure.code
    except Fault:
        return ""
    return GOOD


def _may_be_signed_within(document: Manifest | Index) -> bool:
    if isinstance(document, Index):
        return True
    return any(layer.annotations.get(key) == FILE for layer in document.layers for key in (*FILEPATHS, TITLE))
