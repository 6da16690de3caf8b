"""The verbs `push` and `copy`.

Tests: tests/packer/test_push.py
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from registry.access.access import Access
from registry.access.options import (
    access_for,
    add_access_options,
    add_progress_options,
    add_side_options,
    command_line,
    reporter_for,
    source_from,
)
from registry.digest import Digest
from registry.process.arguments import given, positive
from registry.progress.reporter import Reporter
from registry.source import HubSource, LayoutSource, OciSource, Source

if TYPE_CHECKING:  # what packs takes time to import, which other verbs need not wait for
    from registry.repository import Pusher

    from .form import Form
    from .hub import Bring

_JOBS = 8
_HUB = "hf://"
_IMAGES_ARE_RAW = (
    "--codec zstd does not go with --as image: nodes unpack an image's layers one after the other, for longer than the"
    " saved bytes would take, and KServe reads no zstd; leave one of the two out"
)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", bring: "Bring") -> None:
    """Add `push` and `copy` to the command's parser. `bring` pulls a model from the hub to be packed."""
    _add_push(verbs, bring)
    _add_copy(verbs)


def _add_push(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", bring: "Bring") -> None:
    push = verbs.add_parser(
        "push",
        help="pack a model folder, or a repository of the Hugging Face hub, and push it",
        description="Pack a folder as a ModelPack artifact, one layer a file, and push it in one pass.\n\n"
        "With --as image it becomes an image with the files under /models, which kubelets mount by themselves\n"
        "(weighbridge.dev/volume: image, or KServe's oci+native://). A puller takes it as well.\n\n"
        "A repository of the Hugging Face hub is pulled to a temporary folder first, verified like any pull, and\n"
        "packed from there; the folder is removed in the end. It stands in TMPDIR, which needs room for the model.\n"
        "Names, sizes, the key and the target are tried before.",
        epilog="Prints the reference pinned to its digest. The same folder always gives the same digest.\n\n"
        "  weighbridge push ./phi-4 registry.example.com/models/phi-4:v1 --name microsoft/phi-4\n"
        "  weighbridge push hf://microsoft/phi-4 registry.example.com/models/phi-4:v1\n"
        "  weighbridge push ./phi-4 layout:///mnt/usb/models:phi-4\n"
        "  weighbridge push ./phi-4 registry.example.com/images/phi-4:v1 --as image\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    push.add_argument(
        "folder",
        type=given,
        metavar="DIR|hf://ORGANISATION/NAME[@REVISION]",
        help="the folder with the model's files, or the repository that holds them",
    )
    push.add_argument("target", metavar="REF", help="REGISTRY/REPOSITORY:TAG or layout://DIRECTORY:TAG")
    _add_packing_options(push)
    push.add_argument(
        "-j", "--jobs", type=positive, default=_JOBS, metavar="N", help=f"files at a time (default: {_JOBS})"
    )
    add_access_options(push)
    push.add_argument("--json", action="store_true", help="print what was pushed as JSON")
    add_progress_options(push)
    push.set_defaults(run=partial(_run_push, bring, push))


def _add_packing_options(push: argparse.ArgumentParser) -> None:
    """Add what is packed, what it becomes, and what is said of it."""
    push.add_argument("--name", default="", help="the model's name, for the artifact's config")
    push.add_argument("--license", action="append", default=[], metavar="SPDX", help="its license; may be given again")
    push.add_argument(
        "--as",
        dest="form",
        choices=("modelpack", "image"),
        default="modelpack",
        help="image for nodes that mount it as a volume; modelpack, the default, for pullers",
    )
    push.add_argument(
        "--codec",
        choices=("raw", "zstd"),
        default="raw",
        help="zstd compresses the large files where a sample says that it pays; raw, the default, is read by all tools",
    )
    push.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="push matching files though they look secret"
    )
    push.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out what matches, folders whole",
    )
    push.add_argument(
        "--follow-links", action="store_true", help="push what links lead to outside of the folder as well"
    )
    push.add_argument(
        "--sign",
        default="",
        metavar="KEY",
        help="sign the artifact as cosign does, with a private key in PEM, whose password is in COSIGN_PASSWORD",
    )


def _add_copy(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    copy = verbs.add_parser(
        "copy",
        help="copy an artifact from place to place, with its signatures",
        description="Copy an artifact as it is, whoever wrote it: the same manifest, hence the same digest; every\n"
        "manifest of an index; and what refers to them, such as signatures of cosign and notation. Blobs that the\n"
        "target has are not sent, those of another repository of its registry are mounted, others are verified while\n"
        "they stream. The tag comes last: until then nothing names the artifact there.",
        epilog="Prints the reference pinned to its digest.\n\n"
        "  weighbridge copy registry.example.com/models/phi-4:v1 mirror.example.com/models/phi-4:v1\n"
        "  weighbridge copy registry.example.com/models/phi-4@sha256:… layout:///mnt/usb/models:phi-4\n"
        "  weighbridge copy layout:///mnt/usb/models:phi-4 registry.internal/models/phi-4:v1\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    copy.add_argument("source", metavar="SOURCE", help="REGISTRY/REPOSITORY:TAG[@sha256:…] or layout://DIRECTORY:TAG")
    copy.add_argument("target", metavar="REF", help="REGISTRY/REPOSITORY:TAG or layout://DIRECTORY:TAG")
    copy.add_argument("--without-signatures", action="store_true", help="leave what refers to the artifact")
    copy.add_argument(
        "-j", "--jobs", type=positive, default=_JOBS, metavar="N", help=f"blobs at a time (default: {_JOBS})"
    )
    add_access_options(copy)
    add_side_options(copy)
    copy.add_argument("--json", action="store_true", help="print what was copied as JSON")
    add_progress_options(copy)
    copy.set_defaults(run=_run_copy)


def _run_copy(arguments: argparse.Namespace) -> int:
    from registry.open import open_documents, open_pusher

    from .copying.copy import copy, neighbour_of

    source, target = source_from(arguments.source), source_from(arguments.target)
    reporter = reporter_for(arguments)
    with access_for(arguments, (source, target), os.environ, reporter) as access:
        with command_line():
            documents, pusher = open_documents(source, access), open_pusher(target, access)
        copied = copy(
            documents,
            pusher,
            reporter,
            neighbour=neighbour_of(source, target),
            jobs=arguments.jobs,
            has_companions=not arguments.without_signatures,
        )
    print(json.dumps(copied.to_json(), indent=1) if arguments.json else copied.pinned)
    return 0


def _run_push(bring: "Bring", parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from registry.open import open_pusher

    from .form import ModelInfo
    from .layer_blob import RAW, ZSTD
    from .ledger import Ledger, default_path
    from .push import Options, push
    from .upload.send import Target

    if (arguments.form, arguments.codec) == ("image", "zstd"):
        parser.error(_IMAGES_ARE_RAW)
    source = source_from(arguments.target)
    reporter, ledger = reporter_for(arguments), Ledger(default_path(os.environ))
    with access_for(arguments, (source,), os.environ, reporter) as access:
        signing = _signing(arguments.sign, source, access, reporter)
        with command_line():
            target = Target(open_pusher(source, access), ledger)
        if isinstance(source, OciSource):
            target = Target(target.pusher, ledger, source.reference.registry, source.reference.repository)
        with _folder(arguments, bring, target.pusher, access, reporter) as (folder, origin):
            options = Options(
                about=ModelInfo(arguments.name, tuple(arguments.license), origin),
                include=tuple(arguments.include),
                exclude=tuple(arguments.exclude),
                follow_links=arguments.follow_links,
                jobs=arguments.jobs,
                form=_form(arguments),
                codec=ZSTD if arguments.codec == "zstd" else RAW,
                sign=signing,
            )
            pushed = push(folder, target, options, reporter)
    summary = {
        "reference": pushed.pinned,
        "digest": str(pushed.digest),
        "files": pushed.files,
        "bytes": pushed.size,
        "wireBytes": pushed.wire_bytes,
        "seconds": pushed.seconds,
    }
    print(json.dumps(summary, indent=1) if arguments.json else pushed.pinned)
    return 0


def _signing(file: str, source: Source, access: Access, reporter: Reporter) -> Callable[[Digest], None] | None:
    """Return what signs a digest in the target's repository; None where no key was named. Raises BadKey."""
    if not file or not isinstance(source, OciSource | LayoutSource):
        return None
    from .sign import sign
    from .signing_key import SigningKey

    key = SigningKey.read(Path(file), os.environ)
    return lambda digest: sign(key, source, digest, access, reporter.message)


@contextmanager
def _folder(
    arguments: argparse.Namespace, bring: "Bring", target: "Pusher", access: Access, reporter: Reporter
) -> Iterator[tuple[Path, HubSource | None]]:
    """Return the folder to pack, and its source; a repository of the hub is pulled once the target takes uploads."""
    source = source_from(arguments.folder) if arguments.folder.startswith(_HUB) else None
    if not isinstance(source, HubSource):
        yield Path(arguments.folder), None
        return
    from .hub import Wanted, looked_up, pulled

    wanted = Wanted(_form(arguments), tuple(arguments.include), tuple(arguments.exclude))
    at_commit = looked_up(source, wanted, access)
    target.check()
    with pulled(at_commit, arguments.exclude, bring, access, reporter) as found:
        yield found


def _form(arguments: argparse.Namespace) -> "Form":
    from .image.image import image
    from .modelpack import modelpack

    return image if arguments.form == "image" else modelpack
