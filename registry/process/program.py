"""The start and the end of a program: its streams, and the messages for failures. Imports nothing slow: see signals.py.

Tests: tests/test_program.py
"""

import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn, TextIO

from .signals import Ended, asked_for, heed_signals

DEBUG = "WEIGHBRIDGE_DEBUG"
"""The environment variable that turns tracebacks on, and lines about each request."""

CODES = {
    "interrupted": "Ctrl-C (exit code 130), or a signal (128 and its number) that asked the program to end",
    "internal": f"a failure that was not foreseen: a defect of ours; `{DEBUG}=1` prints where it happened",
    "output.failed": "results that could not be written to stdout",
    "usage.invalid": "a command line that is not understood (exit code 2)",
}
"""The codes of endings that have no error class."""

_NULL = os.devnull


def is_debugging(environ: Mapping[str, str]) -> bool:
    """Return whether an environment turns tracebacks and lines about requests on."""
    return environ.get(DEBUG, "") not in {"", "0", "false"}


class Ending(NamedTuple):
    """How a program ends: its exit code, a stable code, the facts and what to do."""

    exit_code: int
    code: str
    facts: str
    hint: str


def begin() -> None:
    """Open the streams and heed signals, before the imports that take time; tell what nothing catches as an ending.

    A signal's exception can come anywhere: while modules are imported, or while another failure is told.
    """
    open_streams()
    sys.excepthook = _end_uncaught
    heed_signals()


def _end_uncaught(_: type[BaseException], error: BaseException, __: object) -> NoReturn:
    ending = ending_of(error)
    tell_text(ending)
    leave(ending.exit_code)


def open_streams() -> None:
    """Open each closed standard stream on the null device; make all three replace characters that they cannot encode.

    Otherwise the next opened file would get a stream's number, and output would be written into it.
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
    """Return the ending for the error that ended a program. An unexpected error has code `internal`.

    Of such an error only its type and its place are shown: its text may hold secrets.
    """
    error = asked_for() or error
    if isinstance(error, KeyboardInterrupt):
        return Ending(130, "interrupted", "interrupted", "run it again: a pull or a push goes on where it was")
    if isinstance(error, Ended):
        return Ending(128 + error.number, "interrupted", f"ended by {error}", "run it again: it goes on")
    code, hint = getattr(error, "code", None), getattr(error, "hint", None)
    if isinstance(code, str) and isinstance(hint, str):
        return Ending(getattr(error, "exit_code", 1), code, str(error), hint)
    if is_debugging(os.environ):
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
    """The output of a program, kept until it is complete; the real stream tells whether it goes to a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def isatty(self) -> bool:
        """Return whether the real stream is a terminal."""
        return self._stream.isatty()

    def write_out(self, tell: Callable[[Ending], None]) -> int:
        """Write everything to the stream; return 0, or 1 on a failure, told unless the reader closed the pipe."""
        try:
            self._stream.write(self.getvalue())
            self._stream.flush()
        except OSError as error:
            _silence(self._stream.fileno())
            if not isinstance(error, BrokenPipeError):
                facts = f"stdout: {os.strerror(error.errno or 0)}"
                tell(Ending(1, "output.failed", facts, "see that it can be written"))
            return 1
        return 0


def tell_text(ending: Ending) -> None:
    """Write a failure to stderr, for people."""
    _write(f"error: {ending.facts} [{ending.code}]\n  hint: {ending.hint}\n")


def tell_json(ending: Ending) -> None:
    """Write a failure to stderr as one line, an event like those of JsonReporter."""
    import json  # noqa: PLC0415 - a pull that succeeds does not need it here

    event = {"event": "error", "code": ending.code, "text": ending.facts, "hint": ending.hint}
    _write(f"{json.dumps(event, ensure_ascii=False)}\n")


def _write(text: str) -> None:
    """Write to stderr; ignore failures."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def leave(code: int) -> NoReturn:
    """End the process at once, without waiting for threads that wait for a disk or a name."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)


def _silence(handle: int) -> None:
    """Redirect a stream to the null device, so that the interpreter does not fail to flush it at its end."""
    null = os.open(_NULL, os.O_WRONLY)
    os.dup2(null, handle)
    os.close(null)
