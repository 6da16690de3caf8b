"""`registry/repository:tag@sha256:…` as a value."""

import re
from typing import NamedTuple, Self

from oras.defaults import default_tag
from oras.defaults import registry as hub

from .digest import Digest
from .errors import BadDigest, BadReference

# distribution-spec, "Pulling manifests": <name> and <reference>
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HOST = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
_LOOPBACK = re.compile(r"127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")  # RFC 1122, 3.2.1.3
_NAME_LIMIT = 255


def is_tag(text: str) -> bool:
    """Return whether a text can be a tag."""
    return _TAG.fullmatch(text) is not None


class Reference(NamedTuple):
    """The name of an artifact in a registry. A digest, when present, decides; the tag is then only informative."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a reference; raise BadReference that names the wrong part.

        The registry must be written, so that a typing error does not reach a public hub. Without tag and digest, the
        tag is `latest`.
        """
        name, at, digest_text = text.partition("@")
        registry, slash, rest = name.partition("/")
        if not slash or not _looks_like_host(registry):
            raise BadReference(f"{text!r} names no registry")
        if not _HOST.fullmatch(registry):
            raise BadReference(f"{text!r}: {registry!r} is no registry host")
        repository, colon, tag = rest.partition(":")
        if len(repository) > _NAME_LIMIT or not _REPOSITORY.fullmatch(repository):
            raise BadReference(
                f"{text!r}: {repository!r} is no repository name",
                hint="a repository is lower-case letters, digits and . _ - between slashes",
            )
        if colon and not is_tag(tag):
            raise BadReference(f"{text!r}: {tag!r} is no tag")
        try:
            digest = Digest.parse(digest_text) if at else None
        except BadDigest as error:
            raise BadReference(f"{text!r}: {error}", hint=error.hint) from error
        if not tag and digest is None:
            tag = default_tag
        return cls(registry=registry, repository=repository, tag=tag or None, digest=digest)

    @property
    def target(self) -> str:
        """The <reference> of requests: the digest when there is one, else the tag."""
        return str(self.digest) if self.digest else str(self.tag)

    @property
    def host(self) -> str:
        """The host of the registry's API: Docker Hub's has a name of its own."""
        return api_host(self.registry)

    @property
    def namespace(self) -> str:
        """The registry's name in requests to mirrors."""
        return first_name(self.registry) if first_name(self.registry) == hub.index_name else self.registry

    def pinned(self, digest: Digest) -> Self:
        """Return the same reference with its digest."""
        return self._replace(digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def api_host(registry: str) -> str:
    """Return the host of a registry's API."""
    return str(hub.default_v2_registry["host"]) if first_name(registry) == hub.index_name else registry


def first_name(registry: str) -> str:
    """Return the first name of a registry: in lower case, and Docker Hub's for each of its hosts."""
    name = registry.lower()
    return str(hub.index_name) if name in (hub.index_hostname, hub.default_v2_registry["host"]) else name


def is_loopback(registry: str) -> bool:
    """Return whether `host[:port]` is this machine, where plain HTTP is usual."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) and registry != "::1" else registry
    return host in {"localhost", "::1", "[::1]"} or _LOOPBACK.fullmatch(host) is not None


def _looks_like_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost"
