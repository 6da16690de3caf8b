"""A signal ends every wait of the main thread, also one that the kernel did not interrupt."""

import os
import signal
import subprocess
import sys

import pytest

SECONDS = 5.0
"""It takes half a second at most; these machines are busy."""

WAITS = {
    "a lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "a lock for some time": "lock = threading.Lock(); lock.acquire(); lock.acquire(timeout=60)",
    "a condition": "condition = threading.Condition(); condition.acquire(); condition.wait()",
    "an event": "threading.Event().wait(60)",
    "a thread": "one = threading.Thread(target=time.sleep, args=(60,), daemon=True); one.start(); one.join()",
    "a queue": "queue.SimpleQueue().get()",
    "the time": "time.sleep(60)",
    "a socket": "ours, theirs = socket.socketpair(); ours.recv(1)",
    "a socket for some time": "ours, theirs = socket.socketpair(); ours.settimeout(60); ours.recv(1)",
    "a pipe": "os.read(os.pipe()[0], 1)",
    "a poll": "select.poll().poll(60_000)",
    "a file's lock": "fcntl.flock(os.open(held.name, os.O_RDWR), fcntl.LOCK_EX)",
    "a process": "os.waitpid(subprocess.Popen(['sleep', '20']).pid, 0)",
    "no wait": "while True: pass",
}

PROGRAM = """
import _thread, fcntl, os, queue, select, signal, socket, subprocess, sys, tempfile, threading, time
from registry.process.program import ending_of, leave
from registry.process.signals import Ended, heed_signals
held = tempfile.NamedTemporaryFile()
fcntl.flock(held, fcntl.LOCK_EX)
heed_signals()
_thread.start_new_thread(time.sleep, (60,))  # takes the signal, which the main thread blocks
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
try:
    print(flush=True)
    exec(sys.argv[1])
except (KeyboardInterrupt, Ended) as error:
    leave(ending_of(error).exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("wait", WAITS)
def test_a_signal_that_interrupts_no_wait_ends_it_all_the_same(wait: str, number: signal.Signals) -> None:
    """Law: another thread takes the signal, as if it had come just before the wait; the program ends by it."""
    command = [sys.executable, "-c", PROGRAM, WAITS[wait]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
    assert process.returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_was_ignored_stays_so(number: signal.Signals) -> None:
    """As nohup(1) and a shell's jobs in the background want it."""
    code = "from registry.process.signals import heed_signals; heed_signals(); import os; os.kill(os.getpid(), NUMBER)"
    command = [sys.executable, "-c", code.replace("NUMBER", str(int(number)))]
    done = subprocess.run(
        command, check=False, timeout=30, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN), env=os.environ
    )
    assert done.returncode == 0


def test_an_error_that_a_signal_brought_about_is_told_as_the_signal() -> None:
    """Law: an exception in the middle of a lock's wait can become another error; the ending names the signal.

    Another thread takes the signal, so that the interpreter has only noted it when the error comes.
    """
    code = """
import os, signal, sys, threading
from registry.process.program import begin, ending_of, leave
begin()
sys.setswitchinterval(60)
ended = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM))
try:
    try:
        ended.start()
        ended.join()
    finally:
        raise RuntimeError("release unlocked lock")
except RuntimeError as error:
    leave(ending_of(error).exit_code)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 128 + signal.SIGTERM


AT_EACH_STEP = """
import io, os, signal, sys
from contextlib import redirect_stderr
from registry.process import program
from weighbridge import main

def trace(frame, event, _):
    global steps
    if frame.f_code.co_name != "main" and frame.f_code.co_filename != program.__file__:
        return None
    frame.f_trace_opcodes = True
    if event == "opcode":
        steps += 1
        if steps == wanted:
            sys.settrace(None)
            signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
            for number in numbers:
                os.kill(os.getpid(), number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    return trace

numbers, expected, *arguments = [int(word) for word in sys.argv[1].split(",")], int(sys.argv[2]), *sys.argv[3:]
with redirect_stderr(io.StringIO()):
    main(arguments)  # imports what it needs, which is not to be traced
wanted, steps, code = 0, 0, None
while code != 77:
    wanted += 1
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        program.begin()
        sys.settrace(trace)
        code = main(arguments)
        program.leave(77 if steps < wanted else code)
    os.close(writing)
    with open(reading) as told:
        words = told.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert "Traceback" not in words, (wanted, words)
    assert code in (expected, 77, *(128 + number for number in numbers)), (wanted, code, words)
assert wanted > 50
"""


@pytest.mark.parametrize(
    ("arguments", "code", "numbers"),
    [
        (["version"], 0, [signal.SIGTERM]),
        (["inspect", "layout:///missing"], 1, [signal.SIGTERM]),
        (["inspect", "layout:///missing"], 1, [signal.SIGINT, signal.SIGTERM]),
    ],
)
def test_a_signal_at_any_moment_is_told_in_a_line(
    arguments: list[str], code: int, numbers: list[signal.Signals]
) -> None:
    """Law: one or two, at each instruction of a program's beginning and end; nobody sees a traceback."""
    asked = [",".join(str(int(number)) for number in numbers), str(code), *arguments]
    done = subprocess.run([sys.executable, "-c", AT_EACH_STEP, *asked], check=False, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr.decode()) == (0, "")
