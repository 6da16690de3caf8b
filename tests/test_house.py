"""What holds for the house as a whole: documents that say what the code says, rooms of a size to live in."""

import ast
import os
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import certs
import cluster
import packer
import puller
import registry
import webhook
from certs.errors import CertsError
from cluster.check.finding import CHECKS
from registry.errors import Fault
from registry.process.program import CODES
from webhook.contract import KEYS

ROOT = Path(__file__).parent.parent
ROOMS = (registry, puller, packer, webhook, certs, cluster)
GOLDEN = os.environ.get("WEIGHBRIDGE_GOLDEN") == "write"

_CONTRACT = re.compile(r"(<!-- contract: .*? -->\n).*?(<!-- /contract -->)", re.DOTALL)
_CHECKS = re.compile(r"(<!-- checks: .*? -->\n).*?(<!-- /checks -->)", re.DOTALL)
_LINES = 260
_MODULES = 14
_A_SENTENCE = 2
_MAPPED = re.compile(r"^([a-z]\w*)/?  +\S", re.MULTILINE)
_METAPHORS = {"cargo", "shore", "crew", "carrier", "courier", "voice", "turns", "lineage", "keeper", "landing"} | {
    "bring",
    "settle",
    "giver",
    "squeeze",
    "holder",
    "strangers",
    "errand",
    "stranger",
}
_ODD_STARTS = ("Give ", "Hear ", "Tell ", "Let ", "Have ", "Say ", "Take ", "See ")
_MIRRORED = ("registry", "puller", "packer", "webhook", "certs", "cluster")
_BANNED = {"utils", "common", "helpers", "base", "manager", "core", "misc"}


def contract_table() -> str:
    """Write README's table from the contract."""
    rows = ["| key | values | default | what it does |", "|---|---|---|---|"]
    for key in KEYS:
        kind = "label " if key.kind == "label" else ""
        rows.append(f"| {kind}`{key.name}` | {key.values} | {key.default} | {key.meaning} |")
    return "\n".join(rows) + "\n"


def errors_page() -> str:
    """Write docs/errors.md from the classes."""
    lines = [
        "# Errors",
        "",
        "Every failure that we foresee has a code, which is stable and stands in logs and answers, and a hint.",
        "This page is written from the code by `make golden` and held to it by a test. A message may have a hint of",
        "its own that knows more; what stands here is the general one.",
        "",
        "| code | what | temporary | what to do |",
        "|---|---|---|---|",
    ]
    for error in sorted(every_error(), key=lambda error: error.code):
        what = (error.__doc__ or "").partition("\n")[0].rstrip(".")
        temporary = "yes" if getattr(error, "temporary", False) else ""
        lines.append(f"| `{error.code}` | {what} | {temporary} | {error.hint} |")
    lines += ["", "The programs `weighbridge` and `python -m puller` also end with these:", ""]
    lines += [f"- `{code}`: {what}." for code, what in CODES.items()]
    return "\n".join(lines) + "\n"


def checks_of_the_verb() -> str:
    """Write the lines of `weighbridge check` for the page that says what to look at."""
    lines: list[str] = []
    for name, check in CHECKS.items():
        lines += [f"### {name}", "", f"{check.what[0].upper()}{check.what[1:]}.", "", f"Where not: {check.hint}.", ""]
    return "\n".join(lines)


def test_the_page_of_operators_has_every_check_golden() -> None:
    """docs/operate.md has a heading for each check, to which its line leads, and its hint."""
    page = ROOT / "docs" / "operate.md"
    wanted = _CHECKS.sub(lambda match: match[1] + checks_of_the_verb() + match[2], page.read_text())
    if GOLDEN:
        page.write_text(wanted)
    assert page.read_text() == wanted
    assert all(f"### {name}\n" in wanted for name in CHECKS)


def test_readme_has_the_contract_golden() -> None:
    """README's table of labels and annotations is the contract's, word for word."""
    readme = ROOT / "README.md"
    wanted = _CONTRACT.sub(lambda match: match[1] + contract_table() + match[2], readme.read_text())
    if GOLDEN:
        readme.write_text(wanted)
    assert readme.read_text() == wanted


def test_the_page_of_errors_has_every_code_golden() -> None:
    """docs/errors.md lists each code with its hint."""
    page = ROOT / "docs" / "errors.md"
    if GOLDEN:
        page.write_text(errors_page())
    assert page.read_text() == errors_page()


def test_every_error_has_a_code_of_its_own_and_a_hint() -> None:
    """A code names one failure, and no failure is without advice."""
    errors = list(every_error())
    codes = [error.code for error in errors]
    assert sorted(set(codes)) == sorted(codes)
    assert [error for error in errors if not error.hint] == []


def test_modules_are_small_and_named_for_what_they_are() -> None:
    """Past some 250 lines a module has two subjects; `utils` has none."""
    modules = [path for room in ROOMS for path in (ROOT / room.__name__).rglob("*.py")]
    assert [path for path in modules if len(path.read_text().splitlines()) > _LINES] == []
    assert [path for path in modules if path.stem in _BANNED] == []


def test_every_module_says_where_its_tests_are() -> None:
    """`x/y.py` has `tests/x/test_y.py`, or its docstring names the file that tests it."""
    lost = []
    for path in (path for room in _MIRRORED for path in (ROOT / room).rglob("*.py") if path.stem != "__init__"):
        place = path.relative_to(ROOT)
        said = re.search(r"^Tests: (\S+)$", ast.get_docstring(ast.parse(path.read_text())) or "", re.MULTILINE)
        test = ROOT / said[1] if said else ROOT / "tests" / place.parent / f"test_{place.stem}.py"
        lost += [] if test.is_file() else [str(place)]
    assert lost == []


def test_a_folder_holds_no_more_modules_than_a_person_takes_in() -> None:
    """Past 14 modules a folder has two subjects."""
    folders = [folder for room in ROOMS for folder in (ROOT / room.__name__, *(ROOT / room.__name__).rglob("*/"))]
    crowded = {str(folder) for folder in folders if len([*folder.glob("*.py")]) - 1 > _MODULES}
    assert crowded == set()


def test_names_are_the_fields_own_and_docstrings_say_what_a_function_does() -> None:
    """No metaphor names a class or a function, and no first line begins as nobody's documentation does."""
    odd, starts = [], []
    for path in (path for room in ROOMS for path in (ROOT / room.__name__).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", node.name)}
                odd += [f"{path}: {node.name}"] if words & _METAPHORS else []
                starts += [f"{path}: {node.name}"] if (ast.get_docstring(node) or "").startswith(_ODD_STARTS) else []
    assert odd == []
    assert starts == []


def test_the_docstring_of_a_package_is_a_map_of_it() -> None:
    """Each module and folder has its line, and nothing else has one; of one or two a sentence may say it."""
    wrong = {}
    for place in (path for room in ROOMS for path in (ROOT / room.__name__).rglob("__init__.py")):
        said = ast.get_docstring(ast.parse(place.read_text())) or ""
        there = {path.stem for path in place.parent.glob("*.py")} - {"__init__", "__main__"}
        there |= {path.name for path in place.parent.iterdir() if (path / "__init__.py").is_file()}
        listed = set(_MAPPED.findall(said))
        named = listed if len(there) > _A_SENTENCE else listed | there & set(re.findall(r"\w+", said))
        if not said or named != there:
            wrong[str(place.relative_to(ROOT))] = {"missing": there - named, "gone": named - there}
    assert wrong == {}


def every_error() -> Iterator[type[Fault | CertsError]]:
    """Yield each class with a code of its own."""
    for room in ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if module.name.rpartition(".")[2] not in {"__main__", "serving"}:  # these two are programs
                import_module(module.name)
    waiting: list[type[Fault | CertsError]] = [*Fault.__subclasses__(), *CertsError.__subclasses__()]
    seen: set[type] = set()
    while waiting:
        error = waiting.pop()
        if error in seen:
            continue
        seen.add(error)
        waiting += error.__subclasses__()
        if "code" in vars(error):  # others share their parent's, and know a better hint
            yield error
