"""The files in an image's layers, where annotations name them and their digests.

Tests: tests/packer/image/test_image.py
"""

from collections.abc import Sequence

from puller.artifact.part import Part, judge_name
from puller.plan import Blob, Piece
from puller.settings import Settings
from puller.tree.materialize import image_roots
from registry.chunk_index import FileDigests
from registry.digest import Digest
from registry.errors import BadManifest
from registry.globs import is_selected
from registry.manifest import Descriptor
from registry.paths import plain
from registry.printable import some


def files_of_image(layers: Sequence[Part], settings: Settings) -> dict[str, Blob] | None:
    """Return what verifies each selected file of an image; None unless every layer has digests.

    A layer without them might replace files of the others. Raises BadManifest, and UnsafePath for a selected name.
    """
    tables = [FileDigests.of(part.layer) for part in layers]
    files = {f"/{name}": file for table in tables if table is not None for name, file in table.by_name.items()}
    roots = [f"/{root}/" if root else "/" for root in image_roots(settings.image_path)]
    root = next((root for root in roots if any(name.startswith(root) for name in files)), "")
    if not root or None in tables:
        return None
    below = {plain(name.removeprefix(root)): file for name, file in files.items() if name.startswith(root)}
    chosen = {path: file for path, file in below.items() if is_selected(path, settings.include, settings.exclude)}
    for path in chosen:
        judge_name(path, "image")
    return {path: _blob(*file) for path, file in chosen.items()}


def names_in(layer: Descriptor) -> str:
    """Return a text on the files in a layer; empty where no annotation names them."""
    try:
        table = FileDigests.of(layer)
    except BadManifest:
        return ""
    return some(list(table.by_name) if table else [], most=1)


def _blob(size: int, digest: Digest) -> Blob:
    return Blob(Descriptor(media_type="", digest=digest, size=size), (), (Piece(0, size, digest),))
