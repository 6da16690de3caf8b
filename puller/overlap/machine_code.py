"""The static program's instructions, for each machine: their bytes as objdump(1) shows them, and what they are.

`signals` and `interval` are the data that follow them (program.py). The system calls are those of syscalls(2); on
x86_64 their numbers are in eax and their arguments in edi, rsi, edx and r10, on aarch64 in x8 and in x0 to x3.

Tests: tests/puller/overlap/test_program.py
"""

X86_64 = """
start:  4889e5          mov rbp, rsp                ; the arguments: their count, then their addresses
        31ff            xor edi, edi
        837d0001        cmp dword ptr [rbp], 1
        765d            jbe exit
        488d35cf000000  lea rsi, [rip+signals]
        31d2            xor edx, edx
        6a08            push 8
        415a            pop r10
        b80e000000      mov eax, 14                 ; rt_sigprocmask
        0f05            syscall
look:   31d2            xor edx, edx
        837d0002        cmp dword ptr [rbp], 2
        761b            jbe wait
        bf9cffffff      mov edi, -100               ; AT_FDCWD
        488b7510        mov rsi, [rbp+16]           ; OUTCOME
        b801010000      mov eax, 257                ; openat
        0f05            syscall
        85c0            test eax, eax
        7934            jns found
        488d15a7000000  lea rdx, [rip+interval]
wait:   488d3d98000000  lea rdi, [rip+signals]
        31f6            xor esi, esi
        6a08            push 8
        415a            pop r10
        b880000000      mov eax, 128                ; rt_sigtimedwait
        0f05            syscall
        85c0            test eax, eax
        78c5            js look
        31ff            xor edi, edi
        837d0002        cmp dword ptr [rbp], 2
        7606            jbe exit
        8db880000000    lea edi, [rax+128]          ; as shells say it
exit:   b8e7000000      mov eax, 231                ; exit_group
        0f05            syscall
found:  89c7            mov edi, eax
        4881ec00200000  sub rsp, 8192
        4889e6          mov rsi, rsp
        ba00200000      mov edx, 8192
        31c0            xor eax, eax                ; read
        0f05            syscall
        bf01000000      mov edi, 1
        ffc8            dec eax
        78db            js exit
        89c3            mov ebx, eax
        bf9cffffff      mov edi, -100               ; AT_FDCWD
        488b7518        mov rsi, [rbp+24]           ; TOLD
        ba41000000      mov edx, 0x41               ; O_WRONLY | O_CREAT
        41bab6010000    mov r10d, 0x1b6             ; rw-rw-rw-
        b801010000      mov eax, 257                ; openat
        0f05            syscall
        bf9cffffff      mov edi, -100               ; AT_FDCWD
        488b7520        mov rsi, [rbp+32]           ; LOG
        ba01000000      mov edx, 1                  ; O_WRONLY
        b801010000      mov eax, 257                ; openat
        0f05            syscall
        89c7            mov edi, eax
        488d742401      lea rsi, [rsp+1]
        89da            mov edx, ebx
        b801000000      mov eax, 1                  ; write
        0f05            syscall
        bf01000000      mov edi, 1
        b801000000      mov eax, 1                  ; write
        0f05            syscall
        0fb63c24        movzx edi, byte ptr [rsp]   ; the pull's exit code
        eb87            jmp exit
"""

AARCH64 = """
start:  910003f3        mov x19, sp                 ; the arguments: their count, then their addresses
        f9400274        ldr x20, [x19]
        d2800000        mov x0, #0
        f100069f        cmp x20, #1
        54000309        b.ls exit
        10000681        adr x1, signals
        d2800002        mov x2, #0
        d2800103        mov x3, #8
        d28010e8        mov x8, #135                ; rt_sigprocmask
        d4000001        svc #0
look:   d2800002        mov x2, #0
        f1000a9f        cmp x20, #2
        540000e9        b.ls wait
        92800c60        mov x0, #-100               ; AT_FDCWD
        f9400a61        ldr x1, [x19, #16]          ; OUTCOME
        d2800708        mov x8, #56                 ; openat
        d4000001        svc #0
        36f801a0        tbz w0, #31, found
        10000522        adr x2, interval
wait:   100004c0        adr x0, signals
        d2800001        mov x1, #0
        d2800103        mov x3, #8
        d2801128        mov x8, #137                ; rt_sigtimedwait
        d4000001        svc #0
        37fffe40        tbnz w0, #31, look
        91020000        add x0, x0, #128            ; as shells say it
        f1000a9f        cmp x20, #2
        9a8093e0        csel x0, xzr, x0, ls
exit:   d2800bc8        mov x8, #94                 ; exit_group
        d4000001        svc #0
found:  d1400bff        sub sp, sp, #8192
        910003e1        mov x1, sp
        d2840002        mov x2, #8192
        d28007e8        mov x8, #63                 ; read
        d4000001        svc #0
        f1000415        subs x21, x0, #1
        d2800020        mov x0, #1
        54fffee4        b.mi exit
        92800c60        mov x0, #-100               ; AT_FDCWD
        f9400e61        ldr x1, [x19, #24]          ; TOLD
        d2800822        mov x2, #0x41               ; O_WRONLY | O_CREAT
        d28036c3        mov x3, #0x1b6              ; rw-rw-rw-
        d2800708        mov x8, #56                 ; openat
        d4000001        svc #0
        92800c60        mov x0, #-100               ; AT_FDCWD
        f9401261        ldr x1, [x19, #32]          ; LOG
        d2800022        mov x2, #1                  ; O_WRONLY
        d2800708        mov x8, #56                 ; openat
        d4000001        svc #0
        910007e1        add x1, sp, #1
        aa1503e2        mov x2, x21
        d2800808        mov x8, #64                 ; write
        d4000001        svc #0
        d2800020        mov x0, #1
        d4000001        svc #0
        394003e0        ldrb w0, [sp]               ; the pull's exit code
        17ffffe4        b exit
"""
