"""The catalog, as values and as a directory that changes."""

from pathlib import Path

import pytest

from webhook.catalog import Catalog, CatalogDirectory, Entry

SOURCE = "oci://registry.example.com/models/phi-4:v1"


def _swap(mount: Path, generation: str, texts: dict[str, str]) -> None:
    """Change a mounted ConfigMap as the kubelet does: a new folder, and one link that is renamed over the old."""
    folder = mount / f"..{generation}"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
        if not (mount / name).is_symlink():
            (mount / name).symlink_to(Path("..data") / name)
    fresh = mount / "..data_tmp"
    fresh.symlink_to(folder.name)
    fresh.replace(mount / "..data")


def test_an_entry_is_a_source_or_a_mapping_with_one() -> None:
    """The short form says the source alone."""
    catalog = Catalog.read({"a": SOURCE, "b": f"source: {SOURCE}\ngpu: true\nmountPath: /m\n"})
    assert catalog.broken == {}
    source = catalog.entries["a"].source
    assert str(source) == SOURCE
    assert catalog.entries == {"a": Entry(source=source), "b": Entry(source=source, gpu=True, mount_path="/m")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "wanted a source"),
        ("[1]", "wanted a source"),
        ("{", "no YAML"),
        ("gpu: true", "source: wanted"),
        (f"source: {SOURCE}\nGPU: true", "unknown key 'GPU'"),
        (f"source: {SOURCE}\ngpu: often", "gpu: wanted true or false"),
        (f"source: {SOURCE}\nmountPath: m", "not absolute"),
        ("pvc://Claim/path", "PersistentVolumeClaim"),
        ("Not A Reference", "names no registry"),
    ],
)
def test_a_broken_entry_has_its_reason_and_spoils_no_other(text: str, reason: str) -> None:
    """One typing slip in a shared ConfigMap costs one model."""
    catalog = Catalog.read({"bad": text, "good": SOURCE})
    assert list(catalog.entries) == ["good"]
    assert reason in catalog.broken["bad"]


def test_a_change_on_disk_is_seen_at_the_next_look(tmp_path: Path) -> None:
    """The kubelet swaps the files under the running webhook."""
    directory = CatalogDirectory(tmp_path)
    assert directory.current() == Catalog()
    _swap(tmp_path, "one", {"phi-4": SOURCE})
    assert list(directory.current().entries) == ["phi-4"]
    _swap(tmp_path, "two", {"phi-4": SOURCE + "-new", "other": SOURCE})
    assert str(directory.current().entries["phi-4"].source) == SOURCE + "-new"
    assert sorted(directory.current().entries) == ["other", "phi-4"]


def test_an_unchanged_catalog_is_not_read_again(tmp_path: Path) -> None:
    """Looking costs a few stats, not a parse."""
    _swap(tmp_path, "one", {"phi-4": SOURCE})
    directory = CatalogDirectory(tmp_path)
    assert directory.current() is directory.current()


def test_no_directory_is_an_empty_catalog(tmp_path: Path) -> None:
    """A cluster without a catalog has its prefix and its annotations."""
    assert CatalogDirectory(tmp_path / "none").current() == Catalog()


def test_bytes_that_are_no_text_spoil_their_own_entry(tmp_path: Path) -> None:
    """A file in another encoding is a broken entry like any other."""
    (tmp_path / "good").write_text(SOURCE)
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00")
    catalog = CatalogDirectory(tmp_path).current()
    assert (list(catalog.entries), list(catalog.broken)) == (["good"], ["bad"])
