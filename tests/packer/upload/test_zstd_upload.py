"""What is packed while it is sent, to registries that mind in which parts it comes."""

from pathlib import Path

import pytest

from registry.access.access import Access
from tests.fakes import faults
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry
from tests.puller.models import write_tree

from .test_zstd_encoder import fetch, send, weights

MIB = 1 << 20
TREE = {"a.safetensors": weights(20 * MIB) + b"\x3c" * (40 * MIB) + weights(36 * MIB)}
"""A file whose chunks become small and large, as weights do that are half of zeros."""


def parts(fake: FakeRegistry, request: Request) -> list[int]:
    """Return how many bytes came with each PATCH of the upload that a request goes to."""
    place = request.path.partition("?")[0]
    return [len(one.body) for one in fake.requests if one.method == "PATCH" and one.path.partition("?")[0] == place]


def minding(fake: FakeRegistry, least: int) -> Change:
    """Refuse a blob of which a part but the last was too small, as Amazon's registry does."""

    def change(request: Request, answer: Answer) -> Answer:
        if any(count < least for count in parts(fake, request)[:-1]):
            return Answer(400, b'{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"a layer part is too small"}]}')
        return answer

    return change


@pytest.mark.parametrize(("stated", "least"), [("", 5), ("9000000", 8), ("junk", 5), ("-1", 5)])
@pytest.mark.parametrize("says", ["POST", "PATCH"])
def test_no_part_but_the_last_is_smaller_than_the_registry_takes(
    access: Access, tmp_path: Path, stated: str, least: int, says: str
) -> None:
    """Law: 5 MB, or what it says of itself; the blob goes out in one pass all the same."""
    with fake_registry() as fake:
        fake.fail(minding(fake, 5 * MIB), method="PUT", path="/uploads/")
        if stated:
            fake.fail(faults.with_headers(OCI_Chunk_Min_Length=stated), method=says, path="/uploads/")
        pushed = send(write_tree(tmp_path / "model", TREE), fake.reference(), access)
        sent = [one for one in fake.requests if one.method == "PATCH"]
        assert len(sent) > 1
        counted = [len(one.body) for one in sent][1 if says == "PATCH" else 0 : -1]
        assert min(counted, default=least * MIB) >= least * MIB
        assert fetch(pushed.pinned, tmp_path / "out", access) == TREE


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("at", ["first PATCH", "second PATCH", "PUT"])
def test_a_registry_that_refuses_parts_gets_the_blob_whole(
    access: Access, tmp_path: Path, status: int, at: str
) -> None:
    """Refused at any of them, it is packed once more, for its digest."""

    def change(request: Request, answer: Answer) -> Answer:
        count = len(parts(fake, request))
        wanted = {"first PATCH": count == 1, "second PATCH": count == 2, "PUT": count > 1}[at]
        return faults.refused(status, fake)(request, answer) if wanted else answer

    with fake_registry() as fake:
        fake.fail(change, method=at.rpartition(" ")[2], path="/uploads/")
        pushed = send(write_tree(tmp_path / "model", TREE), fake.reference(), access)
        whole = [one for one in fake.requests if one.method == "PUT" and len(one.body) > 5 * MIB]
        assert len(whole) == 1
        assert fetch(pushed.pinned, tmp_path / "out", access) == TREE


def test_a_registry_that_loses_what_comes_in_parts_gets_one_patch_at_last(access: Access, tmp_path: Path) -> None:
    """Artifact Registry is not documented to take parts: the last try states the size."""

    def change(request: Request, answer: Answer) -> Answer:
        return faults.refused(404, fake)(request, answer) if len(parts(fake, request)) > 1 else answer

    with fake_registry() as fake:
        fake.fail(change, method="PUT", path="/uploads/")
        pushed = send(write_tree(tmp_path / "model", TREE), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == TREE
