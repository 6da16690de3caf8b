"""The only module that calls the package `huggingface_hub`: the token, a repository's files, and their addresses.

Imported only when a source is on the hub. The package's requests go over this project's own connections, so that one
set of CAs, proxies and time limits holds for all requests.

Tests: tests/puller/test_hub.py
"""

import os
import re
import sys
from http import HTTPStatus
from itertools import islice
from pathlib import Path

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_token,
    hf_hub_download,
    hf_hub_url,
    is_offline_mode,
    set_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError, OIDCError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.tqdm import disable_progress_bars

from registry.digest import Digest
from registry.errors import (
    BadCredentials,
    BadDigest,
    BadHubAnswer,
    Fault,
    HubGated,
    HubNotFound,
    HubUnauthorized,
    Refused,
)
from registry.http.failures import Headers, other_failure
from registry.http.redirects import RedirectRule
from registry.http.transport import Transport
from registry.net.origin import Origin, redacted
from registry.printable import printable
from registry.source import HubSource

from .package_transport import ANSWER_LIMIT, PackageTransport
from .snapshot import HubFile, Listing

_ABSENT = ("RepoNotFound", "RevisionNotFound", "EntryNotFound")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_YES = ("1", "ON", "YES", "TRUE")
_PART = r"(?!\.{0,2}(?:/|\Z))[^/\0\ud800-\udfff]+"
_NAMEABLE = re.compile(rf"{_PART}(?:/{_PART})*", re.DOTALL)
"""The names that git can have: a listing with others is none. Which of these a volume can hold is judged of what is
selected (puller.artifact.part)."""

_MOST_FILES = 200_000
"""Twice as many as the hub recommends of a repository: all of them are in memory at once."""


class HuggingFace:
    """A hub, and the user's access to it."""

    def __init__(self, endpoint: str, transport: Transport) -> None:
        """An empty `endpoint` means the package's default. Raises Refused when the user's environment says offline."""
        if is_offline_mode():
            names = " and ".join(name for name in _OFFLINE if os.environ.get(name, "").upper() in _YES)
            names = names or _OFFLINE[0]
            raise Refused(f"the hub may not be asked: {names} says so", hint=f"take {names} away")
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self._transport, self._rule = transport, RedirectRule(Origin.of(self.endpoint))
        self._carry(ANSWER_LIMIT)
        self.authorization = _authorization()

    def look_up(self, source: HubSource) -> Listing:
        """Return the commit that a revision names, and its files.

        The files are those of the commit's tree, which comes in pages: the hub cuts what it says of them elsewhere.
        Raises HubNotFound, HubUnauthorized, HubGated, BadHubAnswer, and the network's errors.
        """
        self._carry(ANSWER_LIMIT)
        api = HfApi(endpoint=self.endpoint, token=self._token)
        try:
            pinned = _pinned(source, api.model_info(source.repository, revision=source.revision).sha)
            entries = api.list_repo_tree(pinned.repository, revision=pinned.revision, recursive=True)
            files = (_file(source, entry) for entry in entries if isinstance(entry, RepoFile))
            found = tuple(islice(files, _MOST_FILES + 1))
        except HfHubHTTPError as error:
            answer = error.response
            raise self.failure(str(answer.url), answer.status_code, answer.headers) from None
        except (
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise BadHubAnswer(f"{source}: the hub's answer makes no sense ({type(error).__name__})") from error
        if len(found) > _MOST_FILES:
            raise BadHubAnswer(f"{source}: more than {_MOST_FILES} files, which no model has")
        return Listing(pinned, found)

    def url(self, source: HubSource, path: str) -> str:
        """Return the address of a file."""
        return hf_hub_url(source.repository, path, revision=source.revision, endpoint=self.endpoint)

    def download(self, source: HubSource, path: str, folder: Path) -> Path:
        """Download a whole file with the package, by hf_xet where both sides can; return its path, unverified.

        Raises Refused for every failure, because the caller can always fall back to range requests.
        """
        disable_progress_bars()
        self._carry(sys.maxsize)
        try:
            where = hf_hub_download(
                source.repository,
                path,
                revision=source.revision,
                local_dir=folder,
                endpoint=self.endpoint,
                token=self._token,
            )
        except Exception as error:
            raise Refused(f"{path}: huggingface_hub did not bring it ({type(error).__name__})") from error
        return Path(where)

    def failure(self, url: str, status: int, headers: Headers) -> Fault:
        """Return the error for an unwanted answer, with the hub's own words."""
        code, words = headers.get("X-Error-Code", ""), headers.get("X-Error-Message", "")
        if self._token:
            words = words.replace(str(self._token), "…")
        said = f"GET {redacted(url)}: {status} {printable(words)}".rstrip()
        who = f" (asked {'with' if self.authorization else 'without'} a token)"
        if code == "GatedRepo":
            return HubGated(said + who)
        if code in _ABSENT or status == HTTPStatus.NOT_FOUND:
            return HubNotFound(said + who)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return HubUnauthorized(said + who)
        return other_failure(said, status, headers)

    def _carry(self, limit: int) -> None:
        """Send the package's requests over our connections, with answers of at most `limit` bytes."""
        wire = PackageTransport(self._transport, self._rule, limit, self.failure)
        set_client_factory(lambda: httpx2.Client(transport=wire, follow_redirects=True, trust_env=False))

    @property
    def _token(self) -> str | bool:
        """The token as the package expects it: False keeps the package from looking for one itself."""
        return self.authorization.get("Authorization", "").removeprefix("Bearer ") or False


def _authorization() -> dict[str, str]:
    """Return the header with the user's token, from where the package looks for it; none without a token."""
    try:
        token = "" if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token() or ""
    except PermissionError as error:
        if os.environ.get("HF_TOKEN_PATH") or os.environ.get("HF_HOME"):
            raise BadCredentials(
                f"the file with the hub's token may not be read ({error.strerror})", hint="set HF_TOKEN"
            ) from None
        token = ""  # in a home of another user, which this user did not name
    except (OSError, ValueError, OIDCError) as error:
        raise BadCredentials(
            f"no token for the hub can be had, though one is configured ({type(error).__name__})",
            hint="set HF_TOKEN, or a readable file with HF_TOKEN_PATH",
        ) from None
    if not (token.isascii() and token.isprintable()):
        raise BadCredentials("the hub's token is no token: it holds odd characters", hint="set HF_TOKEN anew")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _pinned(source: HubSource, commit: str | None) -> HubSource:
    """Return the source at the commit that the hub names; raise BadHubAnswer for none, or for another commit."""
    pinned = source.pinned(str(commit))
    if not pinned.is_pinned:
        raise BadHubAnswer(f"{source}: the hub names no commit, but {str(commit)[:60]!r}")
    if source.is_pinned and pinned != source:
        raise BadHubAnswer(f"{source}: the hub answers for another commit, {commit}")
    return pinned


def _file(source: HubSource, entry: RepoFile) -> HubFile:
    """Parse one entry of a listing; raise BadHubAnswer that names it."""
    path, size, blob_id, lfs = entry.path, entry.size, entry.blob_id, entry.lfs
    try:
        digest = Digest.parse(f"sha256:{lfs.sha256}") if lfs else None
        size = lfs.size if lfs else size
    except (BadDigest, AttributeError):
        raise BadHubAnswer(f"{source}: {path!r} has no sha256") from None
    if not isinstance(path, str) or not isinstance(size, int) or size < 0 or not isinstance(blob_id, str):
        raise BadHubAnswer(f"{source}: {path!r} has no size or no blob id")
    if not _NAMEABLE.fullmatch(path):  # checked before the path becomes part of a URL
        raise BadHubAnswer(f"{source}: the file name {path[:200]!r} climbs out, or is one that git cannot have")
    return HubFile(path, size, digest, blob_id)
