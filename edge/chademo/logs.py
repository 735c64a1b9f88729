"""Recordings of a vehicle's bus: SavvyCAN's CSV and both of candump's text formats.

Times are seconds from the file's own origin. As on a station, only standard data frames count; the others are numbered,
because a vehicle that sends extended identifiers explains a session that never began.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError

_LOGGED: Final = re.compile(
    r"\((?P<at>[\d.]+)\)\s+(?P<bus>\S+)\s+(?P<id>[0-9A-Fa-f]{3,8})#(?P<data>[0-9A-Fa-f]*)(?:\s|$)"
)
_SHOWN: Final = re.compile(
    r"\((?P<at>[\d.]+)\)\s+(?P<bus>\S+)\s+(?:(?:RX|TX)\s+[-BE ]*\s*)?"
    r"(?P<id>[0-9A-Fa-f]{3,8})\s+\[\d+\]\s*(?P<data>[0-9A-Fa-f ]*)$"
)
_STANDARD_DIGITS: Final = 3
_REMOTE: Final = ("#R", "##", "remote request")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame of a recording."""

    at: Monotonic
    frame_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """A recording."""

    frames: tuple[Recorded, ...]
    """In the order of the file."""
    extended: int = 0
    """Frames with 29-bit identifiers, which no station takes."""


def read_log(lines: Iterable[str], channel: str | None = None) -> Log:
    """The recording, whichever of the formats it has.

    Args:
        lines: Of the file.
        channel: Only this bus; None: all of them.

    Raises:
        RemoteError: A line cannot be read.
    """
    rest = iter(lines)
    first = next((line for line in rest if line.strip()), "")
    if first.lstrip("\ufeff").startswith("Time Stamp"):
        return read_savvycan(_after(first.lstrip("\ufeff"), rest), channel)
    return read_candump(_after(first, rest), channel)


def _after(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def read_savvycan(lines: Iterable[str], channel: str | None = None) -> Log:
    """The recording of a SavvyCAN CSV file.

    Raises:
        RemoteError: A line cannot be read.
    """
    return _collected(csv.DictReader(lines), _savvycan_frame, channel, first_line=2)


def read_candump(lines: Iterable[str], channel: str | None = None) -> Log:
    """The recording of `candump -L` or `candump -t a`.

    Raises:
        RemoteError: A line cannot be read; without times nothing can be replayed.
    """
    return _collected((line for line in lines if line.strip()), _candump_frame, channel, first_line=1)


_Row = TypeVar("_Row")
_Parsed = tuple[str, bool, Recorded] | None
"""Bus, extended, frame. None: no data frame."""


def _collected(rows: Iterable[_Row], parse: Callable[[_Row], _Parsed], channel: str | None, *, first_line: int) -> Log:
    frames, extended = [], 0
    for number, row in enumerate(rows, start=first_line):
        try:
            parsed = parse(row)
        except (KeyError, TypeError, ValueError) as error:
            raise RemoteError(f"line {number} of the recording: {error}") from error
        if parsed is None or (channel is not None and parsed[0] != channel):
            continue
        if parsed[1]:
            extended += 1
        else:
            frames.append(parsed[2])
    return Log(tuple(frames), extended)


def _savvycan_frame(row: dict[str, str]) -> _Parsed:
    length = int(row["LEN"])
    data = bytes(int(row[f"D{index}"], 16) for index in range(1, length + 1))
    frame = Recorded(Monotonic(int(row["Time Stamp"]) / 1e6), int(row["ID"], 16), data)
    return row.get("Bus", ""), row["Extended"].strip().lower() == "true", frame


def _candump_frame(line: str) -> _Parsed:
    if any(mark in line for mark in _REMOTE):
        return None
    found = _LOGGED.match(line.strip()) or _SHOWN.match(line.strip())
    if found is None:
        raise ValueError(f"{line.strip()[:60]!r} is neither candump -L nor candump -t a")
    data = bytes.fromhex(found["data"].replace(" ", ""))
    frame = Recorded(Monotonic(float(found["at"])), int(found["id"], 16), data)
    return found["bus"], len(found["id"]) > _STANDARD_DIGITS, frame
