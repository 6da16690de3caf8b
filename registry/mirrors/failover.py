"""The order in which a registry's hosts are asked, as they fail, recover, or send corrupt bytes.

1. Hosts are asked in the order of the file, mirrors first.
2. A host that failed rests: it is asked only after the others; each failure makes its rest four times as long.
3. When its rest is over, one request tries it while the others still skip it; after a success all requests use it.
4. A mirror that sent corrupt bytes is never asked again. The last host stays: there is none after it.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from registry.errors import BadCaFile, Fault, NotFound
from registry.net.limits import Limits, ending_within

from .host import Host

_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 300.0
_TRIAL_SECONDS = 60.0
"""How long one request alone tries a host that failed."""


@dataclass(slots=True)
class _Record:
    rest_seconds: float = _FIRST_REST_SECONDS
    """How long the host rests after its next failure."""

    failed_at: float = float("-inf")
    rests_until: float = float("-inf")


class HostSelector:
    """The hosts of one registry, and their recent failures. Every method may be called from any thread."""

    def __init__(self, hosts: Sequence[Host], clock: Callable[[], float] = time.monotonic) -> None:
        self._last = hosts[-1].root
        self.roots = tuple(host.root for host in hosts)
        """The hosts' roots in the order of the file."""

        self._hosts = list(hosts)
        self._records = {host.root: _Record() for host in hosts}
        self._clock = clock
        self._lock = threading.Lock()

    def order(self) -> list[Host]:
        """Return the hosts in the order in which to ask them now."""
        with self._lock:
            now = self._clock()
            return sorted(self._hosts, key=lambda host: max(self._records[host.root].rests_until - now, 0.0))

    def begin(self, host: Host) -> "Attempt":
        """Record that a request to a host begins; return it as an Attempt."""
        with self._lock:
            now, record = self._clock(), self._records[host.root]
            if record.rests_until > float("-inf"):
                record.rests_until = max(record.rests_until, now + _TRIAL_SECONDS)
            return Attempt(self, host.root, now)

    def report_corrupt(self, roots: Collection[str]) -> bool:
        """Exclude the hosts that sent corrupt bytes; return True if another host remains that may send correct ones.

        If several hosts sent parts, the corrupt part cannot be found: all of them are excluded. Names that are none of
        these hosts' count for nothing.
        """
        with self._lock:
            self._hosts = [host for host in self._hosts if host.root == self._last or host.root not in roots]
        if self._last in roots:
            self.failed(self._last, self._clock())
        return any(root != self._last and root in self.roots for root in roots)

    def failed(self, root: str, began: float, lacking: Collection[str] = ()) -> bool:
        """Record the failure of a request that began at `began`; return whether a host is left that does not rest.

        The failure of a request that began before the last failure changes nothing. Hosts that are `lacking` what is
        wanted are not left.
        """
        with self._lock:
            now, record = self._clock(), self._records[root]
            if began >= record.failed_at:
                record.failed_at, record.rests_until = now, now + record.rest_seconds
                record.rest_seconds = min(record.rest_seconds * 4, _LONGEST_REST_SECONDS)
            left = [host.root for host in self._hosts if host.root not in lacking]
            return any(self._records[root].rests_until <= now for root in left)

    def served(self, root: str) -> None:
        """Record that a host answered a request well."""
        with self._lock:
            self._records[root] = _Record()


class Attempt(NamedTuple):
    """One request to one host; the caller records its outcome."""

    turns: HostSelector
    root: str
    began: float

    def failed(self, lacking: Collection[str] = ()) -> bool:
        """Record that it failed; return whether a host is left that neither rests nor is among those `lacking` it."""
        return self.turns.failed(self.root, self.began, lacking)

    def served(self) -> None:
        """Record that the host answered it well."""
        self.turns.served(self.root)


class Failover:
    """One request, sent to one host after the other until one answers it well.

    Iterate over its attempts, send the request of each within `noted`, and raise `fault` after the last one.
    """

    def __init__(self, selector: HostSelector, hosts: Sequence[Host], limits: Limits) -> None:
        self._selector, self._hosts, self._limits = selector, hosts, limits
        self._faults: dict[str, Fault] = {}

    def __iter__(self) -> Iterator[Attempt]:
        for host in self._hosts:
            yield self._selector.begin(host)

    @contextmanager
    def noted(self, attempt: Attempt) -> Iterator[None]:
        """Note the failure of an attempt instead of raising it, and limit its time while another host is left.

        A host that only lacks the content does not have to rest. BadCaFile is raised: hosts.toml names a file that is
        no CA file, which is not the host's failure.
        """
        is_last = attempt.root == self._hosts[-1].root
        try:
            with nullcontext() if is_last else ending_within(self._limits.hurried_seconds, self._limits):
                yield
        except BadCaFile:
            raise
        except NotFound as error:
            attempt.served()
            self._faults[attempt.root] = error
        except Fault as error:
            attempt.failed()
            self._faults[attempt.root] = error

    @property
    def fault(self) -> Fault:
        """The error to raise when every host failed; its message includes the others.

        The upstream's NotFound comes first; else the last temporary error, because a retry may help; else the error of
        the last host.
        """
        ranked = [self._faults[root] for root in self._selector.roots if root in self._faults]
        chosen = ranked[-1]
        if not isinstance(chosen, NotFound):
            chosen = next((fault for fault in reversed(ranked) if fault.temporary), chosen)
        others = "; ".join(str(fault) for fault in ranked if fault is not chosen)
        if others:
            chosen.args = (f"{chosen} (other hosts: {others})",)
        return chosen
