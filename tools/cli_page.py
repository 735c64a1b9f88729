"""Write `docs/reference/cli.md` from the programs' own parsers; with `--check`, fail when it differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from cloud.cli import parser as cloud_parser
from edge.cli import parser as edge_parser
from edge.sim.settings import parser as vehicle_parser
from powerctl.app.cli import parser as manager_parser
from tools.generated import ROOT, write_or_compare

PAGE = ROOT / "docs" / "reference" / "cli.md"
HEAD = """\
# Command line

Generated from the programs' parsers by `make docs`; never edited. `--help` after any command says the same.

Exit statuses of every command: 0 done; 1 it ran and what it was to prove does not hold; 2 something is to correct, and
standard error says what, why and how.
"""
DELEGATED = {"powerctl vehicle": vehicle_parser}
"""Commands that hand their arguments to a parser of their own."""
MOST_CHOICES = 12
"""More than so many are not listed one by one."""


def actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a parser takes, subcommands included; `--help` is said once, above."""
    return [action for action in parser._actions if "--help" not in action.option_strings]


def subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Name and parser of each command below `parser`, in the parser's order; a bare one is described by its help."""
    for action in actions(parser):
        if isinstance(action, argparse._SubParsersAction):
            meanings = {choice.dest: choice.help for choice in action._choices_actions}
            for name, inner in action.choices.items():
                inner.description = inner.description or meanings.get(name)
                yield name, inner


def cell(text: str) -> str:
    """Text that stands in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def row(action: argparse.Action) -> str:
    """One line of the table of arguments."""
    value = str(action.metavar or (action.dest.upper() if action.nargs != 0 else ""))
    if action.choices and len(list(action.choices)) <= MOST_CHOICES:
        value = " or ".join(str(choice) for choice in action.choices)
    if not action.option_strings:
        shown = f"`{value}`"
    else:
        shown = f"`{', '.join(action.option_strings)}{f' {value}' if action.nargs != 0 and value else ''}`"
    absent = action.default in (None, False, [], argparse.SUPPRESS) or action.nargs == 0
    default = "**required**" if action.required else "" if absent else f"`{action.default}`"
    return f"| {shown.replace('|', chr(92) + '|')} | {cell(default)} | {cell((action.help or '').replace('%%', '%'))} |"


def section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """A command, its arguments, then the commands below it."""
    if name in DELEGATED:
        parser = DELEGATED[name]()
    parser.prog = name
    yield from (f"{'##' if ' ' not in name else '###'} {name}", "")
    if parser.description:
        yield from (cell(parser.description), "")
    below = list(subcommands(parser))
    arguments = [action for action in actions(parser) if not isinstance(action, argparse._SubParsersAction)]
    if arguments:
        yield from ("| Argument | Default | Meaning |", "|---|---|---|", *map(row, arguments), "")
    for inner, inner_parser in below:
        yield from section(f"{name} {inner}", inner_parser)


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for parser in (manager_parser(), edge_parser(), cloud_parser()):
        lines += section(parser.prog, parser)
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the page is not what the parsers say."""
    return write_or_compare(arguments, {PAGE: page()}, "the command line parsers")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
