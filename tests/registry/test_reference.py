"""References and sources: text in, values out, and the way back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.digest import Digest
from registry.errors import BadDigest, BadReference, SourceUnsupported
from registry.reference import Reference, is_loopback
from registry.source import HubSource, LayoutSource, OciSource, parse_source

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("ghcr.io/org/phi-4:v1", "ghcr.io", "org/phi-4", "v1", None),
        ("ghcr.io/org/phi-4", "ghcr.io", "org/phi-4", "latest", None),
        (f"ghcr.io/org/phi-4@{DIGEST}", "ghcr.io", "org/phi-4", None, DIGEST),
        (f"ghcr.io/org/phi-4:v1@{DIGEST}", "ghcr.io", "org/phi-4", "v1", DIGEST),
        ("localhost/m", "localhost", "m", "latest", None),
        ("127.0.0.1:5000/m:v1", "127.0.0.1:5000", "m", "v1", None),
        ("[::1]:5000/a/b__c:x", "[::1]:5000", "a/b__c", "x", None),
    ],
)
def test_a_reference_has_its_parts(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    """Registry, repository, tag and digest come apart as written; no tag and no digest means `latest`."""
    found = Reference.parse(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert (str(found.digest) if found.digest else None) == digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("phi-4", "names no registry"),
        ("phi-4:v1", "names no registry"),
        ("library/phi-4:v1", "names no registry"),
        ("ghcr.io/Org/phi-4", "no repository name"),
        ("ghcr.io//phi-4", "no repository name"),
        ("ghcr.io/phi-4:", "no tag"),
        ("ghcr.io/phi-4:a b", "no tag"),
        ("ghcr.io/phi-4@sha256:12", "not a digest"),
        ("gh cr.io/phi-4", "no registry host"),
        ("ghcr.io:port/phi-4", "no registry host"),
        ("", "names no registry"),
        (f"ghcr.io/{'a' * 256}", "no repository name"),
    ],
)
def test_what_is_no_reference_is_refused_by_its_wrong_part(text: str, words: str) -> None:
    """The message names the part that is wrong, and there is a hint."""
    with pytest.raises(BadReference, match=words) as caught:
        Reference.parse(text)
    assert caught.value.hint


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,9}\.[a-z]{2,3}(:[1-9][0-9]{0,3})?", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,9}(/[a-z0-9]{1,9}){0,3}", fullmatch=True),
    st.none() | st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True),
    st.booleans(),
)
def test_writing_and_reading_a_reference_is_identity(
    registry: str,
    repository: str,
    tag: str | None,
    has_digest: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    """parse(str(reference)) == reference, whenever it has a tag or a digest."""
    digest = Digest.parse(DIGEST) if has_digest or tag is None else None
    reference = Reference(registry=registry, repository=repository, tag=tag, digest=digest)
    assert Reference.parse(str(reference)) == reference


def test_docker_hub_is_asked_at_its_own_address() -> None:
    """docker.io is a name; another host answers for it."""
    assert Reference.parse("docker.io/ai/phi:v1").host == "registry-1.docker.io"
    assert Reference.parse("ghcr.io/ai/phi:v1").host == "ghcr.io"


@pytest.mark.parametrize("registry", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]:5000"])
def test_loopback_registries_are_known(registry: str) -> None:
    """This machine is spoken to in plain HTTP."""
    assert is_loopback(registry)


@pytest.mark.parametrize("registry", ["ghcr.io", "10.0.0.1:5000", "localhost.evil.com", "127.0.0.1.nip.io"])
def test_other_registries_are_not_loopback(registry: str) -> None:
    """Names that only look like this machine are others."""
    assert not is_loopback(registry)


def test_sources_have_schemes() -> None:
    """oci:// may be left out; layout:// has a folder, and maybe a tag or a digest."""
    assert (
        parse_source("ghcr.io/m:v1") == parse_source("oci://ghcr.io/m:v1") == OciSource(Reference.parse("ghcr.io/m:v1"))
    )
    assert parse_source("layout:///a/b.c:v1") == LayoutSource(Path("/a/b.c"), "v1")
    assert parse_source("layout:///a:b/c") == LayoutSource(Path("/a:b/c"))
    assert parse_source(f"layout://x:v1@{DIGEST}") == LayoutSource(Path("x"), "v1", Digest.parse(DIGEST))


@pytest.mark.parametrize(
    ("text", "folder", "tag", "digest"),
    [
        ("/home/alice@corp.example/models:phi-4", "/home/alice@corp.example/models", "phi-4", None),
        ("/home/alice@corp.example/models", "/home/alice@corp.example/models", None, None),
        (f"/home/alice@corp.example/models:phi-4@{DIGEST}", "/home/alice@corp.example/models", "phi-4", DIGEST),
        (f"x@y@{DIGEST}", "x@y", None, DIGEST),
        ("/@sha256:a/models:v1", "/@sha256:a/models", "v1", None),
        ("models@", "models@", None, None),
    ],
)
def test_a_layouts_path_may_hold_an_at_sign(text: str, folder: str, tag: str | None, digest: str | None) -> None:
    """Only the last one, before a digest, is ours."""
    found = LayoutSource(Path(folder), tag, Digest.parse(digest) if digest else None)
    assert parse_source(f"layout://{text}") == found
    assert parse_source(str(found)) == found


@pytest.mark.parametrize("text", ["x:v1@sha25:abc", "x:v1@", "x@sha256:abc", "a@b/x:v1@latest"])
def test_what_stands_where_a_layouts_digest_belongs_is_one(text: str) -> None:
    """A mistyped digest is no path."""
    with pytest.raises(BadDigest):
        parse_source(f"layout://{text}")


@given(
    st.from_regex(r"(/[a-zA-Z0-9@._-]{1,9}){1,4}", fullmatch=True).filter(lambda path: str(Path(path)) == path),
    st.none() | st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True),
    st.booleans(),
)
def test_writing_and_reading_a_layout_is_identity(
    path: str,
    tag: str | None,
    has_digest: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    """Law: what a receipt names, with its digest, can be named again."""
    source = LayoutSource(Path(path), tag, Digest.parse(DIGEST) if has_digest else None)
    assert parse_source(str(source)) == source


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("hf://org/name", "org/name", "main"),
        ("hf://Org-1/n.a_me-2.5@v1.0", "Org-1/n.a_me-2.5", "v1.0"),
        ("hf://o/n@refs/pr/1", "o/n", "refs/pr/1"),
        (f"hf://o/n@{'a' * 40}", "o/n", "a" * 40),
    ],
)
def test_repositories_of_the_hub_are_sources(text: str, repository: str, revision: str) -> None:
    """A revision is a branch, a tag or a commit, and main where none is written; the canonical text has it always."""
    found = parse_source(text)
    assert found == HubSource(repository, revision)
    assert str(found) == f"hf://{repository}@{revision}"
    assert parse_source(str(found)) == found
    assert found.digest is None


@pytest.mark.parametrize(
    "text",
    [
        *("hf://", "hf://name", "hf://org/", "hf:///name", "hf://org/name/file", "hf://datasets/org/name"),
        *("hf://org/name:tag", "hf://org/na me", "hf://../name", "hf://org/..", "hf://org/a--b", "hf://org/a..b"),
        *("hf://org/-name", "hf://org/name.", "hf://org/name.git", f"hf://org/{'n' * 97}", "hf://org/näme"),
        *("hf://org/name@", "hf://org/name@a b", "hf://org/name@../x", "hf://org/name@/x", "hf://org/name@x/"),
        *("hf://org/name@-x", "hf://org/name@a//b", "hf://org/name@a^", "hf://org/name@a\nb", "hf://org/name?x=1"),
    ],
)
def test_what_names_no_repository_of_the_hub_is_refused(text: str) -> None:
    """Nothing reaches a URL that the hub could not have as a name."""
    with pytest.raises(BadReference, match="hf://") as caught:
        parse_source(text)
    assert "hf://ORGANISATION/NAME" in caught.value.hint


@pytest.mark.parametrize("text", ["s3://bucket/key", "file:///model"])
def test_schemes_that_are_not_read_are_named(text: str) -> None:
    """A scheme of later, or of another world, is refused as such."""
    with pytest.raises(SourceUnsupported):
        parse_source(text)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha512:" + "a" * 64, "blake3:" + "a" * 64, "sha256:" + "A" * 64, "a" * 64]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """Only sha256 and sha512 in lower-case hexadecimal are digests of blobs."""
    with pytest.raises(BadDigest):
        Digest.parse(text)
