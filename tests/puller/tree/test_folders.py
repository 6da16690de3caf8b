"""Laws of names in folders."""

from hypothesis import given
from hypothesis import strategies as st

from puller.tree.folders import Folders

PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


@given(st.lists(st.tuples(st.booleans(), PATHS)), PATHS)
def test_what_lies_below_a_folder_is_what_its_name_begins(steps: list[tuple[bool, str]], folder: str) -> None:
    """However paths come and go, it is what looking through all of them would find."""
    folders, kept = Folders(), set[str]()
    for is_added, path in steps:
        if is_added:
            kept.add(path)
            folders.add(path)
        elif path in kept:
            kept.remove(path)
            folders.drop(path, kept)
    below = {path for path in kept if path.startswith(f"{folder}/")}
    assert {path for path in folders.below(folder) if path in kept} == below
    assert folders.has_any(folder) == bool(below)
    assert {path for path in folders.below("") if path in kept} == kept
