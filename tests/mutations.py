"""Pulls and inspections of what was mutated at random: run as `python -m tests.mutations FIRST COUNT ROOT`.

Each case is a seed: a volume with a published and an unfinished model, a layout, a docker config and a registry are
made well, then one of these is changed: state files, the layout, the configs, the environment, or what the registry
answers. A forked process pulls. It must end in time, in success with the right bytes or in an error with a code, with
little memory. The first case that does not is raised, with its seed.
"""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import puller.container
import puller.inspection.inspect
import puller.pull
from puller.settings import Settings
from puller.store.journal import boot_id
from registry.access.access import Access
from registry.access.environment import access_from
from registry.auth.credentials import Credentials
from registry.errors import Fault
from registry.http.retry import Patience
from registry.http.transport import Transport
from registry.net.limits import Limits
from registry.process.program import ending_of, open_streams
from registry.progress.reporter import QuietReporter

from .fakes.registry import Answer, FakeRegistry, Request, serving
from .puller.models import layer, manifest_of, noise, read_tree
from .puller.packs import CODECS, Layer, Layout, tar_of

CHUNK = 64 << 10
MODEL = {"config.json": b'{"a": 1}', "deep/w.safetensors": noise(3 * CHUNK), "tokenizer.json": noise(1000)}
NEXT = {**MODEL, "config.json": b'{"a": 2}'}
MEMORY_BYTES = 96 << 20
SECONDS = 30
_PRECIOUS = b"somebody's own"
_MANIFEST = "application/vnd.cncf.model.manifest.v1+json"
_VALUES: tuple[Any, ...] = (None, True, -1, 0, 7, 1e400, 1 << 70, "", "x", "../../precious", "\ud800", [], {}, [[[]]])


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """Change some bytes: flip, cut, double, insert, replace."""
    at, length = random.randrange(len(content) + 1), random.randint(0, 20)
    match random.randrange(6):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + random.randbytes(length) + content[at + length :]
        case 2:
            return content[:at] + content[at : at + length] * 3 + content[at + length :]
        case 3:
            return random.choice((b"", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"null", b"9" * 5000))
        case 4:
            return content.replace(random.choice((b'"', b":", b",", b"/")), random.choice((b"", b"\0", b"\n", b"''")))
        case _:
            return content[at:] + content[:at]


def mutated_json(content: bytes, random: Random) -> bytes:
    """Change one value somewhere in a document, or its bytes where it is none."""
    try:
        document = json.loads(content)
    except ValueError:
        return mutated_bytes(content, random)
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, one in inner:
            places.append((value, key))
            waiting.append(one)
    if places:
        holder, key = random.choice(places)
        if random.random() < 0.2:
            del holder[key]
        else:
            holder[key] = random.choice((*_VALUES, holder[key], [holder[key]] * 3))
    return json.dumps(document).encode()


def mutated(content: bytes, random: Random) -> bytes:
    """Change a file, in its meaning or in its bytes."""
    return random.choice((mutated_json, mutated_bytes))(content, random)


def spoil(path: Path, random: Random, precious: Path) -> None:
    """Change what stands at a path, or what it is."""
    content = path.read_bytes() if path.is_file() else b""
    kind = random.randrange(10)
    if kind < 6 and path.is_file():
        path.write_bytes(mutated(content, random))
        return
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    if kind == 6:
        path.mkdir(parents=True, exist_ok=True)
    elif kind == 7:
        path.symlink_to(random.choice((precious, Path(".."), Path("nowhere"), Path(path.name))))
    elif kind == 8:
        os.mkfifo(path)
    elif kind == 9:
        path.touch()
        os.truncate(path, 3 << 30)


class World:
    """All that a pull reads, made well."""

    def __init__(self, root: Path, address: str) -> None:
        self.root, self.address = root, address
        root.mkdir(parents=True)
        self.layout = Layout(root / "layout")
        self.sources = [self._push(MODEL, "v0"), self._push(NEXT, "v1"), self._push_archive()]
        self.wanted = [MODEL, NEXT, MODEL]
        (root / "config.json").write_text(json.dumps(_docker_config(address)))
        (root / "hosts/_default").mkdir(parents=True)
        (root / "hosts/_default/hosts.toml").write_text(_HOSTS)
        volume = root / "volume"
        volume.mkdir()
        self.pull(Settings(source=self.sources[0], destination=str(volume / "model"), cache=str(volume / ".cache")))
        self._leave_unfinished(volume / ".weighbridge/model" / str(os.geteuid()))

    def pull(self, settings: Settings) -> None:
        """Pull without a network."""
        puller.pull.pull(settings, Access(transport=Transport(proxies={}), credentials=Credentials()), QuietReporter())

    def _push(self, files: dict[str, bytes], tag: str) -> str:
        described = [(layer(path, content, chunk=CHUNK), content) for path, content in files.items()]
        layers = [Layer(content, one.media_type, one.annotations) for one, content in described]
        descriptor = self.layout.manifest(layers, artifact_type=_MANIFEST)
        self.layout.tag(descriptor, tag)
        return f"{self.layout.source(tag)}@{descriptor['digest']}"

    def _push_archive(self) -> str:
        content = CODECS["+zstd"](tar_of(MODEL))
        packed = Layer(content, "application/vnd.cncf.model.weight.v1.tar+zstd")
        descriptor = self.layout.manifest([packed], artifact_type=_MANIFEST)
        self.layout.tag(descriptor, "v2")
        return f"{self.layout.source('v2')}@{descriptor['digest']}"

    def _leave_unfinished(self, workshop: Path) -> None:
        """Leave what a pull of version 2 leaves that is killed before it publishes."""
        digest = self.sources[2].rpartition(":")[2]
        layer_hex = json.loads((self.layout.folder / "blobs/sha256" / digest).read_text())["layers"][0]["digest"][7:]
        stage = workshop / "stage" / layer_hex
        stage.mkdir(parents=True)
        members = []
        for number, (name, content) in enumerate(MODEL.items()):
            (stage / str(number)).write_bytes(content)
            identity = [(stage / str(number)).stat().st_ino, len(content)]
            member = {"name": name, "kind": "file", "size": len(content), "mode": 0o644, "mtime": 1.5, "target": ""}
            members.append({**member, "place": str(number), "file": identity})
        (stage / "list").write_text(json.dumps(members))
        size = (self.layout.folder / "blobs/sha256" / layer_hex).stat().st_size
        head = json.dumps({"manifest": f"sha256:{digest}", "boot": boot_id(), "bytes": size})
        (workshop / "journal").write_text(f"{head}\n{layer_hex} 0 {size} 0\n")
        (workshop / "incoming").mkdir()


def _docker_config(address: str) -> dict[str, Any]:
    return {"auths": {address: {"auth": "bWU6aHVzaA=="}, "other.example": {"username": "a", "password": "b"}}}


_HOSTS = 'server = "https://nowhere.invalid"\n[host."http://127.0.0.1:9"]\ncapabilities = ["pull", "resolve"]\n'


class MutatingRegistry(FakeRegistry):
    """Answers each request for `/v2/sSEED/…` wrong, as the seed says; without a seed it is well."""

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        seed = request.path.split("/")[2].removeprefix("s")
        answer = self.honest(request)
        random = Random(f"{seed} {request.path} {request.headers.get('range')}")
        if not seed.isdecimal() or random.random() < 0.4:
            return answer
        return self._changed(answer, random)

    def _changed(self, answer: Answer, random: Random) -> Answer:
        headers = dict(answer.headers)
        for _ in range(random.randint(1, 2)):
            name = random.choice(_HEADERS)
            headers[name] = random.choice(_HEADER_VALUES).replace("{address}", self.address)
        status = random.choice((answer.status, answer.status, *_STATUSES))
        body = mutated(answer.body, random) if random.random() < 0.5 else answer.body
        length = random.choice((None, None, 0, len(body) + 5))
        return replace(answer, status=status, headers=headers, body=body, length=length)


_STATUSES = (200, 206, 204, 301, 307, 308, 400, 401, 403, 404, 416, 418, 429, 500, 503)
_HEADERS = (
    *("Location", "WWW-Authenticate", "Content-Range", "Content-Encoding", "Content-Type", "Docker-Content-Digest"),
    *("Retry-After", "Transfer-Encoding", "Connection", "X-Error-Code", "Date"),
)
_HEADER_VALUES = (
    *("", "x", "http://[::1", "http://h:99999/", "http://127.0.0.1:9/x", "http://{address}/v2/x/blobs/y"),
    *("/v2/x", "1", "Bearer ", "Bearer x" * 400),
    *(
        'Bearer realm="http://{address}/token",service="r"',
        'Basic realm="r"',
        "Negotiate, NTLM",
        "Bearer ",
        "Bearer x" * 400,
    ),
    *("bytes 0-9/10", "bytes */*", "bytes 9-0/1", "gzip", "chunked", "close", "sha256:" + "0" * 64, "sha256:zz"),
    *("7", "-1", "1e9", "Wed, 25 Nov 2026 18:20:08 GMT", "Sun, 99 Foo", "\x1b[2J", "ä", "9" * 400),
)


def _serve() -> None:
    """Serve a mutating registry until stdin ends; print its address."""
    registry = MutatingRegistry()
    for content in MODEL.values():
        registry.add_blob(content)
    registry.add_blob(b"{}")
    registry.add(manifest_of([layer(path, content, chunk=CHUNK) for path, content in MODEL.items()]))
    with serving(registry) as running:
        sys.stdout.write(f"{running.address}\n")
        sys.stdout.flush()
        sys.stdin.read()


def _of_state(world: World, random: Random) -> Callable[[], int]:
    """Spoil files behind the model; then pull one of the versions."""
    volume = world.root / "case"
    shutil.copytree(world.root / "volume", volume, symlinks=True)
    files = [path for path in volume.rglob("*") if ".weighbridge" in path.parts and path != volume / ".weighbridge"]
    for path in random.sample(files, random.randint(1, 3)):
        if os.path.lexists(path):
            spoil(path, random, world.root / "precious")
    return lambda: _contained(_settings(world, volume, random))


def _of_layout(world: World, random: Random) -> Callable[[], int]:
    """Spoil the layout's documents or blobs; then pull from it."""
    layout = world.root / "case-layout"
    shutil.copytree(world.layout.folder, layout)
    spoil(random.choice([layout, *(path for path in layout.rglob("*"))]), random, world.root / "precious")
    settings = _settings(world, world.root / "case", random)
    (world.root / "case").mkdir()
    source = settings.source.replace(str(world.layout.folder), str(layout))
    source = source if random.random() < 0.5 else source.partition("@")[0]
    return lambda: _contained(replace(settings, source=source))


def _of_environment(world: World, random: Random) -> Callable[[], int]:
    """Change variables; the pull is of a registry that is not there, or of the layout."""
    (world.root / "case").mkdir()
    settings = replace(_settings(world, world.root / "case", random), docker_configs=(str(world.root / "config.json"),))
    if random.random() < 0.5:
        settings = replace(settings, source=f"{world.address}/team/model:v1", hosts_dir=str(world.root / "hosts"))
    environ = {**settings.to_env(), "HOME": str(world.root), "DOCKER_CONFIG": str(world.root)}
    values = ("", ",", "\udcff", "x" * 5000, "true", "-1", "1e9", "/proc", "/dev/null/x", "http://[::1", "h:99999")
    places = (
        str(world.root),
        str(world.root / "precious"),
        str(world.root / "here/new"),
    )  # nothing of the machine's own
    url = mutated_bytes(b"http://u:p@h:80/p", random).decode(errors="replace").replace("/", ":")
    names = [*environ, "HTTP_PROXY", "NO_PROXY", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "SSL_CERT_FILE"]
    names += [f"WEIGHBRIDGE_PULL_{name}" for name in ("CACHE", "CA_FILE", "MIRRORS", "INCLUDE", "PIECE_BYTES", "SYNC")]
    for name in random.sample(names, random.randint(1, 3)):
        environ[name] = random.choice((*values, *places, url))
    environ = {name: value.replace("\0", "") for name, value in environ.items()}
    return lambda: _main(environ)


def _of_configs(world: World, random: Random) -> Callable[[], int]:
    """Spoil the docker config or the hosts.toml of a registry."""
    shutil.copytree(world.root / "hosts", world.root / "case-hosts")
    shutil.copyfile(world.root / "config.json", world.root / "case-config.json")
    (world.root / "case").mkdir()
    spoiled = random.choice((world.root / "case-config.json", world.root / "case-hosts/_default/hosts.toml"))
    spoil(spoiled, random, world.root / "precious")
    if spoiled.is_fifo():
        spoiled.unlink()  # who names a pipe waits for it, as with any program
    settings = replace(
        _settings(world, world.root / "case", random),
        source=f"{world.address}/team/model:v1",
        docker_configs=(str(world.root / "case-config.json"),),
        hosts_dir=str(world.root / "case-hosts"),
    )
    return lambda: _contained(settings)


def _of_answers(world: World, random: Random) -> Callable[[], int]:
    """Have the registry answer wrong, to a pull and to an inspection."""
    (world.root / "case").mkdir()
    source = f"{world.address}/s{random.getrandbits(30)}/model:v1"
    return lambda: _contained(replace(_settings(world, world.root / "case", random), source=source))


_KINDS = (_of_state, _of_state, _of_layout, _of_environment, _of_configs, _of_answers, _of_answers)


def _settings(world: World, volume: Path, random: Random) -> Settings:
    return Settings(
        source=random.choice(world.sources),
        destination=str(volume / "model"),
        cache=random.choice(("", str(volume / ".cache"))),
        lock_seconds=1,
        termination_log=str(world.root / "case-log"),
    )


def _main(environ: dict[str, str]) -> int:
    debug = os.environ.get("WEIGHBRIDGE_DEBUG", "")
    os.environ.clear()
    os.environ.update(environ | ({"WEIGHBRIDGE_DEBUG": debug} if debug else {}))
    return puller.container.main()


def _contained(settings: Settings) -> int:
    """Pull as the container does, with little patience: its waits would be minutes in a thousand cases."""
    limits = Limits(exchange_seconds=2, hurried_seconds=1, floor_seconds=2, commit_seconds=2)
    try:
        made = access_from({}, docker_configs=settings.docker_configs, hosts_dir=settings.hosts_dir)
        transport = Transport(proxies={}, limits=limits, timeout_seconds=1)
        patience = Patience(seconds=0.2, first_seconds=0.01, longest_asked_seconds=0.1)
        with replace(made, transport=transport, patience=patience) as access:
            puller.pull.pull(settings, access, QuietReporter())
    except Fault as error:
        os.write(2, f"error: {error} [{error.code}]\n".encode(errors="replace"))
        return 1
    except Exception as error:  # noqa: BLE001 - what the law is about
        traceback.print_exc()
        os.write(2, f"[{ending_of(error).code}]\n".encode())
        return 1
    return 0


def case(seed: int, world: World) -> None:
    """Run one case; raise AssertionError with what is wrong."""
    random = Random(seed)
    kind = random.choice(_KINDS)
    for left in (*world.root.glob("case*"), *(world.root / "here").iterdir()):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    (world.root / "case-log").touch()
    (world.root / "precious").write_bytes(_PRECIOUS)
    act = kind(world, random)
    said = world.root / "case-said"
    child = os.fork()
    if not child:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(handle, 2)
        signal.alarm(SECONDS)
        os._exit(act())
    _, status, usage = os.wait4(child, 0)
    code, words = os.waitstatus_to_exitcode(status), said.read_text(errors="replace")
    where = f"seed {seed}, {kind.__name__}: {_short(words)}"
    assert code != -signal.SIGALRM, f"{where}\nhangs"
    assert code in {0, 1}, f"{where}\nended with {code}"
    assert "Traceback" not in words, where
    assert "[internal]" not in words, where
    assert code == 0 or "]" in words, where
    assert usage.ru_maxrss * 1024 < MEMORY_BYTES, f"{where}\ntook {usage.ru_maxrss} KiB"
    is_told = kind is _of_environment  # which may name any file to write to
    assert is_told or (world.root / "precious").read_bytes() == _PRECIOUS, f"{where}\nwrote outside"
    if code == 0 and (world.root / "case/model").is_dir():
        found = read_tree(world.root / "case/model")
        assert any(wanted.items() <= found.items() for wanted in world.wanted), f"{where}\nwrong bytes"


def _short(words: str) -> str:
    return re.sub(r"(.)\1{20,}", r"\1\1…", words)[-1500:]


def _broken(seed: int, world: World) -> str:
    try:
        case(seed, world)
    except AssertionError as error:
        return str(error)
    return ""


def main(arguments: list[str]) -> None:
    """Run what the arguments say."""
    if arguments == ["serve"]:
        _serve()
        return
    open_streams()
    socket.setdefaulttimeout(SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    first, count, root = int(arguments[0]), int(arguments[1]), Path(arguments[2]).absolute()
    server = [sys.executable, "-m", "tests.mutations", "serve"]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving_process:
        assert serving_process.stdout is not None
        world = World(root, serving_process.stdout.readline().strip())
        (root / "here").mkdir()
        os.chdir(root / "here")  # mutated paths may be relative, and land where they may
        broken = [error for seed in range(first, first + count) if (error := _broken(seed, world))]
    assert not broken, "\n\n".join(broken[:5])
    sys.stdout.write(f"{count} cases from seed {first}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
