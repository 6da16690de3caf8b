"""How a program begins and ends: its streams, the signals that end it, and the words for what went wrong.

Imports nothing that takes time: a signal that comes before its handler is in place is lost on process 1, for which the
kernel has no default (signal(7), pid_namespaces(7)).
"""

import io
import os
import signal
import sys
from dataclasses import dataclass
from typing import NoReturn, TextIO

DEBUG = "WEIGHBRIDGE_DEBUG"
"""The variable that has tracebacks printed."""

CODES = {
    "interrupted": "Ctrl-C (exit code 130), or a signal (128 and its number) that asked the program to end",
    "internal": f"what nobody foresaw: a defect of ours; `{DEBUG}=1` prints where it happened",
    "output.failed": "results that could not be written to stdout",
}
"""How programs end beside the failures that have classes."""

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_NULL = os.devnull


class Ended(BaseException):
    """A signal asked the program to end. No Exception, so that nobody takes it for a failure of his own."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ends: its exit code, a stable code, the facts and what to do."""

    exit_code: int
    code: str
    facts: str
    hint: str


def heed_signals() -> None:
    """Have SIGTERM and SIGHUP raise Ended in the main thread; a second one ends the process as it is."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1) ignores SIGHUP, and that counts
            signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    for other in _SIGNALS:
        signal.signal(other, _end_at_once)
    raise Ended(number)


def _end_at_once(number: int, _: object) -> NoReturn:
    os._exit(128 + number)


def open_streams() -> None:
    """Have all three standard streams: one that is closed leads nowhere, and letters that it cannot write are replaced.

    Else the next file that is opened would get a stream's number, and what is printed would be written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(_NULL, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(_NULL, "r+" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115 - for good
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def ending_of(error: BaseException) -> Ending:
    """Return the words for whatever ended a program. What nobody foresaw has code `internal`.

    Of such an error just its kind and its place are told: its text may hold what is secret.
    """
    if isinstance(error, KeyboardInterrupt):
        return Ending(130, "interrupted", "interrupted", "run it again: it goes on behind what has landed")
    if isinstance(error, Ended):
        return Ending(128 + error.number, "interrupted", f"ended by {error}", "run it again: it goes on")
    code, hint = getattr(error, "code", None), getattr(error, "hint", None)
    if isinstance(code, str) and isinstance(hint, str):
        return Ending(1, code, str(error), hint)
    if os.environ.get(DEBUG):
        import traceback  # noqa: PLC0415 - rarely needed, and takes time

        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno is not None:
        facts = f"{error.filename or 'the system'}: {os.strerror(error.errno)}"
        return Ending(1, "internal", f"{facts} ({_place(error)})", f"mend that; {DEBUG}=1 shows where it happened")
    return Ending(1, "internal", _place(error), f"a defect of weighbridge: report it with what {DEBUG}=1 prints")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    name = os.path.basename(trace.tb_frame.f_code.co_filename)  # noqa: PTH119 - pathlib is not loaded yet
    return f"{type(error).__name__} at {name}:{trace.tb_lineno}"


class Results(io.StringIO):
    """What a program prints, kept until it is whole; whether it goes to a terminal is the real stream's to say."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def isatty(self) -> bool:
        """Return whether the real stream is a terminal."""
        return self._stream.isatty()

    def download_file(self) -> int:
        """Write everything; return 0, or 1 when the stream takes no writing, which is said unless its reader left."""
        try:
            self._stream.write(self.getvalue())
            self._stream.flush()
        except OSError as error:
            _silence(self._stream.fileno())
            if not isinstance(error, BrokenPipeError):
                words = os.strerror(error.errno or 0)
                complain(f"error: stdout: {words} [output.failed]", "  hint: see that it can be written")
            return 1
        return 0


def complain(*lines: str) -> None:
    """Write lines to stderr, as far as that takes them."""
    try:
        for line in lines:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - what a program says in the end
    except (OSError, ValueError):
        return


def leave(code: int) -> NoReturn:
    """End the process at once; threads that wait for a disk or a name are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)


def _silence(handle: int) -> None:
    """Have what is still buffered for a stream go nowhere, so that the interpreter's own end has no complaint."""
    null = os.open(_NULL, os.O_WRONLY)
    os.dup2(null, handle)
    os.close(null)
