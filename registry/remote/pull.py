"""Read artifacts from a registry and its mirrors (distribution-spec, "Pulling").

After any failure of a mirror the next host is asked, the registry last; an error is raised only when all have failed.
Bytes from every host are checked against their digest. A tag has none, so it is resolved only by hosts that the
operator trusts with it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from registry.access.access import Access
from registry.digest import Digest, verified
from registry.documents.document import Document
from registry.errors import BadMirrors, Fault, Mismatch, NotFound, ProxyRefused, Unavailable
from registry.http.response import Response
from registry.http.retry import Patience
from registry.manifest import ACCEPT_ALL, Descriptor, Manifest, parse_manifest
from registry.mirrors.failover import Attempt, Failover, HostSelector
from registry.mirrors.host import Host
from registry.net.origin import Origin
from registry.platforms import descend
from registry.reference import Reference
from registry.repository import Resolved

from .endpoint import RepositoryEndpoint

Result = TypeVar("Result")


class RemoteBlobReader:
    """A blob's bytes, read from a host; the hosts `lacking` it cannot go on where this one breaks off."""

    def __init__(self, attempt: Attempt, answer: tuple[Response, int, int], lacking: Collection[str]) -> None:
        self._attempt, self._lacking = attempt, lacking
        self._response, self.start, self.stop = answer
        self._position = self.start
        self.host = attempt.root

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; return 0 at the end. Raises Unavailable when the connection breaks or ends early."""
        try:
            count = self._response.readinto(buffer)
        except Unavailable as error:
            error.has_other = self._attempt.failed(self._lacking)
            raise
        self._position += count
        if self._position == self.stop:
            self._attempt.served()
        elif not count:
            where = f"{self.host}: the connection ended at byte {self._position}"
            raise Unavailable(where, has_other=self._attempt.failed(self._lacking))
        return count

    def abort(self) -> None:
        """Break the connection."""
        self._response.abort()

    def close(self) -> None:
        """Free the connection."""
        self._response.close()


class RemoteRepository:
    """A repository of a registry, for reading. Safe to share between threads."""

    def __init__(self, access: Access, reference: Reference, hosts: Sequence[Host] = ()) -> None:
        """`hosts` are asked in place of those that serve the registry."""
        self._access, self._reference = access, reference
        self._transport, self._patience = access.transport, access.patience
        hosts = hosts or access.hosts(reference)
        self._hosts = HostSelector(hosts)
        self._endpoints = {host.root: RepositoryEndpoint(access, host, reference) for host in hosts}
        self._lacking: set[tuple[Digest, str]] = set()
        self._rangeless: set[str] = set()
        self._cut_off = ""
        self.notices: tuple[str, ...] = ()
        """What whoever copies should know of how complete the answers are."""

    def resolve(self) -> Resolved:
        """Resolve the reference; see Repository.resolve."""
        digest, content = self._whole(self._look_up, self._resolvers)
        return descend(digest, content, str(self._reference), self._child)

    def document(self, target: Digest | str | None = None) -> Document:
        """Return a manifest or an index as it is; see DocumentSource.document."""
        wanted = target or self._reference.digest or self._reference.target
        if isinstance(wanted, str):
            order = self._resolvers if target is None else lambda: self._within_reach(self._resolvers())
            return self._whole(lambda endpoint: Document.parse(endpoint.manifest(wanted, ACCEPT_ALL)), order)

        def ask(endpoint: RepositoryEndpoint) -> Document:
            found = Document.parse(endpoint.manifest(str(wanted), ACCEPT_ALL), wanted.algorithm)
            if found.digest != wanted:
                raise Mismatch(f"{self._reference}: asked for {wanted}, the registry answered {found.digest}")
            return found

        return self._whole(ask, self._hosts.order)

    def referrers(self, digest: Digest) -> tuple[Digest, ...]:
        """Return what refers to a digest, by the registry's API or by the tag in its place.

        A mirror may lack some of it, so the registry itself is asked. Where it cannot be reached its mirrors are, and
        `notices` says so.
        """
        upstream = self._access.upstream(self._reference)
        if self._cut_off != upstream.root:
            endpoint = RepositoryEndpoint(self._access, upstream, self._reference)
            try:
                return _digests(self._patience.patiently(lambda: tuple(endpoint.referrers(digest))))
            except (Unavailable, ProxyRefused) as error:
                if all(root == upstream.root for root in self._hosts.roots):
                    raise
                self._cut_off = upstream.root
                who = f"{Origin.of(upstream.root)} cannot be asked for signatures and the like"
                self.notices = (f"{who}, so that those are taken which its mirrors have ({error})",)
        order = self._hosts.order
        return _digests(self._whole(lambda one: tuple(one.referrers(digest)), lambda: self._within_reach(order())))

    def _within_reach(self, hosts: Sequence[Host]) -> Sequence[Host]:
        """Return the hosts without the registry itself, once it could not be reached; all of them where it is alone."""
        return [host for host in hosts if host.root != self._cut_off] or hosts

    @property
    def patience(self) -> Patience:
        """How long temporary failures are retried."""
        return self._patience

    @property
    def is_encrypted(self) -> bool:
        """Whether the host that is asked first speaks TLS."""
        return Origin.of(self._hosts.roots[0]).scheme == "https"

    def pinned(self, digest: Digest) -> str:
        """Return the reference with its digest."""
        return str(self._reference.pinned(digest))

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small blob whole and verified."""
        descriptor.check_size(limit)
        return self._whole(lambda endpoint: endpoint.blob(descriptor), self._hosts.order)

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield what is attached to a digest, host by host; see Repository.attached."""
        waiting, is_first = self._patience.begin(), True
        while True:
            failure, is_answered = None, False
            for host in self._hosts.order():
                try:
                    yield from self._endpoints[host.root].attached(digest, tags)
                    is_answered = True
                except Fault as error:
                    failure = failure if failure is not None and failure.temporary else error
            if failure is None:
                return
            if is_answered and not is_first:
                raise failure
            if not is_answered:  # what is missing may be at the host that could not be asked
                waiting.after(failure)
            is_first = False

    def open(self, descriptor: Descriptor, start: int, stop: int) -> RemoteBlobReader:
        """Request bytes `start` to `stop` of a blob; the body is the whole blob when the host supports no ranges.

        Hosts that lack the blob, or that would send all of it instead of a part, are asked after the others.
        """

        def misfit(host: Host) -> tuple[bool, bool]:
            return (descriptor.digest, host.root) in self._lacking, start > 0 and host.root in self._rangeless

        failover = self._failover(sorted(self._hosts.order(), key=misfit))
        for attempt in failover:
            endpoint = self._endpoints[attempt.root]
            with failover.noted(attempt):
                try:
                    answer = endpoint.ranges.open(endpoint.url(descriptor), descriptor, start, stop)
                except NotFound:
                    self._lacking.add((descriptor.digest, attempt.root))
                    raise
                body = RemoteBlobReader(attempt, answer, self._lacking_of(descriptor))
                if body.start < start or body.stop > stop:
                    self._rangeless.add(attempt.root)
                return body
        raise failover.fault

    def _lacking_of(self, descriptor: Descriptor) -> frozenset[str]:
        """Return the hosts that said that they do not have a blob."""
        return frozenset(root for root in self._hosts.roots if (descriptor.digest, root) in self._lacking)

    def interrupt(self) -> None:
        """Break every connection in use."""
        self._transport.interrupt()

    def disconnect(self) -> None:
        """Close every idle connection."""
        self._transport.close()

    def report_corrupt(self, hosts: Collection[str]) -> bool:
        """Exclude hosts that sent corrupt bytes, but not the last; return whether another may send correct ones."""
        return self._hosts.report_corrupt(hosts)

    def _resolvers(self) -> list[Host]:
        """Return the hosts that may resolve the reference: for a digest all, for a tag those trusted with it."""
        hosts = [host for host in self._hosts.order() if host.can_resolve or self._reference.digest]
        if not hosts:
            raise BadMirrors(
                f"{self._reference}: no host in its hosts.toml has the capability resolve",
                hint="name the model by its digest, or give the capability to a host that is trusted with tags",
            )
        return hosts

    def _look_up(self, endpoint: RepositoryEndpoint) -> tuple[Digest, bytes]:
        content = endpoint.manifest(self._reference.target)
        wanted = self._reference.digest
        digest = Digest.of(content, wanted.algorithm) if wanted else Digest.of(content)
        if wanted not in (None, digest):
            raise Mismatch(f"{self._reference}: the registry answered {digest}")
        parse_manifest(content)  # a host that returns anything else has failed: the next one is asked
        return digest, content

    def _child(self, descriptor: Descriptor) -> bytes:
        def ask(endpoint: RepositoryEndpoint) -> bytes:
            content = endpoint.manifest(str(descriptor.digest))
            return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

        return self._whole(ask, self._hosts.order)

    def _whole(self, read: Callable[[RepositoryEndpoint], Result], order: Callable[[], Sequence[Host]]) -> Result:
        """Read a small blob or manifest from the first host that can, with retries while none can."""
        return self._patience.patiently(lambda: self._once(read, order()))

    def _once(self, read: Callable[[RepositoryEndpoint], Result], hosts: Sequence[Host]) -> Result:
        failover = self._failover(hosts)
        for attempt in failover:
            with failover.noted(attempt):
                try:
                    result = read(self._endpoints[attempt.root])
                except Mismatch:
                    self._hosts.report_corrupt({attempt.root})
                    raise
                attempt.served()
                return result
        raise failover.fault

    def _failover(self, hosts: Sequence[Host]) -> Failover:
        return Failover(self._hosts, hosts, self._transport.limits)


def _digests(listed: Sequence[Descriptor]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(one.digest for one in listed))
