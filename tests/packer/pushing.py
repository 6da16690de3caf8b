"""Folders that tests push, to the real registry and to layouts, and what they pull back."""

from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from packer.form import Form, ModelInfo
from packer.ledger import Ledger
from packer.modelpack import modelpack
from packer.push import Options, Pushed, push
from packer.source.suspicion import is_others_own, is_suspicious
from packer.upload.send import Target
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.open import open_pusher
from registry.progress.reporter import QuietReporter, Reporter
from registry.source import OciSource, parse_source
from tests.puller.models import noise, read_tree

TREE = {
    "config.json": b'{"torch_dtype": "bfloat16"}',
    "model-00001-of-00002.safetensors": noise(40 << 20, 1),
    "model-00002-of-00002.safetensors": noise(5 << 20, 2),
    "empty": b"",
    "with space/ünïcödé 模型.txt": b"text",
    "deep/er/and/deeper/file.py": b"print()",
    "copy of config.json": b'{"torch_dtype": "bfloat16"}',
}


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="/\\:"), min_size=1, max_size=20
)
PATHS = (
    st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda path: not is_suspicious(path) and not any(map(is_others_own, path.split("/"))))
)


def send(
    folder: Path,
    target: str,
    access: Access,
    about: ModelInfo | None = None,
    *,
    form: Form = modelpack,
    ledger: Ledger | None = None,
    reporter: Reporter | None = None,
) -> Pushed:
    """Push a folder."""
    source = parse_source(target)
    place = Target(open_pusher(source, access), ledger or Ledger(None))
    if isinstance(source, OciSource):
        place = replace(place, registry=source.reference.registry, repository=source.reference.repository)
    options = Options(about=about or ModelInfo(), jobs=4, form=form)
    return push(folder, place, options, reporter or QuietReporter())


def fetch(source: str, destination: Path, access: Access) -> dict[str, bytes]:
    """Pull a model and read it."""
    pull(Settings(source=source, destination=str(destination)), access, QuietReporter())
    return read_tree(destination)
