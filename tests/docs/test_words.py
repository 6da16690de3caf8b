"""What pages name exists: codes, settings, keys, files, pages and headings."""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from puller.settings import PREFIX as PULLER_PREFIX
from puller.settings import Settings as PullerSettings
from registry.process.program import CODES, DEBUG
from tests.test_house import every_error
from webhook.contract import KEYS
from webhook.settings import variables

from .page import PAGES, ROOT, commands

_NO_CODES = re.compile(r".*\.(?:crt|key|json|sig|gguf|md|py|internal|remoteurl)")
"""Files, a host and a setting of another program, which begin as codes do."""

_FOR_CONTAINERS = {"MODEL_PATH", "MODEL_NAME", "MODEL_DIGEST", "ADAPTERS_PATH", "ADAPTER_NAME_PATH", "ADAPTER_SQL_PATH"}
_ELSEWHERE = {"WEIGHBRIDGE_MODEL_", "WEIGHBRIDGE_MODEL", "WEIGHBRIDGE_BENCH_PYTHON", DEBUG}
"""The start of a name, and what programs of ours read beside settings."""

_LABELS = {"weighbridge.dev/metrics"}
"""Labels of deploy/components, which the webhook does not know."""


def _text(page: str) -> str:
    return (ROOT / page).read_text()


def _known_variables() -> set[str]:
    of_pullers = {PULLER_PREFIX + name.upper() for name in PullerSettings.__dataclass_fields__}
    return set(variables().values()) | of_pullers | {f"WEIGHBRIDGE_{name}" for name in _FOR_CONTAINERS} | _ELSEWHERE


def _headings(page: str) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _documents(text: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all(text))


def _links(page: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the anchor of each link that leads to a file of ours."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield path, anchor


@pytest.mark.parametrize("page", PAGES)
def test_every_code_that_a_page_names_is_one(page: str) -> None:
    """A user who searches errors.md for it finds it."""
    codes = {error.code for error in every_error()} | set(CODES)
    families = {code.partition(".")[0] for code in codes if "." in code}
    named = set(re.findall(r"[`\[]([a-z-]+\.[a-z-]+)[`\]]", _text(page)))

    assert {one for one in named - codes if one.partition(".")[0] in families and not _NO_CODES.fullmatch(one)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_and_key_that_a_page_names_is_read(page: str) -> None:
    """No page sends an operator to a setting that was renamed."""
    keys = {key.name for key in KEYS} | _LABELS

    assert set(re.findall(r"WEIGHBRIDGE_[A-Z_]+", _text(page))) <= _known_variables()
    assert {one.rstrip("-") for one in re.findall(r"(?<![\w.])weighbridge\.dev/[a-z-]+", _text(page))} <= keys


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    """Renaming a heading is seen where it is linked."""
    folder = (ROOT / page).parent
    lost = []
    for path, anchor in _links(page):
        target = (folder / path).resolve() if path else ROOT / page
        is_lost = not target.exists() or (anchor and anchor not in _headings(str(target.relative_to(ROOT))))
        lost += [f"{path}#{anchor}"] if is_lost else []
    assert lost == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_tree_that_a_page_names_is_there(page: str) -> None:
    """Folders and files of deploy and tests, as they are called."""
    paths = re.findall(r"(?<![\w./-])((?:deploy|tests|bench)/[\w./-]+\w)", _text(page))

    assert [path for path in paths if not (ROOT / path).exists() and "NAME" not in path] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_example_can_be_read_as_what_it_is(page: str) -> None:
    """YAML is YAML, TOML is TOML, and JSON is JSON."""
    readers: dict[str, Callable[[str], object]] = {"yaml": _documents, "toml": tomllib.loads, "json": json.loads}
    for language, text in re.findall(r"^ *```(yaml|toml|json)\n(.*?)^ *```$", _text(page), re.MULTILINE | re.DOTALL):
        assert readers[language](text)


def test_the_demo_ends_with_what_the_readme_says_to_do_next() -> None:
    """Whoever copies its last lines follows the page, in its order."""
    tree = ast.parse((ROOT / "deploy" / "demo.py").read_text())
    (steps,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_NEXT"
    ]
    typed = [one.text for one in commands("README.md")]

    assert [one for one in typed if one in steps] == list(steps)


def test_the_index_lists_every_page() -> None:
    """Whoever looks for a page looks there."""
    listed = {path for path, _ in _links("docs/README.md")}

    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed
