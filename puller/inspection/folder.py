"""Hold a folder to the digests of an artifact, without writing anything.

1. The artifact is the one that a receipt beside the folder names, or another that the user names.
2. Its manifest is the one saved beside the folder, which a digest proves, else the source's.
3. Every file that has a digest of its own is hashed, whatever its receipt says: in images that our packer wrote too.
4. Who signed the artifact is judged where the settings ask for it, as for a pull.
5. What else came out of an archive or behind a codec has only the digest of the packed bytes, which are not kept: it
   cannot be proved, and is named as such.

Tests: tests/puller/test_verify.py
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from puller.artifact.model_artifact import ModelArtifact, load_artifact
from puller.errors import BadDestination
from puller.plan import Blob, ModelPlan
from puller.reuse.verify import Verifier
from puller.settings import Settings
from puller.signatures import prove_signers
from puller.store.receipt import DERIVED, Receipt
from puller.store.saved_manifest import KeptRepository
from puller.store.standing import receipt_of, receipts, unknown_files
from puller.store.trust import Trust, file_status, status_of
from puller.store.work_dir import rooms_of
from registry.access.access import Access
from registry.errors import Fault
from registry.open import open_repository
from registry.printable import printable
from registry.progress.reporter import Reporter
from registry.progress.stats import human
from registry.source import Source, parse_source

from .archived import files_of_image


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that is not proved: `problem` is wrong, missing, unknown or unproved."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """A folder, the pinned source that it was held to, and what is wrong. `size` counts the bytes of right files.

    `signers` are those whom the policy names, and who signed the artifact.
    """

    folder: str
    pinned: str
    files: int
    size: int
    findings: tuple[Finding, ...]
    signers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "folder": self.folder,
            "source": self.pinned,
            "right": self.files,
            "bytes": self.size,
            "signers": list(self.signers),
            "findings": [{"path": one.path, "problem": one.problem} for one in self.findings],
        }

    def to_text(self) -> str:
        """Return lines for people."""
        lines = [self.pinned, *(f"signed by: {printable(signer)}" for signer in self.signers)]
        lines += [f"{one.problem:<8}  {printable(one.path, 1000)}" for one in self.findings]
        ended = f", {len(self.findings)} not" if self.findings else ""
        return "\n".join([*lines, f"{self.files} files, {human(self.size)}, are the artifact's{ended}"])


def receipt_at(folder: Path) -> Receipt | None:
    """Return the receipt beside a folder, that of a copied or restored one included. Raises BadDestination."""
    if not folder.is_dir():
        raise BadDestination(f"{folder}: is no folder", hint="name the folder that a pull published")
    trust = Trust.of_process(trusts_group=False)
    return receipt_of(folder, trust, is_strict=False) or next((one for one, _ in receipts(folder, trust)), None)


def published(folder: Path) -> Receipt:
    """Return the receipt of a folder that a pull published. Raises BadDestination."""
    found = receipt_at(folder)
    if found is None:
        raise BadDestination(
            f"{folder}: no pull of this user left a receipt beside it", hint="name the artifact with --source"
        )
    return found


def verify_folder(settings: Settings, receipt: Receipt | None, access: Access, reporter: Reporter) -> Verification:
    """Hold the folder of the settings to their artifact; with its receipt, to what was selected of it then.

    Raises Fault, a BadSignature where the settings' policy requires a signature that there is not.
    """
    folder, source = Path(settings.destination), parse_source(settings.source)
    artifact = prove_signers(_artifact(folder, source, access), settings, reporter)
    if receipt is not None and receipt.digest != str(artifact.digest):
        receipt = None
    settings = _selected(settings, receipt)
    plan = ModelPlan.of(artifact.form.parts, settings)
    wanted = {file.path: blob for blob in plan.blobs if blob.packed is None for file in blob.files}
    archived = files_of_image(plan.archives, settings) if artifact.form.is_image else None
    wanted |= archived or {}
    names = frozenset(part.path for part in plan.parts if part.path)
    if receipt is not None:
        names = receipt.names
        for derived in (file.path for file in receipt.files if file.proof == DERIVED):
            wanted.pop(derived, None)
    problems = dict.fromkeys(names - wanted.keys(), "unproved")
    problems |= {path: "missing" for path in names | wanted.keys() if status_of(folder / path) is None}
    beside = "unproved" if receipt is None and plan.archives and archived is None else "unknown"
    problems |= dict.fromkeys(unknown_files(folder, frozenset(names | wanted.keys())), beside)
    present = {path: blob for path, blob in wanted.items() if path not in problems}
    problems |= dict.fromkeys(_wrong(folder, present, reporter), "wrong")
    right = {path: blob.size for path, blob in present.items() if path not in problems}
    findings = tuple(Finding(path, problem) for path, problem in sorted(problems.items()))
    return Verification(
        folder=str(folder),
        pinned=artifact.pinned,
        files=len(right),
        size=sum(right.values()),
        findings=findings,
        signers=artifact.signers,
    )


def _artifact(folder: Path, source: Source, access: Access) -> ModelArtifact:
    """Return the artifact by its saved manifest, where the source is pinned and one is saved, else by the source.

    All that is not saved comes from the source's own repository.
    """
    own = open_repository(source, access)
    for repository in (*_saved(folder, source), own):
        try:
            artifact = load_artifact(repository, repository.resolve(), access)
            return replace(artifact, repositories={**artifact.repositories, "": own})
        except Fault as error:
            fault = error
    raise fault


def _saved(folder: Path, source: Source) -> Iterator[KeptRepository]:
    if source.digest is not None:
        for room in rooms_of(folder, Trust.of_process(trusts_group=False)):
            yield KeptRepository(room, source, source.digest)


def _selected(settings: Settings, receipt: Receipt | None) -> Settings:
    """Return settings that select what a receipt's pull selected; everything where there is none."""
    selection: Sequence[str] = receipt.selection if receipt is not None else ()

    def stated(mark: str) -> tuple[str, ...]:
        return tuple(one.removeprefix(f"{mark}=") for one in selection if one.startswith(f"{mark}="))

    return replace(
        settings,
        include=stated("include"),
        exclude=stated("exclude"),
        image_path="".join(stated("image-path")),
    )


def _wrong(folder: Path, present: Mapping[str, Blob], reporter: Reporter) -> list[str]:
    """Return the paths whose bytes are others, or that are no regular files."""
    verifier = Verifier(reporter, folder.name)

    def is_wrong(item: tuple[str, Blob]) -> bool:
        path, blob = item
        return file_status(folder, path) is None or not verifier.is_right(blob, folder / path)

    items = list(present.items())
    results = verifier.each(is_wrong, items, sum(blob.size for blob in present.values()))
    return [path for (path, _), wrong in zip(items, results, strict=True) if wrong]
