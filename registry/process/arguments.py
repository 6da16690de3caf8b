"""The command line's parser: usage errors of one line, with near matches, and sizes as people write them.

Tests: tests/test_command_line.py
"""

import argparse
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NoReturn

from .program import Ending, tell_json

_CHOICE = re.compile(r"argument (?P<what>[^:]+): invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*)\)")
_OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][a-z-]*")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s?([kKMGT]?)(i?)B?")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}


class Parser(argparse.ArgumentParser):
    """A parser whose verbs and options must be written out, so that a new one breaks no script."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        super().__init__(*arguments, **options)
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; end the program at an argument that is unknown to this parser, a verb's own as well."""
        self._given = list(sys.argv[1:] if args is None else args)
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Write one line to stderr, an event where the progress is to be JSON, and exit with 2."""
        facts, hint = f"{self.prog}: {_with_near_match(message)}", f"see `{self.prog} --help`"
        if _wants_json(self._given):
            tell_json(Ending(2, "usage.invalid", facts, hint))
            self.exit(2)
        self.exit(2, f"{facts}; {hint}\n")

    def _unknown(self, arguments: Sequence[str]) -> str:
        option = next((one for one in arguments if one.startswith("-")), "")
        if not option:
            return f"unexpected argument {arguments[0]!r}"
        name = option.partition("=")[0]
        return f"unknown option {name}{_guess(name, _OPTION.findall(self.format_help()))}"


def show_help(parser: argparse.ArgumentParser) -> int:
    """Print the help of a parser that was called without a verb to stderr; return 2."""
    parser.print_help(sys.stderr)
    return 2


def given(text: str) -> str:
    """Parse a text that must not be empty, for argparse."""
    if not text:
        raise argparse.ArgumentTypeError("is empty, as a shell variable without a value is")
    return text


def size(text: str) -> int:
    """Parse a number of bytes such as 500GB, 64MiB or 1048576, for argparse."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write bytes, or such as 500GB or 64MiB")
    number, unit, binary = match.groups()
    count = int(float(number) * (1024 if binary else 1000) ** _POWERS[unit if unit != "K" else "k"])
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than one byte")
    return count


def positive(text: str) -> int:
    """Parse a whole number from 1 up, for argparse."""
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def _with_near_match(message: str) -> str:
    """Return argparse's message about a choice with what may have been meant in place of a list of all choices."""
    match = _CHOICE.fullmatch(message)
    if match is None:
        return message
    known = list(filter(None, (one.strip(" '") for one in match["known"].split(","))))
    guess = _guess(match["given"], known) or f": there are {', '.join(known)}"
    return f"unknown {match['what'].rpartition('/')[2]} {match['given']!r}{guess}"


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line that is not understood asks for JSON all the same."""
    return "--progress=json" in arguments or ("--progress", "json") in pairwise(arguments)


def _guess(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else ""
