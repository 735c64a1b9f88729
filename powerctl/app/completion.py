"""`powerctl completion`: what a shell needs to complete the command line, made from the parser itself."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], whole: argparse.ArgumentParser) -> None:
    """Add the command to `powerctl`; it completes everything that `whole` has when it runs."""
    parser = commands.add_parser(
        "completion", help='completion for a shell: eval "$(powerctl completion bash)" in its start file'
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(run=lambda options: _print(script(whole, options.shell)))


def _print(text: str) -> int:
    sys.stdout.write(text)
    return 0


Words = dict[str, list[str]]
"""What may follow, by the commands that were given, joined by blanks."""


def words(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """What may follow each command of `parser`, options and choices included."""
    here: list[str] = []
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        here += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            below += [(f"{path} {name}".strip(), sub) for name, sub in action.choices.items()]
            here += list(action.choices)
        elif action.choices is not None and not action.option_strings:
            here += [str(choice) for choice in action.choices]
    yield path, here
    for name, sub in below:
        yield from words(sub, name)


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion of `parser` for `shell`."""
    known = dict(words(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](parser.prog, known)


def _bash(program: str, known: Words) -> str:
    cases = "\n".join(f"    {shlex.quote(path)}) words={shlex.quote(' '.join(ws))} ;;" for path, ws in known.items())
    return f"""_{program}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path= words= word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case " {" ".join(_commands(known))} " in *" $path${{path:+_}}$word "*) path="$path${{path:+_}}$word" ;; esac
  done
  case "${{path//_/ }}" in
{cases}
  esac
  COMPREPLY=()
  case "$previous" in --*) [[ $current != -* ]] && COMPREPLY=($(compgen -f -- "$current")) ;; esac
  COMPREPLY+=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _{program} {program}
"""


def _commands(known: Words) -> list[str]:
    """Every path of commands, with underscores for blanks."""
    return [path.replace(" ", "_") for path in known if path]


def _zsh(program: str, known: Words) -> str:
    return f"autoload -U +X bashcompinit && bashcompinit\n{_bash(program, known)}"


def _fish(program: str, known: Words) -> str:
    lines = []
    for path, ws in known.items():
        names = path.split()
        seen = "; and ".join(f"__fish_seen_subcommand_from {name}" for name in names) or "__fish_use_subcommand"
        for word in ws:
            what = f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" if word[:1] == "-" else f"-a {word}"
            lines.append(f"complete -c {program} -n '{seen}' {what}")
    return "\n".join(lines) + "\n"
