"""Completion for shells, written from the parsers: verbs, options and choices as they are, so that nothing lags behind.

Tests: tests/test_completion.py
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
_{name}() {{
  local word path="" current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path $word" in
      {paths}) path="$path $word" ;;
    esac
  done
  case "$path $previous" in
{choices}
{valued}
  esac
  case "$path" in
{words}
  esac
}}
complete -o default -F _{name} {name}
"""
_ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"


class Option(NamedTuple):
    """An option of a verb: its spellings, its help, and its value, where it takes one."""

    spellings: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


class Verb(NamedTuple):
    """A verb by the words that lead to it: the verbs below it with their help, its options, and its first words."""

    path: tuple[str, ...]
    inner: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    words: tuple[str, ...]


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the completion of a program for a shell, to be read by its `source`."""
    found = tuple(verbs(parser))
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish(parser.prog, found))
    return (_ZSH if shell == "zsh" else "") + _bash(parser.prog, found)


def verbs(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Verb]:
    """Yield a parser's verbs, itself first, as far down as they go."""
    options, words = [], []
    inner: dict[str, argparse.ArgumentParser] = {}
    helps: dict[str, str] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse shows its actions nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            inner |= action.choices
            helps = {str(one.dest): _line(one.help) for one in action._choices_actions}  # noqa: SLF001 - as above
        elif action.option_strings:
            choices = tuple(map(str, action.choices or ()))
            is_valued = action.nargs != 0
            options.append(Option(tuple(action.option_strings), _line(action.help), is_valued, choices))
        else:
            words += list(map(str, action.choices or ()))
    yield Verb(path, tuple((name, helps.get(name, "")) for name in inner), tuple(options), tuple(words))
    for name, child in inner.items():
        yield from verbs(child, (*path, name))


def _line(text: str | None) -> str:
    """Return a help as one line, without what argparse would fill in."""
    return " ".join((text or "").partition("(default:")[0].replace("%%", "%").split())


def _bash(name: str, found: tuple[Verb, ...]) -> str:
    choices, valued, words = [], [], []
    for verb in found:
        place = "".join(f" {word}" for word in verb.path)
        for option in verb.options:
            matches = "|".join(f'"{place} {spelling}"' for spelling in option.spellings)
            if option.choices:
                choices.append(f"    {matches}) {_reply(option.choices)}; return ;;")
            elif option.takes_value:
                valued.append(f"    {matches}) return ;;")
        spellings = [spelling for option in verb.options for spelling in option.spellings]
        offered = [inner for inner, _ in verb.inner] + list(verb.words)
        words.append(
            f'    "{place}") if [[ "$current" == -* ]]; then {_reply(spellings)}; else {_reply(offered)}; fi ;;'
        )
    paths = "|".join('"' + "".join(f" {word}" for word in verb.path) + '"' for verb in found if verb.path)
    return _BASH.format(
        name=name, paths=paths, choices="\n".join(choices), valued="\n".join(valued), words="\n".join(words)
    )


def _reply(words: list[str] | tuple[str, ...]) -> str:
    return f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"))'


def _fish(name: str, found: tuple[Verb, ...]) -> Iterator[str]:
    for verb in found:
        condition = _fish_condition(verb)
        start = f"complete -c {name} -n '{condition}'"
        for inner, help_line in verb.inner:
            yield f"{start} -f -a {inner} -d '{_quoted(help_line)}'"
        if verb.words:
            yield f"{start} -f -a '{' '.join(verb.words)}'"
        for option in verb.options:
            yield f"{start}{_fish_option(option)} -d '{_quoted(option.help)}'"


def _fish_condition(verb: Verb) -> str:
    if not verb.path:
        return "__fish_use_subcommand"
    seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in verb.path)
    if not verb.inner:
        return seen
    return f"{seen}; and not __fish_seen_subcommand_from {' '.join(inner for inner, _ in verb.inner)}"


def _fish_option(option: Option) -> str:
    spelled = [f" -l {one[2:]}" if one.startswith("--") else f" -s {one[1:]}" for one in option.spellings]
    value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r" if option.takes_value else ""
    return "".join(spelled) + value


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
