"""The `weighbridge` command, with the verbs of all packages."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import NoReturn

from registry.process.arguments import Parser, show_help
from registry.process.completion import SHELLS
from registry.process.program import Results, begin, ending_of, leave, tell_json, tell_text
from registry.process.signals import Ended
from registry.version import VERSION

_DESCRIPTION = "Model weights from an OCI registry into pods, by one label."
_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 by Ctrl-C, 143 by SIGTERM. "
    "Results go to stdout, everything else to stderr."
)


def parser() -> argparse.ArgumentParser:
    """Return the command's parser, with the verbs of all rooms: they are imported once `begin` heeds signals."""
    import certs.command
    import cluster.command
    import packer.command
    import puller.command
    import webhook.command

    made: argparse.ArgumentParser = Parser(prog="weighbridge", description=_DESCRIPTION, epilog=_EPILOG)
    made.add_argument("--version", action="version", version=f"weighbridge {VERSION}")
    made.set_defaults(run=lambda _: show_help(made))
    verbs = made.add_subparsers(title="verbs", metavar="VERB")
    packer.command.add_verbs(verbs, puller.command.pull_to_folder)
    puller.command.add_verbs(verbs)
    webhook.command.add_verbs(verbs)
    cluster.command.add_verbs(verbs, certs.command.add_verbs(verbs))
    _add_own_verbs(made, verbs)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    parsed = parser().parse_args(arguments)
    tell = tell_json if getattr(parsed, "progress", "") == "json" else tell_text
    results = Results(sys.stdout)
    try:
        with redirect_stdout(results):
            code: int = parsed.run(parsed)
    except (Exception, KeyboardInterrupt, Ended) as error:  # noqa: BLE001 - whatever it is gets a code and a hint
        ending = ending_of(error)
        tell(ending)
        return ending.exit_code
    return results.write_out(tell) or code


def _add_own_verbs(
    whole: argparse.ArgumentParser, verbs: "argparse._SubParsersAction[argparse.ArgumentParser]"
) -> None:
    version = verbs.add_parser("version", help="print the version, and what it runs on")
    version.add_argument("--json", action="store_true", help="print JSON")
    version.set_defaults(run=_run_version)
    completion = verbs.add_parser(
        "completion",
        help="print the completion of verbs and options for a shell",
        description="Print the completion of verbs, options and choices for a shell.",
        epilog="  source <(weighbridge completion bash)\n  source <(weighbridge completion zsh)\n"
        "  weighbridge completion fish > ~/.config/fish/completions/weighbridge.fish\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    completion.set_defaults(run=partial(_print_completion, whole))
    help_ = verbs.add_parser("help", help="print the help of a verb")
    help_.add_argument("verb", nargs="?", choices=sorted(verbs.choices), metavar="VERB")
    help_.set_defaults(run=lambda asked: _print_help(verbs.choices[asked.verb] if asked.verb else whole))


def _print_completion(whole: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from registry.process.completion import script as script_for

    print(script_for(whole, arguments.shell), end="")
    return 0


def _print_help(verb: argparse.ArgumentParser) -> int:
    verb.print_help()
    return 0


def _run_version(arguments: argparse.Namespace) -> int:
    found = {"version": VERSION, "python": platform.python_version(), "platform": platform.platform()}
    print(json.dumps(found) if arguments.json else "\n".join(f"{name}: {text}" for name, text in found.items()))
    return 0


def script() -> NoReturn:
    """Run the command as a program of its own."""
    begin()
    leave(main())


if __name__ == "__main__":
    script()
