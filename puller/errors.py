"""What can go wrong in a pull beside the network, each failure with its code and its hint.

registry.errors.Fault
├── BadSettings         settings.invalid       (puller.settings) an environment that does not make settings
├── BadArtifact         artifact.invalid       a manifest whose files cannot stand together
│   └── UnsafePath      artifact.unsafe-path   a file name that climbs out of the model directory
├── UnsupportedLayer    artifact.unsupported   a layer in a form that is not read yet
├── NoHubName           hub-cache.no-name      an artifact without the name that a Hugging Face cache needs
├── NothingSelected     selection.empty        include and exclude leave no file
├── BadDestination      destination.invalid    a place where no model directory can stand
│   └── Occupied        destination.occupied   a folder with files that no pull of ours wrote
├── NoRoom              disk.full              less room than the model needs
├── DiskFailed          disk.failed            the volume refuses to be read or written
├── NoPrograms          overlap.noexec         a volume on which no program may run
├── PullLost            pull.lost              a sidecar that ended without a word, again and again
├── ProcessLost         process.lost           a process of ours that something ended (temporary)
│   └── NoThread        process.lost           no thread that could work (temporary)
└── DeadlinePassed      pull.deadline          more time taken than the pull was given (temporary)

Tests: tests/puller/store/test_odd_filesystems.py
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import Fault


class BadArtifact(Fault):
    """A manifest whose files cannot stand together."""

    code = "artifact.invalid"
    hint = "pack the model again; `weighbridge inspect` shows what the artifact holds"


class UnsafePath(BadArtifact):
    """A file name that climbs out of the model directory, or that no volume can hold."""

    code = "artifact.unsafe-path"
    hint = "do not use this artifact unless you know who wrote it; pack the model again"


class UnsupportedLayer(Fault):
    """A layer in a form that is not read yet."""

    code = "artifact.unsupported"
    hint = "pack the model with `weighbridge push`, which writes raw ModelPack layers"


class NoHubName(Fault):
    """An artifact whose config does not say under which name a Hugging Face cache should hold it."""

    code = "hub-cache.no-name"
    hint = "push it with --name ORGANISATION/NAME, or set weighbridge.dev/layout to files"


class NothingSelected(Fault):
    """The globs leave no file to pull."""

    code = "selection.empty"
    hint = "see the artifact's file names with `weighbridge inspect`"


class BadDestination(Fault):
    """A place where no model directory can stand."""

    code = "destination.invalid"
    hint = "name a folder that does not exist yet, inside one that does"


class Occupied(BadDestination):
    """A folder with files that no pull of ours wrote; they are not touched."""

    code = "destination.occupied"
    hint = "name another folder, or empty this one"


class NoRoom(Fault):
    """Less room on the volume than the model needs."""

    code = "disk.full"
    hint = "give the volume more room, or pull fewer files with include and exclude"


class DiskFailed(Fault):
    """The volume refuses to be read or written."""

    code = "disk.failed"
    hint = "check that the volume is writable for the user that pulls"


class NoPrograms(Fault):
    """A volume on which no program may run, so that a model cannot come beside the engine's image."""

    code = "overlap.noexec"
    hint = "set weighbridge.dev/overlap to never, or mount the kubelet's folder without noexec on the nodes"


class PullLost(Fault):
    """A pull beside the engine's image that something ended, again and again; what has come stays for the next one."""

    code = "pull.lost"
    hint = "see `kubectl describe pod`: OOMKilled means too little memory (weighbridge.dev/puller-resources)"


class ProcessLost(Fault):
    """A process of the pull that something ended; what has come stays for the next pull."""

    code = "process.lost"
    temporary = True
    hint = "pull again, which goes on where this one was; if it was killed, give it more memory or fewer processes"


class NoThread(ProcessLost):
    """No thread that could work: the pod's limit of processes is reached."""

    hint = "raise the limit of processes of the pod (the kubelet's podPidsLimit), or pull again"


class DeadlinePassed(Fault):
    """More time taken than the pull was given; what has come stays for the next one."""

    code = "pull.deadline"
    temporary = True
    hint = "pull again, which goes on where this one was, or give it more time: --deadline"


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn the system's errors about files into NoRoom and DiskFailed."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def disk_error(error: OSError) -> Fault:
    """Return NoRoom or DiskFailed for one of the system's errors about files."""
    facts = f"{error.filename or 'the volume'}: {os.strerror(error.errno) if error.errno else error}"
    return NoRoom(facts) if error.errno in (errno.ENOSPC, errno.EDQUOT) else DiskFailed(facts)
