"""The scan of a model folder: which files become layers, under which names.

1. Excluded files and folders are skipped before anything else: neither opened nor checked nor entered.
2. Files that other programs keep there for themselves are skipped with a message.
3. The rest must be regular files of the folder, under names that every system can write.
4. Names and first bytes that suggest a mistake are refused, unless the user includes the files explicitly.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from shlex import quote

from packer.errors import BadFolder, BadName, EmptyFolder, Suspicious
from registry.globs import covers, covers_all_of
from registry.paths import unsafe_reason
from registry.printable import printable, some

from .source_file import SourceFile
from .stable_read import opened
from .suspicion import is_others_own, is_suspicious, is_suspicious_target, stands_for, suspect

_SHOWN = 3
_LINK_REMEDY = "remove it, leave it out with --exclude, or put the files that it stands for in its place"
_OUTSIDE_REMEDY = "put the file in its place, leave the link out with --exclude, or follow links with --follow-links"


@dataclass(frozen=True, slots=True)
class _Choice:
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    follow_links: bool


def scan(
    folder: Path,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    follow_links: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[SourceFile, ...]:
    """Return the files below `folder`, except those covered by a glob of `exclude`, sorted by the bytes of their names.

    A file that looks like a mistake is refused, unless a glob of `include` covers it. Links to files of the folder are
    followed, and those from a snapshot of the hub's cache to its blobs; others only with `follow_links`. Links to
    folders are not followed, because they may form a cycle. `say` is called with a line about what is skipped.
    Raises BadFolder, EmptyFolder, BadName, Suspicious, Changed.
    """
    choice = _Choice(tuple(include), tuple(exclude), follow_links)
    _check_root(folder, choice)
    # 1 to 3
    look = _Look(folder, choice)
    files = sorted(look.walk(), key=lambda file: os.fsencode(file.path))
    if look.left_out:
        say(f"{folder}: left out as other programs' own: {some(sorted(look.left_out))} (--include GLOB packs them)")
    # 4
    _check_names(str(folder), files, choice)
    _check_contents(files, choice)
    if not files:
        raise EmptyFolder(f"{folder}: holds no file")
    return tuple(files)


def chosen(
    name: str, files: Sequence[SourceFile], include: Sequence[str], exclude: Sequence[str]
) -> tuple[SourceFile, ...]:
    """Return those of a folder's files that a scan of it would, by their names alone; `name` is the folder's.

    Raises EmptyFolder, BadName, Suspicious.
    """
    found = [file for file in files if not covers(exclude, file.path)]
    found = [file for file in found if not _others_own(file.path) or covers(include, file.path)]
    for file in found:
        _check_name(file.path, f"{name}/{file.path}")
    _check_names(name, found, _Choice(tuple(include), tuple(exclude), follow_links=False))
    if not found:
        raise EmptyFolder(f"{name}: holds no file")
    return tuple(sorted(found, key=lambda file: os.fsencode(file.path)))


@dataclass
class _Look:
    root: Path
    choice: _Choice
    left_out: set[str] = field(default_factory=set)

    def walk(self) -> Iterator[SourceFile]:
        """Return the files, unordered."""
        inside = _inside(self.root)
        folders = [(self.root, "")]
        while folders:
            folder, above = folders.pop()
            for entry in _entries(folder):
                path = f"{above}{entry.name}"
                if covers(self.choice.exclude, path) or self._is_left_out(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not covers_all_of(self.choice.exclude, path):
                        folders.append((Path(entry.path), f"{path}/"))
                else:
                    yield _file(Path(entry.path), path, entry, inside, self.choice)

    def _is_left_out(self, path: str) -> bool:
        """Return whether a name is another program's; below its folders only included files count."""
        own = _others_own(path)
        if not own or covers(self.choice.include, path) or self._may_hold_included(path):
            return False
        self.left_out.add(own)
        return True

    def _may_hold_included(self, path: str) -> bool:
        return bool(self.choice.include) and (self.root / path).is_dir() and not (self.root / path).is_symlink()


def _others_own(path: str) -> str:
    """Return the file, or the folder above it, that is another program's; empty if there is none."""
    parts = path.split("/")
    return next((place for end in range(len(parts)) if is_others_own(place := "/".join(parts[: end + 1]))), "")


def _check_name(path: str, shown: str) -> None:
    reason = unsafe_reason(path)
    if reason:
        raise BadName(f"{printable(repr(os.fsencode(shown)))}: the name {reason}")


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise BadFolder(
            f"{_shown(folder)}: {error.strerror}", hint="make it readable, or leave it out with --exclude"
        ) from None


def _file(
    location: Path, path: str, entry: "os.DirEntry[str]", inside: tuple[Path, ...], choice: _Choice
) -> SourceFile:
    _check_name(path, str(location))
    is_link = entry.is_symlink()
    try:
        status = entry.stat()
    except OSError:
        status = None
    if status is None or not stat.S_ISREG(status.st_mode):
        what = "a broken link, or a link to a folder" if is_link else "no regular file"
        raise BadFolder(f"{_shown(location)}: is {what}", hint=_LINK_REMEDY)
    if is_link:
        _check_link(location, path, inside, choice)
    return SourceFile(path, location, status, is_link)


def _check_link(location: Path, path: str, inside: tuple[Path, ...], choice: _Choice) -> None:
    target = Path(os.path.realpath(location))
    root = next((root for root in inside if target.is_relative_to(root)), None)
    if root is None and not choice.follow_links:
        raise BadFolder(
            f"{_shown(location)}: is a link out of the folder, to {_shown(target)}",
            hint=_OUTSIDE_REMEDY,
        )
    told = target.relative_to(root).as_posix() if root else target.as_posix()
    if is_suspicious_target(told) and not covers(choice.include, path):
        raise Suspicious(
            f"{_shown(location)}: is a link to what looks secret or unfinished, {_shown(target)}",
            hint=_hint([path]),
        )


def _inside(root: Path) -> tuple[Path, ...]:
    """Return the folders that links may point into: the folder, and the blobs beside a snapshot of the hub's cache."""
    real = root.resolve()
    if real.parent.name == "snapshots" and (real.parent.parent / "blobs").is_dir():
        return real, real.parent.parent / "blobs"
    return (real,)


def _check_root(folder: Path, choice: _Choice) -> None:
    """Raise BadFolder if the folder cannot be a model's."""
    try:
        is_folder = folder.is_dir()
        below = sorted(folder.glob("models--*")) if is_folder else []
        caches = [folder] if not covers_all_of(choice.exclude, "snapshots") and _is_hub_cache(folder) else []
        caches += [one for one in below if not covers_all_of(choice.exclude, one.name) and _is_hub_cache(one)]
        snapshots = [one for cache in caches for one in sorted((cache / "snapshots").iterdir())]
    except OSError as error:
        raise BadFolder(f"{_shown(folder)}: {error.strerror}", hint="make it readable") from None
    if not is_folder:
        raise BadFolder(f"{_shown(folder)}: is no folder")
    if caches:
        hint = f"name the model's snapshot: {some([str(one) for one in snapshots])}" if snapshots else ""
        raise BadFolder(f"{_shown(folder)}: is a cache of the Hugging Face hub, and no model's folder", hint=hint)


def _is_hub_cache(folder: Path) -> bool:
    return (folder / "snapshots").is_dir() and (folder / "blobs").is_dir()


def _check_names(folder: str, files: Sequence[SourceFile], choice: _Choice) -> None:
    suspects = [file.path for file in files if is_suspicious(file.path) and not covers(choice.include, file.path)]
    if suspects:
        places = sorted({suspect(path) for path in suspects})
        raise Suspicious(f"{folder}: looks secret or unfinished: {some(sorted(suspects))}", hint=_hint(places))


def _check_contents(files: Sequence[SourceFile], choice: _Choice) -> None:
    for file in files:
        if not file.size or covers(choice.include, file.path):
            continue
        with opened(file) as content:

            def read(offset: int, most: int, handle: int = content.fileno()) -> bytes:
                return os.pread(handle, most, offset)

            what = stands_for(file.path, file.size, read)
        if what:
            raise Suspicious(
                f"{file.location}: is {what}", hint=f"put the file itself in its place; or {_hint([file.path])}"
            )


def _hint(paths: Sequence[str]) -> str:
    """Return a hint on what to do about files or folders, with globs that match them."""
    globs = " ".join(f"--exclude {quote(escape(path))}" for path in paths[:_SHOWN])
    more = " …" if len(paths) > _SHOWN else ""
    return (
        f"leave out what is not meant with {globs}{more}, or push it all the same with --include in place of --exclude"
    )


def _shown(path: Path) -> str:
    return printable(str(path), 500)
