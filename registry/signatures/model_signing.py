"""An OpenSSF model signature (`model.sig`), held to the files that a manifest promises. Pure.

The digest of a layer that is a file as it is, is that of the file: so such a signature is judged before any weight is
fetched. Files within archives have no digest yet, and are not covered.

github.com/sigstore/model-transparency, docs/model_signing_format.md
Tests: tests/registry/signatures/test_check.py
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import BadSignature

FILE = "model.sig"
PREDICATE = "https://model_signing/signature/v1.0"

_GIT = (".git", ".gitattributes", ".gitignore", ".github")
"""What model_signing leaves out of itself (`ignore_git_paths`)."""


def check_files(statement: Mapping[str, Any], parts: Sequence[tuple[str, str]]) -> None:
    """Raise BadSignature unless a verified statement lists just the files, by path and sha256 in hexadecimal.

    `parts` are all that the artifact holds; one without a sha256 is no file as it is, such as an archive, and is never
    covered, whatever its name. The signature's own file may be there besides, and files that the statement says it
    ignores, but never weights: an ignored path counts for files of git alone.
    """
    if statement.get("predicateType") != PREDICATE:
        raise BadSignature("a statement that is no model signature of version 1.0")
    signed = _resources(statement)
    extra = sorted(path for path, digest in parts if not digest or (path not in signed and not _is_ignored(path)))
    if extra:
        raise BadSignature(f"a model signature that does not cover {extra[0]!r}")
    files = dict(parts)
    if len(files) < len(set(parts)):
        raise BadSignature("a model signature of a file that is there twice, with other bytes")
    for path, digest in signed.items():
        if path not in files:
            raise BadSignature(f"a model signature of {path!r}, which the artifact does not hold as a file of its own")
        if files[path] != digest:
            raise BadSignature(f"a model signature of other bytes of {path!r}")


def _is_ignored(path: str) -> bool:
    return path == FILE or path.partition("/")[0] in _GIT


def _resources(statement: Mapping[str, Any]) -> dict[str, str]:
    """Return the signed files; the root digest binds them to the subject."""
    try:
        predicate = statement["predicate"]
        method, entries = predicate["serialization"]["method"], predicate["resources"]
        digests = [(str(one["name"]), str(one["digest"]), str(one["algorithm"])) for one in entries]
        (subject,) = statement["subject"]
        root = str(subject["digest"]["sha256"])
        joined = b"".join(bytes.fromhex(digest) for _, digest, _ in digests)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadSignature("a model signature that cannot be read") from None
    if method != "files" or any(algorithm != "sha256" for _, _, algorithm in digests):
        raise BadSignature("a model signature by shards or by another hash than sha256, which no manifest can prove")
    if hashlib.sha256(joined).hexdigest() != root:
        raise BadSignature("a model signature whose files are not what was signed")
    found = {name: digest for name, digest, _ in digests}
    if len(found) != len(digests):
        raise BadSignature("a model signature that lists a file twice")
    return found
