"""The initContainer: `python -m puller`, told what to do by its environment."""

import json
import os
import sys
from pathlib import Path

from registry.errors import Fault
from registry.meter import human
from registry.voice import Voice

from .deadline import within
from .holder import warm_start
from .receipt import Receipt
from .settings import Settings

_MESSAGE_LIMIT = 4096  # bytes that the kubelet keeps of a termination message


def main() -> int:
    """Pull what the environment asks for; give the exit code."""
    settings, voice = None, Voice()
    try:
        settings = Settings.from_env(os.environ)
        with within(settings.deadline_seconds):
            receipt = warm_start(settings, voice) or _pull(settings, voice)
    except Fault as error:
        voice.say(f"error: {error} [{error.code}]")
        voice.say(f"  hint: {error.remedy}")
        _leave(settings, {"code": error.code, "error": str(error), "hint": error.remedy})
        return 1
    summary = {"source": receipt.source, "digest": receipt.digest, "files": len(receipt.files)}
    _leave(settings, {**summary, "bytes": receipt.size, "wireBytes": receipt.wire_bytes, "seconds": receipt.seconds})
    voice.say(
        f"{settings.destination}: {len(receipt.files)} files, {human(receipt.size)}, verified against {receipt.digest}"
    )
    return 0


def _pull(settings: Settings, voice: Voice) -> Receipt:
    from registry.environment import access_from  # noqa: PLC0415 - a warm start needs neither the network's modules

    from .pull import pull  # noqa: PLC0415 - nor those of artifacts

    access = access_from(
        os.environ,
        docker_configs=settings.docker_configs,
        may_lack_configs=True,  # the webhook mounts pull secrets as optional, as the kubelet takes them
        say=voice.say,
        plain_http=settings.plain_http,
        ca_file=settings.ca_file,
        hosts_dir=settings.hosts_dir,
        mirrors=settings.mirrors,
        say_wait=voice.wait,
    )
    with access:
        return pull(settings, access, voice)


def _leave(settings: Settings | None, message: dict[str, object]) -> None:
    """Write the termination message, where the kubelet made a file for it."""
    path = Path(settings.termination_log) if settings and settings.termination_log else None
    if path and path.is_file():
        path.write_bytes(json.dumps(message, ensure_ascii=False).encode(errors="replace")[:_MESSAGE_LIMIT])


if __name__ == "__main__":
    sys.exit(main())
