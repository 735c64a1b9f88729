"""A hash chain on disk: a file per month, synced before it counts, whole again after a power loss, kept for years.

Blocking; callers keep it off the event loop. One process writes, any number read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from powerctl.core.errors import ConfigError
from powerctl.runtime.hashchain import Head, Unreadable, parse, sealed

SUFFIX: Final = ".chain"
TORN: Final = ".torn"
LOCK: Final = "lock"
RECOVERED: Final = "recovered"
"""Kind of the entry that says how much of a write a power loss left unreadable."""
LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes; what is read at most to find the chain's end."""


class ChainStore:
    """Appends to the chain in a folder. `close` gives the folder free for another process.

    Args:
        folder: Made when it is not there.
        keep_months: Different months whose entries are kept, the present one included. Months are counted, not
            measured: a clock that jumps years ahead must not empty the store.
        max_bytes: Beyond it the oldest file goes early.

    Raises:
        ConfigError: The folder cannot be used, or another process writes there.
    """

    def __init__(self, folder: Path, *, keep_months: int, max_bytes: int) -> None:
        self._folder = folder
        self._keep_months = keep_months
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._lock = _locked(folder)
        self._torn = _set_aside_torn(folder)
        self.head = end_of(folder)
        """The chain's end on disk."""

    def append(self, when: datetime, bodies: Sequence[Mapping[str, Any]]) -> Head:
        """The chain's new end, once all of `bodies` is durable.

        Args:
            when: Now, UTC; decides about the file.
            bodies: In order.

        Raises:
            OSError: The disk refuses. The chain is as before.
        """
        head, data = self.head, bytearray()
        for body in [*self._recovery(when), *bodies]:
            head, line = sealed(head, body)
            data += line
        file = self._file_for(f"{when:%Y-%m}")
        _write_durably(file, bytes(data))
        self.head, self._torn = head, 0
        return head

    def close(self) -> None:
        """Close the file and give the folder free."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        os.close(self._lock)

    def _recovery(self, when: datetime) -> list[Mapping[str, Any]]:
        if not self._torn:
            return []
        detail = f"A power loss left {self._torn} bytes of an unfinished write, which were set aside."
        return [{"time": stamp(when), "kind": RECOVERED, "detail": detail}]

    def _file_for(self, month: str) -> int:
        """The open file for entries of `month`."""
        newest = next(reversed(files(self._folder)), None)
        usable = newest is not None and month_of(newest) == month and newest.stat().st_size < LARGEST_FILE
        if usable and self._file is not None:
            return self._file
        path = newest if usable and newest else self._folder / f"{self.head.number + 1:012d}_{month}{SUFFIX}"
        fresh = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        if self._file is not None:
            os.close(self._file)
        self._file = fresh
        _sync_folder(self._folder)
        self._forget()
        return fresh

    def _forget(self) -> None:
        """Remove the oldest file if it is one too many; one at a time."""
        found = files(self._folder)
        months = {month_of(path) for path in found}
        too_large = sum(path.stat().st_size for path in found) > self._max_bytes
        if len(found) > 1 and (len(months) > self._keep_months or too_large):
            found[0].unlink()


def files(folder: Path) -> list[Path]:
    """The files of the chain in order; each is named after its first entry and its month."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def month_of(path: Path) -> str:
    """The month in a file's name."""
    return path.stem.rpartition("_")[2]


def lines_of(folder: Path) -> Iterator[bytes]:
    """Every line of the chain in order. What follows the newest file's last line end is still being written."""
    found = files(folder)
    for path in found:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") or path != found[-1]:
                    yield line


def end_of(folder: Path) -> Head:
    """The chain's end. Without an entry it has the number 0."""
    for path in reversed(files(folder)):
        for line in reversed(path.read_bytes().splitlines(keepends=True)):
            if _is_whole(line):
                return parse(line).head
    return Head()


def stamp(when: datetime) -> str:
    """A time in UTC as it stands in entries."""
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _set_aside_torn(folder: Path) -> int:
    """Cut what a power loss left behind the newest file's last whole line, and keep it beside. Returns its bytes."""
    newest = next(reversed(files(folder)), None)
    if newest is None:
        return 0
    content = newest.read_bytes()
    lines = content.splitlines(keepends=True)
    while lines and not _is_whole(lines[-1]):
        lines.pop()
    kept = sum(len(line) for line in lines)
    if kept == len(content):
        return 0
    newest.with_name(f"{newest.name}.{kept}{TORN}").write_bytes(content[kept:])
    with newest.open("r+b") as file:
        file.truncate(kept)
        os.fsync(file.fileno())
    _sync_folder(folder)
    return len(content) - kept


def _is_whole(line: bytes) -> bool:
    """True if `line` was written to its end. Its digest may be wrong: that is no power loss."""
    if not line.endswith(b"\n"):
        return False
    try:
        parse(line)
    except Unreadable:
        return False
    return True


def _write_durably(file: int, data: bytes) -> None:
    """Append `data` whole, on disk, or not at all. Raises OSError."""
    before = os.fstat(file).st_size
    try:
        if os.write(file, data) != len(data):
            raise OSError("the disk took only a part")
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        why = f"cannot be used: {error.strerror}."
        raise ConfigError(str(folder), why, "Point station.state_dir at a folder that can be written.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ConfigError(str(folder), "another process writes there.", "End it, or use another state_dir.") from error
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
