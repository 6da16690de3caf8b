"""A Hugging Face hub in this process, and the network that serves its large files from an address of their own.

It speaks what a reader of models needs of the hub's API: the commit of a revision, the pages of its tree, and files,
which it redirects to where they are. Both halves note requests and fail on script, as the fake registry does.
"""

import hashlib
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from .registry import Answer, FakeRegistry, Request, serving

REPOSITORY = "team/model"
SIGNATURE = "signature=secret"


@dataclass(frozen=True)
class Gate:
    """Who may read the files: holders of the token, and of them those who accepted the terms."""

    token: str
    is_accepted: bool = True


class FakeCdn(FakeRegistry):
    """Where large files are: under their digests, for whoever has a signed address."""

    def honest(self, request: Request) -> Answer:
        """Answer with a file, or a part of it."""
        return super().honest(request) if request.path.endswith(SIGNATURE) else Answer(403)


class FakeHub(FakeRegistry):
    """The hub's memory: revisions, and the files of each commit."""

    def __init__(self, cdn: FakeCdn) -> None:
        super().__init__()
        self.cdn = cdn
        self.scheme = "http"
        self.revisions: dict[str, str] = {}
        self.commits: dict[str, dict[str, bytes]] = {}
        self.gate: Gate | None = None
        self.is_private = False
        self.large_bytes = 1000
        """From this size on a file is kept outside git: enough for models of tests."""

        self.page_files = 1000
        """How many files one page of a listing has, and a model's own page at most."""

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT says to reach it."""
        return f"{self.scheme}://{self.address}"

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Take a commit, and move a branch to it; give the commit's name."""
        held = dict(files)
        named = sorted((path, git_id(content)) for path, content in held.items())
        name = hashlib.sha1(repr(named).encode(), usedforsecurity=False).hexdigest()
        self.commits[name] = held
        self.revisions[branch] = self.revisions[name] = name
        for content in held.values():
            if self.is_large(content):
                self.cdn.add_blob(content)
        return name

    def honest(self, request: Request) -> Answer:
        """Answer as a hub does that is well."""
        parts = [unquote(part) for part in request.path.partition("?")[0].strip("/").split("/")]
        api, kept = parts[:2] == ["api", "models"], parts[:3] == ["api", "resolve-cache", "models"]
        names = parts[3:5] if kept else parts[2:4] if api else parts[:2]
        refusal = self._refusal(request, "/".join(names), is_file=not api)
        if refusal:
            return refusal
        revision, path = (parts[5], parts[6:]) if kept or api else (parts[3], parts[4:])
        if revision not in self.revisions:
            return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        files = self.commits[self.revisions[revision]]
        if api:
            return self._page(request, files) if parts[4] == "tree" else self._model(self.revisions[revision], files)
        if "/".join(path) not in files:
            return _error(404, "EntryNotFound", "Entry not found")
        return self._file(request, self.revisions[revision], "/".join(path), is_there=kept)

    def _model(self, commit: str, files: Mapping[str, bytes]) -> Answer:
        """Answer with what is said of a model; the hub cuts its files off without a word."""
        siblings = [{"rfilename": path} for path in files][: self.page_files]
        document = {"id": REPOSITORY, "sha": commit, "private": False, "siblings": siblings}
        return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _page(self, request: Request, files: Mapping[str, bytes]) -> Answer:
        """Answer with a page of a commit's tree: files, the folders of them, and where the next page is."""
        place, _, query = request.path.partition("?")
        cursor = int(dict(parse_qsl(query)).get("cursor", "0"))
        entries = [*_folders(files), *(self._entry(path, content) for path, content in files.items())]
        headers = {"Content-Type": "application/json"}
        after = cursor + self.page_files
        if after < len(entries):
            headers["Link"] = f'<{self.endpoint}{place}?recursive=true&cursor={after}>; rel="next"'
        return Answer(200, json.dumps(entries[cursor:after]).encode(), headers)

    def _entry(self, path: str, content: bytes) -> dict[str, object]:
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": git_id(content)}
        lfs = {"oid": large_id(content), "size": len(content), "pointerSize": 134}
        return {**entry, "lfs": lfs} if self.is_large(content) else entry

    def is_large(self, content: bytes) -> bool:
        """Return whether a file is kept outside git."""
        return len(content) >= self.large_bytes

    def file_requests(self) -> list[Request]:
        """Return the reads of files so far."""
        return [request for request in self.requests if "/resolve/" in request.path]

    def _refusal(self, request: Request, repository: str, *, is_file: bool) -> Answer | None:
        known = self.gate is not None and request.headers.get("authorization") == f"Bearer {self.gate.token}"
        if repository != REPOSITORY or (self.is_private and not known):
            return _error(404 if known else 401, "RepoNotFound", "Repository not found")
        if self.gate is None or not is_file or (known and self.gate.is_accepted):
            return None
        if known:
            return _error(403, "GatedRepo", "Access to model team/model is restricted: you are not in the list")
        return _error(401, "GatedRepo", "Access to model team/model is restricted. You must have access to it")

    def _file(self, request: Request, commit: str, path: str, *, is_there: bool) -> Answer:
        """Answer with a file of git's, or lead to where it is."""
        content = self.commits[commit][path]
        if self.is_large(content):
            sha256 = large_id(content)
            where = f"{self.scheme}://{self.cdn.address}/blobs/sha256:{sha256}?{SIGNATURE}"
            linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(content))}
            return Answer(302, headers={"Location": where, "X-Repo-Commit": commit, **linked})
        if not is_there:
            place = request.path.replace("/resolve/", "/").partition("?")[0]
            return Answer(307, headers={"Location": f"/api/resolve-cache/models{place}"})
        return Answer(200, content, {"ETag": f'"{git_id(content)}"', "X-Repo-Commit": commit})


@lru_cache
def large_id(content: bytes) -> str:
    """Return the name of a file that is kept outside git."""
    return hashlib.sha256(content).hexdigest()


@lru_cache
def git_id(content: bytes) -> str:
    """Return git's name for a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _folders(files: Mapping[str, bytes]) -> Iterator[dict[str, object]]:
    """Yield the entry of every folder."""
    folders = {path[:end] for path in files for end, letter in enumerate(path) if letter == "/"}
    yield from ({"type": "directory", "path": path, "size": 0, "oid": git_id(path.encode())} for path in folders)


def _error(status: int, code: str, words: str) -> Answer:
    headers = {"X-Error-Code": code, "X-Error-Message": words, "Content-Type": "application/json"}
    return Answer(status, json.dumps({"error": words}).encode(), headers)


@contextmanager
def fake_hub(tls: ssl.SSLContext | None = None) -> Iterator[FakeHub]:
    """Serve an empty hub on loopback until the block ends, and its network for large files on another port."""
    with serving(FakeCdn(), tls) as cdn, serving(FakeHub(cdn), tls) as hub:
        hub.scheme = "https" if tls else "http"
        yield hub
