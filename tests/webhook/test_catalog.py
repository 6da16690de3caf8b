"""The catalog, as values and as a directory that changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parts.process import poll
from webhook.catalog import Catalog, CatalogDirectory, parse_entry_or_reason
from webhook.catalog_entry import Entry

SOURCE = "oci://registry.example.com/models/phi-4:v1"


def swap(mount: Path, generation: str, texts: dict[str, str]) -> None:
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
        ("{", "not valid YAML in line 1, column 2"),
        ("!!int ", "not valid YAML"),
        ("? - ? 1", "not valid YAML"),
        ("1!!map !!bool !!seq : !!bool ", "not valid YAML"),
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


def test_a_change_on_disk_is_seen_at_the_next_refresh(tmp_path: Path) -> None:
    """The kubelet swaps the files under the running webhook."""
    directory = CatalogDirectory(tmp_path)
    assert directory.current() == Catalog()
    swap(tmp_path, "one", {"phi-4": SOURCE})
    directory.refresh()
    assert list(directory.current().entries) == ["phi-4"]
    swap(tmp_path, "two", {"phi-4": SOURCE + "-new", "other": SOURCE})
    assert list(directory.current().entries) == ["phi-4"]
    directory.refresh()
    assert str(directory.current().entries["phi-4"].source) == SOURCE + "-new"
    assert sorted(directory.current().entries) == ["other", "phi-4"]


def test_an_unchanged_catalog_is_not_read_again(tmp_path: Path) -> None:
    """Looking costs one stat, and an admission not even that."""
    swap(tmp_path, "one", {"phi-4": SOURCE})
    directory = CatalogDirectory(tmp_path)
    before = directory.current()
    directory.refresh()
    assert directory.current() is before


def test_a_directory_that_no_kubelet_keeps_is_followed_too(tmp_path: Path) -> None:
    """Whoever runs the server by hand edits files in place."""
    (tmp_path / "phi-4").write_text(SOURCE)
    directory = CatalogDirectory(tmp_path)
    (tmp_path / "phi-4").write_text(SOURCE + "-new")
    directory.refresh()
    assert str(directory.current().entries["phi-4"].source) == SOURCE + "-new"


def test_a_change_is_followed_by_itself(tmp_path: Path) -> None:
    """A thread looks again and again."""
    directory = CatalogDirectory(tmp_path)
    directory.follow()
    swap(tmp_path, "one", {"phi-4": SOURCE})
    assert poll(lambda: list(directory.current().entries), 20) == ["phi-4"]


_TEXTS = st.sampled_from([SOURCE, "a/b:c", "true", "1:30/x", "/models/m", "m", "pvc://a/b", "'a/b'", "a/b # no", ""])


@given(st.lists(st.tuples(st.sampled_from(["source", "gpu", "mountPath", "Gpu"]), _TEXTS), max_size=3), _TEXTS)
def test_entries_that_need_no_yaml_parser_are_read_as_one_reads_them(pairs: list[tuple[str, str]], text: str) -> None:
    """The shorter way gives what the longer one gives, which a comment at the end of a text takes."""
    written = "\n".join(f"{key}: {value}" for key, value in pairs) if pairs else text

    assert parse_entry_or_reason(written) == parse_entry_or_reason(f"{written}\n# no more")


def test_near_names_are_found_among_ten_thousand() -> None:
    """What begins or ends as the wish does is compared, however many there are."""
    catalog = Catalog.read({f"model-{number:05}-instruct": SOURCE for number in range(10_000)} | {"Phi-4": SOURCE})
    assert catalog.near("phi-5") == ("Phi-4",)
    assert "model-09999-instruct" in catalog.near("model-0999-instruct")
    assert catalog.near("modle-04711-instruct")
    assert catalog.near("x" * 100_000) == ()


def test_no_directory_is_an_empty_catalog(tmp_path: Path) -> None:
    """A cluster without a catalog has its prefix and its annotations."""
    assert CatalogDirectory(tmp_path / "none").current() == Catalog()


def test_bytes_that_are_no_text_spoil_their_own_entry(tmp_path: Path) -> None:
    """A file in another encoding is a broken entry like any other."""
    (tmp_path / "good").write_text(SOURCE)
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00")
    catalog = CatalogDirectory(tmp_path).current()
    assert (list(catalog.entries), list(catalog.broken)) == (["good"], ["bad"])


_MARKS = [
    "!!int ",
    "!!set ",
    "{",
    "}",
    "[",
    ": ",
    "\n",
    "- ",
    "? ",
    "<<: ",
    "&a ",
    "*a",
    "'",
    "|",
    "source",
    "a/b:c",
    "\x00",
]


@given(st.lists(st.sampled_from(_MARKS), max_size=8))
@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
def test_any_text_is_an_entry_or_a_reason(marks: list[str]) -> None:
    """No entry ends the thread that reads the others."""
    parse_entry_or_reason("".join(marks))
