"""What the initContainer does, and what it leaves behind for `kubectl describe pod`."""

import gc
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from registry.process.program import ending_of, is_debugging
from registry.process.signals import Ended
from registry.progress.reporter import Reporter
from registry.progress.stats import human

from .cache.warm import warm_start
from .deadline import within
from .pod.termination import closing_message, leave_message
from .settings import Settings
from .store.journal import Follower
from .store.locked import destination_of
from .store.receipt import Receipt

if TYPE_CHECKING:
    from registry.access.access import Access
    from registry.http.retry import Wait

    from .overlap.sidecar import Sidecar


class Retries:
    """How often a pull waited to try again, in this process and in those that it forks."""

    def __init__(self) -> None:
        self._noted = -1
        with suppress(OSError):  # a profile of seccomp may forbid it, and no pull fails for want of a number
            self._noted = os.memfd_create("retries")

    @property
    def count(self) -> int:
        """The waits so far: a byte each of a file in memory, which forked processes share; 0 where there is none."""
        return os.fstat(self._noted).st_size if self._noted >= 0 else 0

    def counted(self, access: "Access") -> "Access":
        """Return an access whose waits are counted."""
        patience = access.patience

        def note(wait: "Wait") -> None:
            if self._noted >= 0:
                os.write(self._noted, b".")
            patience.note(wait)

        return replace(access, patience=replace(patience, note=note))


def main() -> int:
    """Pull what the environment asks for; return the exit code. Whatever goes wrong has a code, a fact and a hint."""
    settings, reporter, started = None, Reporter(), int(time.time())
    sidecar: Sidecar | None = None
    retries = Retries()
    try:
        settings = Settings.from_env(os.environ)
        sidecar = _sidecar(settings)
        if sidecar is not None:
            sidecar.require_progress()
        with within(settings.deadline_seconds):
            receipt = _warm(settings, reporter) or _pull(settings, reporter, retries)
        if not receipt.wire_bytes or receipt.published < started:
            from .pod.read_ahead import read_model_ahead  # noqa: PLC0415 - what was just pulled needs it not

            read_model_ahead(Path(settings.destination), receipt)
    except (Exception, KeyboardInterrupt, Ended) as error:  # noqa: BLE001 - see above
        return _fail(error, settings, reporter, sidecar, retries)
    summary: dict[str, object] = {"source": receipt.source, "digest": receipt.digest, "files": len(receipt.files)}
    if receipt.signers:
        summary["signers"] = list(receipt.signers)
    summary |= {"bytes": receipt.size, "wireBytes": receipt.wire_bytes, "seconds": receipt.seconds}
    summary["retries"] = retries.count
    message = closing_message(summary)
    leave_message(settings.termination_log, message)
    is_verified = receipt.published >= started  # what was believed without being hashed was published before
    proof = "verified against" if is_verified else f"as published on {receipt.date} from"
    held = f"{len(receipt.files)} files, {human(receipt.size)}"
    reporter.message(f"{settings.destination}: {held}, {proof} {receipt.digest}")
    if sidecar is not None:
        sidecar.conclude(0, message)
        sidecar.stay()
    return 0


def _sidecar(settings: Settings) -> "Sidecar | None":
    """Return the sidecar that this container is, where the engine's image is pulled meanwhile; else None."""
    if not settings.tools:
        return None
    from .overlap.sidecar import Sidecar  # noqa: PLC0415 - most pods have none

    return Sidecar(Path(settings.tools))


def _fail(
    error: BaseException, settings: Settings | None, reporter: Reporter, sidecar: "Sidecar | None", retries: Retries
) -> int:
    """Report why a pull failed, to people and to the kubelet, and what to do in a pod; return the exit code."""
    from .pod.hints import in_pod, pod_hint  # noqa: PLC0415 - pulls that succeed need none

    ending = ending_of(error)
    facts = in_pod(f"{ending.facts}{_kept(settings)}")
    hint = pod_hint(error, settings) or ending.hint
    reporter.message(f"error: {facts} [{ending.code}]")
    reporter.message(f"  hint: {hint}")
    message = closing_message({"code": ending.code, "error": facts, "hint": hint, "retries": retries.count})
    leave_message(settings.termination_log if settings else "", message)
    if sidecar is not None and not isinstance(error, Ended):  # who asked for the end needs no word
        with suppress(OSError):
            sidecar.conclude(ending.exit_code, message)
    return ending.exit_code


def _warm(settings: Settings, reporter: Reporter) -> Receipt | None:
    """Return the receipt of a model that stands already, and needs nothing beside it."""
    return None if settings.hub_cache or settings.adapters else warm_start(settings, reporter)


def _pull(settings: Settings, reporter: Reporter, retries: Retries) -> Receipt:
    access = _access(settings, reporter)  # connects while the modules below are imported
    from .pod.hints import in_pod  # noqa: PLC0415 - a warm start needs neither these modules
    from .pod.opening import opening  # noqa: PLC0415 - nor those of artifacts
    from .pod.pull import pull_for_pod  # noqa: PLC0415 - nor those of artifacts

    gc.freeze()
    gc.enable()
    reporter.message(in_pod(opening(settings, access, os.environ)))
    with retries.counted(access) as access:
        return pull_for_pod(settings, access, reporter)


def _access(settings: Settings, reporter: Reporter) -> "Access":
    """Return the way to registries, with a connection to the source's begun."""
    from registry.access.environment import access_from  # noqa: PLC0415 - a warm start needs neither the network's modules
    from registry.source import OciSource, parse_source  # noqa: PLC0415 - nor a source

    from .pod.hints import in_pod  # noqa: PLC0415 - nor those of failures

    source = parse_source(settings.source)
    reference = source.reference if isinstance(source, OciSource) else None
    access = access_from(
        os.environ,
        docker_configs=settings.docker_configs,
        may_lack_configs=True,  # the webhook mounts pull secrets as optional, as the kubelet takes them
        say=lambda words: reporter.message(in_pod(words)),
        plain_http=settings.plain_http,
        ca_file=_ca_file(settings, reporter),
        hosts_dir=settings.hosts_dir,
        mirrors=settings.mirrors,
        say_wait=reporter.wait,
        debug=reporter.debug if is_debugging(os.environ) else None,
        token=(reference.registry, settings.token_file) if reference and settings.token_file else None,
    )
    if reference:
        access.prepare(reference)
    return access


def _ca_file(settings: Settings, reporter: Reporter) -> str:
    """Return the CA file, or none where the ConfigMap that the webhook mounts as optional is missing."""
    if settings.ca_file and not Path(settings.ca_file).exists():
        reporter.message(f"{settings.ca_file} is missing: only the CAs of the image are trusted")
        return ""
    return settings.ca_file


def _kept(settings: Settings | None) -> str:
    """Return words for how much of an ended pull was fetched: the next pull need not fetch it again."""
    with suppress(Exception):
        if settings is not None:
            follower = Follower(destination_of(settings).journals)
            if follower.done:
                return f"; {human(follower.done)} of {human(follower.total)} have landed and are kept"
    return ""
