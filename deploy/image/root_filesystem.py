"""Put together the root filesystem of the image from the base that it is built on.

    python3 root_filesystem.py VIRTUAL_ENVIRONMENT TARGET

1. the interpreter and its standard library, without what pods never import
2. the virtual environment, without the programs and pieces that pods never run
3. the shared libraries that any of these loads, and the loader
4. CAs, users, and folders for temporary files
5. byte code of all of it: pods cannot write to their root filesystem, and would compile at every start

No path of any architecture or distribution stands here: Python and the loader say where things are.
"""

import compileall
import py_compile
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_UNUSED_MODULES = (
    "__pycache__",
    "config-*",  # for those who link Python into a program of their own
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "venv",
)
_UNUSED_IN_PACKAGES = (
    "__pycache__",
    "*.pyi",
    "_cffi.*.so",  # zstandard has its C code twice; CPython takes the other
    "tests",
)
_PROGRAMS = re.compile(r"python.*|weighbridge")
_LIBRARY = re.compile(r"(?<=\s)/\S+")
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_USERS = "root:x:0:0:root:/:\nweighbridge:x:65532:65532:weighbridge:/tmp:\n"
_GROUPS = "root:x:0:\nweighbridge:x:65532:\n"


def main() -> None:
    """Put the root filesystem together, and say how large its parts are."""
    environment, target = map(Path, sys.argv[1:])
    _link_as_the_base_does(target)
    library = Path(sysconfig.get_path("stdlib"))
    _copy_tree(library, target, _UNUSED_MODULES)  # 1.
    _copy_file(Path(sys.executable), target)
    _copy_tree(environment, target, _UNUSED_IN_PACKAGES)  # 2.
    _keep_programs(target / environment.relative_to("/") / "bin")
    for path in _loaded(target, [Path(sys.executable), *library.rglob("*.so"), *environment.rglob("*.so")]):  # 3.
        _copy_file(path, target)
    _write_settings(target)  # 4.
    _compile(target)  # 5.
    for path in (library, environment):
        print(f"{path}: {_mebibytes(target / path.relative_to('/')):.0f} MiB")
    print(f"all: {_mebibytes(target):.0f} MiB")


def _link_as_the_base_does(target: Path) -> None:
    """Make /lib and the like links where they are links: the loader's own path leads through one."""
    for path in Path("/").iterdir():
        if path.is_symlink() and not path.readlink().is_absolute():
            (target / path.resolve().relative_to("/")).mkdir(parents=True, exist_ok=True)
            (target / path.name).symlink_to(path.readlink())


def _copy_tree(folder: Path, target: Path, unused: tuple[str, ...]) -> None:
    place = target / folder.relative_to("/")
    shutil.copytree(folder, place, symlinks=True, ignore=shutil.ignore_patterns(*unused), dirs_exist_ok=True)
    for path in [one for one in place.rglob("*") if one.is_symlink()]:
        _copy_file(folder / path.relative_to(place), target)


def _copy_file(path: Path, target: Path) -> None:
    """Copy a file to its place below `target`, and each link on the way to it as a link."""
    place = target / (path.parent.resolve() / path.name).relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        if not place.is_symlink():
            place.symlink_to(path.readlink())
        _copy_file(path.parent / path.readlink(), target)
    elif path.is_file() and not place.exists():
        shutil.copy2(path, place)


def _keep_programs(folder: Path) -> None:
    for path in folder.iterdir():
        if not _PROGRAMS.fullmatch(path.name):
            path.unlink()


def _loaded(target: Path, programs: list[Path]) -> Iterator[Path]:
    """Return the libraries that the loader finds for programs and extension modules, and those that C loads by name."""
    for program in programs:
        if (target / program.resolve().relative_to("/")).exists():
            answer = subprocess.run([_loader(), "--list", program], check=True, capture_output=True, text=True)
            yield from map(Path, _LIBRARY.findall(answer.stdout))
    yield from Path(_loader()).parent.glob("libgcc_s.so.*")  # what ends a thread is in it
    yield Path("/etc/ld.so.cache")  # where libraries are that are in none of the loader's own folders


def _loader() -> str:
    mapped = Path("/proc/self/maps").read_text().split()
    return next(word for word in mapped if Path(word).name.startswith("ld-"))


def _write_settings(target: Path) -> None:
    texts = {"etc/passwd": _USERS, "etc/group": _GROUPS, "etc/nsswitch.conf": "hosts: files dns\n"}
    for name, text in texts.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
    _copy_file(_CA_BUNDLE, target)
    openssl = ssl.get_default_verify_paths()
    _copy_file(Path(openssl.openssl_cafile).with_name("openssl.cnf"), target)
    bundle = target / openssl.openssl_cafile.lstrip("/")  # where OpenSSL itself looks
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.unlink(missing_ok=True)
    bundle.symlink_to(_CA_BUNDLE)
    for name in ("tmp", "var/tmp"):
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name).chmod(0o1777)


def _compile(target: Path) -> None:
    never_stale = py_compile.PycInvalidationMode.UNCHECKED_HASH
    done = compileall.compile_dir(
        target, maxlevels=99, quiet=1, workers=0, invalidation_mode=never_stale, stripdir=target, prependdir="/"
    )
    if not done:
        sys.exit("byte code of some module is missing")


def _mebibytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*")) / (1 << 20)


if __name__ == "__main__":
    main()
