"""A static program of under 1 KiB: it ends at once, or, with an argument, when a signal asks for it.

Written as machine code, because images hold no compiler and the program must run in images of anybody: it needs no
library, no shell and no file. Without an argument it does nothing, so that the kubelet must have pulled the image that
runs it; with one it is what is left of a sidecar whose work is done, in some hundred KiB of memory.

elf(5); the system calls are exit_group, rt_sigprocmask and rt_sigtimedwait. Signals are blocked and waited for,
because the kernel throws away those of process 1 that have no handler (signal(7), pid_namespaces(7)).

Tests: tests/puller/overlap/test_program.py
"""

import struct

_BASE = 0x400000
_HEADERS = 64 + 56
_SIGNALS = (1, 2, 15)
"""SIGHUP, SIGINT, SIGTERM."""

_MASK = struct.pack("<Q", sum(1 << (number - 1) for number in _SIGNALS))


def program(machine: str) -> bytes:
    """Return the program for a machine, as uname(2) names it; raise ValueError for one that is not known."""
    if machine == "x86_64":
        return _elf(62, _x86_64())
    if machine == "aarch64":
        return _elf(183, _aarch64())
    raise ValueError(f"no static program is written for {machine}")


def _elf(machine: int, code: bytes) -> bytes:
    size = _HEADERS + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # one, to be read and executed
    return ident + head + segment + code


def _x86_64() -> bytes:
    leave = (
        b"\x31\xff"  # xor edi, edi
        b"\xb8\xe7\x00\x00\x00"  # mov eax, exit_group
        b"\x0f\x05"  # syscall
    )
    start = b"\x48\x83\x3c\x24\x01\x77" + bytes([len(leave)])  # cmp qword [rsp], 1; ja past `leave`
    call = b"\x31\xd2\x41\xba\x08\x00\x00\x00"  # xor edx, edx; mov r10d, 8
    wait_code = b"\x31\xf6" + call + b"\xb8\x80\x00\x00\x00\x0f\x05"  # xor esi, esi; …; mov eax, 128 (rt_sigtimedwait)
    test = b"\x85\xc0\x78"  # test eax, eax; js back to the wait
    back = b"\xeb"  # jmp to `leave`
    wait_length = 7 + len(wait_code) + len(test) + 1 + len(back) + 1
    block_code = call + b"\xb8\x0e\x00\x00\x00\x0f\x05"  # …; mov eax, rt_sigprocmask; syscall
    to_mask = len(block_code) + wait_length
    block = b"\x31\xff\x48\x8d\x35" + struct.pack("<i", to_mask) + block_code  # xor edi, edi; lea rsi, [mask]; …
    wait = b"\x48\x8d\x3d" + struct.pack("<i", wait_length - 7) + wait_code + test  # lea rdi, [mask]; …
    wait += struct.pack("b", -(len(wait) + 1))
    distance = len(leave) + len(block) + len(wait) + 2
    return start + leave + block + wait + back + struct.pack("b", -distance) + _MASK


def _aarch64() -> bytes:
    svc, block_call, wait_call, leave_call = 0xD4000001, 0xD28010E8, 0xD2801128, 0xD2800BC8
    words = [
        0xF94003E1,  # 0: ldr x1, [sp]
        0xF100043F,  # 1: cmp x1, #1
        0x54000008 | (4 << 5),  # 2: b.hi 6
        0xD2800000,  # 3: mov x0, #0
        leave_call,  # 4: mov x8, #exit_group
        svc,  # 5
        0xD2800000,  # 6: mov x0, #SIG_BLOCK
        _adr(1, 20 - 7),  # 7: adr x1, mask
        0xD2800002,  # 8: mov x2, #0
        0xD2800103,  # 9: mov x3, #8
        block_call,  # 10: mov x8, #rt_sigprocmask
        svc,  # 11
        _adr(0, 20 - 12),  # 12: adr x0, mask
        0xD2800001,  # 13: mov x1, #0
        0xD2800002,  # 14: mov x2, #0
        0xD2800103,  # 15: mov x3, #8
        wait_call,  # 16: mov x8, #rt_sigtimedwait
        svc,  # 17
        0x37F80000 | ((12 - 18) & 0x3FFF) << 5,  # 18: tbnz w0, #31, 12
        0x14000000 | ((3 - 19) & 0x3FFFFFF),  # 19: b 3
    ]  # 20: mask
    return struct.pack(f"<{len(words)}I", *words) + _MASK


def _adr(register: int, words: int) -> int:
    """Return the instruction that puts an address, some words ahead, into a register."""
    return 0x10000000 | (words & 0x7FFFF) << 5 | register
