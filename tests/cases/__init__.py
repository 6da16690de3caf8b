"""Admission cases: one YAML file each, so that adding one needs no Python.

A file has three documents: what is given (`law`, and as needed `settings` without their prefix, `catalog`,
`restricted`, and registries' `answers` by reference, each a code, or a `digest` with `bytes`, `files` with theirs,
`signature` and `is-image`), the pod, and what is expected: `inject` with JSON pointers (`at` a value, `absent`,
`unchanged`) and parts of `warnings`; or `refuse` with a code and a part of the `message`; or `skip` with a code.
Pointers into `/status` read our record. A `restricted` pod is one that an API server takes into a namespace where Pod
Security is enforced so, before and after injection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ruamel.yaml import YAML

from registry.digest import Digest
from registry.reference import Reference
from webhook.catalog import Catalog
from webhook.resolving.answer import Answer, Code, Facts, File, Unknown
from webhook.settings import PREFIX, Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What must be found in the injected pod, by JSON pointer."""

    at: dict[str, Any]
    absent: tuple[str, ...]
    unchanged: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One pod, its circumstances and its fate; exactly one of the `expect_` fields is set."""

    name: str
    law: str
    pod: dict[str, Any]
    settings: Settings
    catalog: Catalog
    given_catalog: dict[str, str]
    given_settings: dict[str, str]
    answers: dict[str, Answer]
    restricted: bool
    expect_pod: Expectation | None
    expect_refusal: str | None
    expect_message: str
    expect_skip: str | None

    def ask(self, references: Sequence[Reference]) -> tuple[Answer, ...]:
        """Return the registries' answers in this case; without any, no registry is asked."""
        return tuple(self.answers.get(str(reference), Unknown("off")) for reference in references)


def load_cases() -> list[Case]:
    """Read every case, in the order of their names."""
    return [_load(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))]


def _load(path: Path) -> Case:
    given, pod, expected = YAML(typ="safe", pure=True).load_all(path.read_text("utf-8"))
    settings = {str(name): str(value) for name, value in given.get("settings", {}).items()}
    texts = {str(name): str(text) for name, text in given.get("catalog", {}).items()}
    return Case(
        name=path.stem,
        law=given["law"],
        pod=pod,
        settings=Settings.from_env({PREFIX + name: value for name, value in settings.items()}),
        catalog=Catalog.read(texts),
        given_catalog=texts,
        given_settings=settings,
        answers={name: _answer(value) for name, value in given.get("answers", {}).items()},
        restricted=given.get("restricted", False),
        expect_pod=_expectation(expected["inject"]) if "inject" in expected else None,
        expect_refusal=expected.get("refuse"),
        expect_message=expected.get("message", ""),
        expect_skip=expected.get("skip"),
    )


def _answer(value: Any) -> Answer:
    if value in get_args(Code):
        return Unknown(value)
    digest = Digest.parse(value["digest"])
    files = tuple(File(path, size) for path, size in value.get("files", {}).items())
    return Facts(digest, value.get("bytes"), value.get("signature", ""), value.get("is-image"), files)


def _expectation(found: dict[str, Any]) -> Expectation:
    return Expectation(
        at=found.get("at", {}),
        absent=tuple(found.get("absent", ())),
        unchanged=tuple(found.get("unchanged", ())),
        warnings=tuple(found.get("warnings", ())),
    )
