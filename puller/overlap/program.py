"""A static program of under 1 KiB, which runs in images of anybody: it needs no library, no shell and no file.

program                   ends at once
program idle              waits for a signal: what is left of a sidecar whose work is done, in some KiB of memory
program OUTCOME TOLD LOG  waits for the file OUTCOME (outcome.py), makes the file TOLD, writes the message to LOG and
                          to stdout, and ends with the exit code; by a signal with 128 and its number

Written as machine code, because images hold no compiler (machine_code.py). Signals are blocked and waited for, because
the kernel throws away those of process 1 that have no handler (signal(7), pid_namespaces(7)); the file is looked for
as often as such a wait runs out.

elf(5), rt_sigtimedwait(2).

Tests: tests/puller/overlap/test_program.py
"""

import struct

from .machine_code import AARCH64, X86_64

_BASE = 0x400000
_HEADERS = 64 + 56
_SIGNALS = (1, 2, 15)
"""SIGHUP, SIGINT, SIGTERM."""

_INTERVAL_NANOSECONDS = 50_000_000

DATA = struct.pack("<Qqq", sum(1 << (number - 1) for number in _SIGNALS), 0, _INTERVAL_NANOSECONDS)
"""What follows the instructions: `signals`, a mask, and `interval`, a struct timespec."""

_BYTES = slice(8, 24)


def program(machine: str) -> bytes:
    """Return the program for a machine, as uname(2) names it; raise ValueError for one that is not known."""
    if machine == "x86_64":
        return _elf(62, b"".join(_instructions(X86_64)) + DATA)
    if machine == "aarch64":
        return _elf(183, b"".join(one[::-1] for one in _instructions(AARCH64)) + DATA)  # a number each, little-endian
    raise ValueError(f"no static program is written for {machine}")


def _instructions(listing: str) -> list[bytes]:
    return [bytes.fromhex(line[_BYTES]) for line in listing.strip().splitlines()]


def _elf(machine: int, code: bytes) -> bytes:
    size = _HEADERS + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # one, to be read and executed
    return ident + head + segment + code
