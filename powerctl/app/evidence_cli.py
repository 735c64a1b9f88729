"""`powerctl evidence`: is the evidence whole, and what does it say about a period. Works beside a running station."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from powerctl.app.evidence import folder_of
from powerctl.core.errors import ConfigError
from powerctl.runtime.chain_store import files, lines_of
from powerctl.runtime.hashchain import Broken, Entry, Head, follow
from powerctl.runtime.settings import load
from powerctl.runtime.station import StationSettings

WHOLE: Final = 0
BROKEN: Final = 1
COLUMNS: Final = ("n", "time", "kind", "source", "cap_w", "measured_w", "latency_s", "detail", "digest")
"""Of the CSV file. Fields of an entry that have no column are left to the JSON form."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `powerctl`."""
    parser = commands.add_parser("evidence", help="verify or export what the grid asked and what the station did")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "verify", help="check every link; exit status 1 and the first broken one if there is any"
    )
    _add_place(check)
    check.add_argument("--expect", metavar="N:DIGEST", help="an end that was noted earlier; it must still be there")
    check.set_defaults(run=lambda options: verify(_folder(options), sys.stdout, expect=options.expect))
    export = actions.add_parser("export", help="write the entries of a period")
    _add_place(export)
    export.add_argument("--from", dest="begin", required=True, metavar="TIME", help="ISO 8601; a date is midnight UTC")
    export.add_argument("--to", dest="end", required=True, metavar="TIME", help="exclusive; a date includes that day")
    export.add_argument("--format", choices=sorted(_WRITERS), default="csv")
    export.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    export.set_defaults(run=_export)


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--config", type=Path, metavar="FILE", help="station file (TOML)")
    place.add_argument("--folder", type=Path, metavar="DIR", help="the evidence itself, for example a copy")


def _folder(options: argparse.Namespace) -> Path:
    if options.folder is not None:
        folder = Path(options.folder)
    else:
        folder = folder_of(load(options.config, {"station": StationSettings})["station"].state_dir)
    if not files(folder):
        raise ConfigError(str(folder), "there is no evidence here.", "Give the state folder of a station that has run.")
    return folder


@dataclass(slots=True)
class Check:
    """What is known after reading the chain once."""

    first: int = 0
    head: Head = field(default_factory=Head)
    broken: Broken | None = None
    """The first break. None: there is none."""
    recovered: int = 0
    """Entries that tell of a power loss."""
    expected_seen: bool = False


def checked(folder: Path, found: Check, *, expect: Head | None = None) -> Iterator[Entry]:
    """Every entry that can be read; `found` is filled on the way."""
    for one in follow(lines_of(folder)):
        if isinstance(one, Broken):
            found.broken = found.broken or one
            continue
        found.first = found.first or one.number
        found.head = one.head
        found.recovered += one.body.get("kind") == "recovered"
        found.expected_seen = found.expected_seen or one.head == expect
        yield one


def verify(folder: Path, out: TextIO, *, expect: str | None = None) -> int:
    """Check the whole chain and say what was found; the exit status."""
    found, wanted = Check(), _head(expect)
    for _ in checked(folder, found, expect=wanted):
        pass
    if found.broken is not None:
        out.write(f"BROKEN at entry {found.broken.number}: {found.broken.why}.\n")
        return BROKEN
    if wanted is not None and not found.expected_seen:
        out.write(f"BROKEN: the chain does not hold the expected entry {wanted.number} with this digest.\n")
        return BROKEN
    out.write(f"Whole: entries {found.first} to {found.head.number}.\n")
    if found.recovered:
        out.write(f"{found.recovered} times a power loss cut an unfinished write; see the entries `recovered`.\n")
    out.write(f"End, to be noted elsewhere and given to --expect: {found.head}\n")
    return WHOLE


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise ConfigError("--expect", "is not NUMBER:DIGEST.", "Copy it from the last line of `verify`.")
    return Head(int(number), digest)


def _export(options: argparse.Namespace) -> int:
    begin, end = instant(options.begin, "--from"), instant(options.end, "--to", ending=True)
    with _opened(options.output) as out:
        return export(_folder(options), begin, end, options.format, out, sys.stderr)


def export(folder: Path, begin: datetime, end: datetime, form: str, out: TextIO, told: TextIO) -> int:
    """Write the entries from `begin` to before `end`; the exit status says whether the whole chain holds.

    Args:
        folder: Of the chain.
        begin: Aware.
        end: Aware.
        form: `csv` or `json`.
        out: Takes the entries.
        told: Takes a warning when the chain is broken.
    """
    found = Check()
    rows = (row(entry) for entry in checked(folder, found) if _within(entry, begin, end))
    _WRITERS[form](rows, out)
    if found.broken is not None:
        told.write(f"The chain is BROKEN at entry {found.broken.number}: {found.broken.why}.\n")
        return BROKEN
    return WHOLE


def row(entry: Entry) -> dict[str, Any]:
    """An entry with its number and digest."""
    return {"n": entry.number, **entry.body, "prev": entry.previous, "digest": entry.digest}


def _within(entry: Entry, begin: datetime, end: datetime) -> bool:
    try:
        when = datetime.fromisoformat(str(entry.body["time"]))
    except (KeyError, ValueError):
        return False
    return when.tzinfo is not None and begin <= when < end


def _write_csv(rows: Iterator[Mapping[str, Any]], out: TextIO) -> None:
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)


def _write_json(rows: Iterator[Mapping[str, Any]], out: TextIO) -> None:
    """One array, one entry a line."""
    out.write("[")
    out.writelines(f"{',' if number else ''}\n{json.dumps(one, ensure_ascii=False)}" for number, one in enumerate(rows))
    out.write("\n]\n")


_WRITERS: Final = {"csv": _write_csv, "json": _write_json}


def instant(text: str, option: str, *, ending: bool = False) -> datetime:
    """The time that an option gives, UTC unless it names an offset.

    Args:
        text: ISO 8601, a date or a time.
        option: For errors.
        ending: True: a date means the end of that day.

    Raises:
        ConfigError: It is neither.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(option, f"{text!r} is no time.", "Write 2026-11-01 or 2026-11-01T12:00:00Z.") from error
    if ending and len(text) == len("2026-11-01"):
        when += timedelta(days=1)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}.", "Choose another --output.") from error
