"""Whether a model is signed by those whom the operator names, decided before its first weight is fetched.

A signature is wanted of the artifact and of every parent that its model comes from. A parent is judged by the policy's
rule for its own prefix, else by its child's.

Tests: tests/registry/signatures/test_check.py
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from registry.chunk_index import without_chunks
from registry.digest import Digest
from registry.errors import Fault
from registry.progress.reporter import Reporter
from registry.signatures.errors import BadSignaturePolicy
from registry.source import Source, parse_source

from .artifact.model_artifact import ModelArtifact
from .artifact.part import LayerKind, Part
from .settings import Settings

if TYPE_CHECKING:
    from registry.signatures.check import Signed, Signer
    from registry.signatures.rule import Rule


def prove_signers(artifact: ModelArtifact, settings: Settings, reporter: Reporter) -> ModelArtifact:
    """Return the artifact with its signers; raise a BadSignature where the policy requires one and there is none.

    Where the policy only warns, the failure is reported. Raises BadSignaturePolicy and the network's errors.
    """
    if not settings.signatures and not settings.require_signature:
        return artifact
    found = dict(_signers(artifact, settings, reporter))
    names = tuple(dict.fromkeys(signer.name for signer in found.values()))
    for name in names:
        reporter.message(f"{settings.source}: signed by {name}")
    by_files = {reference for reference, signer in found.items() if signer.is_of_files}
    form = artifact.form._replace(parts=tuple(_held_to_layer(part, by_files) for part in artifact.form.parts))
    return replace(artifact, form=form, signers=names, signature_mark=settings.signature_mark)


def _held_to_layer(part: Part, by_files: Collection[str]) -> Part:
    """Return a part of which every byte must prove the layer's digest, where that is what was signed.

    The digests of its chunks stand in the manifest, which is then signed by nobody.
    """
    return part._replace(layer=without_chunks(part.layer)) if part.reference in by_files else part


def _signers(artifact: ModelArtifact, settings: Settings, reporter: Reporter) -> "Iterator[tuple[str, Signer]]":
    """Yield the references of the artifact and of its parents, each with who signed it."""
    rule: Rule | None = None
    for reference, digest in artifact.digests.items():
        rule = _rule(settings, parse_source(reference or settings.source), rule)
        if not rule.is_on:
            continue
        from registry.signatures.check import check_signatures  # noqa: PLC0415 - few pulls have a policy

        signed = signed_of(artifact, reference, digest, reference or settings.source)
        try:
            yield reference, check_signatures(artifact.repositories[reference], signed, rule)
        except BadSignaturePolicy:
            raise
        except Fault as error:  # that nothing can be read is a failure to prove, too
            if rule.mode == "require":
                raise
            reporter.message(f"warning: {error} [{error.code}]; the policy lets it pass")


def signed_of(artifact: ModelArtifact, reference: str, digest: Digest, name: str) -> "Signed":
    """Return what a signature may be of: the artifact itself, for an empty `reference`, or one of its parents."""
    from registry.signatures.check import Signed  # noqa: PLC0415 - few pulls have a policy

    parts = [part for part in artifact.form.parts if part.reference == reference]
    own = next((part.layer for part in parts if _file(part) and part.path == "model.sig"), None)
    files = tuple((part.name, _file(part)) for part in parts)
    return Signed(name=name, digest=digest, files=files, signature_file=own)


def _rule(settings: Settings, source: Source, child: "Rule | None") -> "Rule":
    from registry.signatures.policy import rule_for  # noqa: PLC0415 - few pulls have a policy

    return rule_for(settings.signatures, source, child, is_required=settings.require_signature)


def _file(part: Part) -> str:
    """Return the sha256 of a part that is a file as it is; empty for one whose file has no digest of its own."""
    is_file = part.shape is LayerKind.FILE and part.layer.digest.algorithm == "sha256"
    return part.layer.digest.hex if is_file else ""
