"""The webhook's TLS material, kept by each replica: made, renewed, trusted and served, without a restart.

Each turn:
1. Read the Secret, and what the API server trusts.
2. Write the Secret where it is due (renewal.py), unless another replica was quicker: then begin again.
3. Have the API server trust the Secret's CAs, where it does not.
4. Give the server the Secret's certificate, as files that it reads again when they change.

A new CA is trusted for a while before anything is signed by it, because each API server follows the configuration in
its own time; a former one stays trusted until no replica serves what it signed.

Tests: tests/certs/test_rotator.py
"""

import datetime as dt
import logging
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from .api import Api
from .bundle import Bundle
from .errors import CertsError, ConflictError
from .files import write_bundle
from .names import Names
from .renewal import next_bundle

_SETTLED_SECONDS = 30.0
"""How long the API servers have had a CA before it signs: they hear of it within a second or two."""

_TURN_SECONDS = 60.0
_SOON_SECONDS = 5.0

_log = logging.getLogger(__name__)


def utc_now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


class Rotator:
    """Keeps the material of one replica. `turn` is called again and again, by `follow` from a thread of its own."""

    def __init__(  # noqa: PLR0913 - the clocks are arguments, too
        self,
        api: Api,
        names: Names,
        directory: Path,
        *,
        now: Callable[[], dt.datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
        settled_seconds: float = _SETTLED_SECONDS,
    ) -> None:
        """`directory` gets tls.crt and tls.key."""
        self._api, self._names, self._directory = api, names, directory
        self._now, self._clock, self._settled_seconds = now, clock, settled_seconds
        self._trusted_since: dict[bytes, float] = {}
        self._served: Bundle | None = None
        self._failure = ""

    def follow(self) -> None:
        """Start a daemon thread that runs turns for as long as the process lives."""
        threading.Thread(target=self._follow, name="certificates", daemon=True).start()

    def begin(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Run turns until there is a certificate to serve."""
        seconds = self._turn_or_wait()
        while self._served is None:  # the API server may not be there yet; nothing else can be done before
            sleep(seconds)
            seconds = self._turn_or_wait()

    def turn(self) -> float:
        """Run one turn; return after how many seconds the next one is due. Raises ApiError, UnwritableError."""
        # 1
        stored, trusted = self._api.stored(), self._api.trusted()
        common = self._settled(set(trusted.values()))
        # 2
        fresh = next_bundle(stored.bundle, self._names, self._now(), common)
        if fresh is not None:
            try:
                self._api.store(fresh, stored.version)
            except ConflictError:
                return 0.0
        bundle = fresh or stored.bundle
        if bundle is None:  # never: without one, next_bundle makes one
            return 0.0
        # 3
        lacking = [name for name, ca in trusted.items() if ca != bundle.ca_certificate]
        if lacking:
            self._api.trust(bundle, list(trusted))
            _log.info("the API server trusts the CAs in the Secret for %d webhooks", len(lacking))
        # 4
        if self._served is None or (bundle.certificate, bundle.key) != (self._served.certificate, self._served.key):
            write_bundle(bundle.without_ca_key(), self._directory)
            self._served = bundle
            _log.info("serves the certificate in the Secret")
        return _SOON_SECONDS if fresh or lacking or self._is_settling(bundle) else _TURN_SECONDS

    def _settled(self, bundles: set[bytes]) -> bytes:
        """Return the CAs that all webhooks have had for long enough; none while they differ."""
        if len(bundles) != 1:
            self._trusted_since.clear()
            return b""
        (bundle,) = bundles
        since = self._trusted_since.get(bundle)
        if since is None:
            self._trusted_since = {bundle: self._clock()}
            since = self._trusted_since[bundle]
        return bundle if self._clock() - since >= self._settled_seconds else b""

    def _is_settling(self, bundle: Bundle) -> bool:
        since = self._trusted_since.get(bundle.ca_certificate)
        return since is None or self._clock() - since < self._settled_seconds

    def _follow(self) -> None:
        random = Random()  # noqa: S311 - replicas must not all ask at once, no more
        while True:
            seconds = self._turn_or_wait() * random.uniform(0.8, 1.2)
            time.sleep(seconds)  # a daemon thread's pace: it ends with the process

    def _turn_or_wait(self) -> float:
        """Run a turn, and log why it failed, once for each reason; return the seconds until the next one.

        Whatever fails, the thread goes on: without it the certificate would expire one day, and nothing would say so.
        """
        try:
            seconds = self.turn()
        except CertsError as error:
            return self._said(str(error))
        except Exception as error:  # noqa: BLE001 - as above; its words may hold a key or a token, and are not logged
            return self._said(f"{type(error).__name__} in {_place(error)}")
        self._failure = ""
        return 0.0 if self._served is None else seconds

    def _said(self, why: str) -> float:
        """Log a reason, unless it was the last one, too; return the seconds until the next turn."""
        if why != self._failure:
            self._failure = why
            _log.warning("the certificate is not kept for now: %s", why)
        return _SOON_SECONDS


def _place(error: Exception) -> str:
    """Return the line that raised an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
