"""What a station still owes the cloud, and what the cloud wants of it: one SQLite file that two programs share.

`Outbox` holds records until the cloud has committed them, `CommandBox` holds commands until the controller takes
them. Both are synchronous; `OutboxWriter` is the controller's way to the outbox from its event loop.

(station, epoch, sequence) names a record for ever: the epoch is random and made with the file, a sequence is never
given twice, not even after a power cut that took the latest records with it.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from powerctl.core.errors import ConfigError, PowerctlError
from powerctl.core.record import Lane

BUSY_TIMEOUT_S: Final = 5.0
RESERVE_BYTES: Final = 64_000_000
"""Disk space that is left to billing records."""
MAX_BYTES: Final = 512_000_000
"""Size from which telemetry is thinned: over seven days of one reading a second."""
BOOT_GAP: Final = 100_000
"""Sequences that are passed over after a reboot: more than a power cut can have undone (unsynced commits reach back
at most one WAL checkpoint, 1,000 pages; sqlite.org/wal.html)."""
COMMANDS_REMEMBERED: Final = 10_000
COMMANDS_WAITING: Final = 1_000

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS record (sequence INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL,"
    " created TEXT NOT NULL, payload BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS record_by_lane ON record (lane, sequence)",
    "CREATE TABLE IF NOT EXISTS origin (number INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT NOT NULL UNIQUE,"
    " sequence INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS command (number INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE,"
    " expire_time TEXT NOT NULL, payload BLOB NOT NULL, taken INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS command_waiting ON command (number) WHERE taken = 0",
)
_THIN: Final = (
    "DELETE FROM record WHERE sequence IN (SELECT sequence FROM"
    " (SELECT sequence, row_number() OVER (ORDER BY sequence) AS place FROM record WHERE lane = ?)"
    " WHERE place % 2 = 0)"
)


class OutboxFull(PowerctlError):
    """The disk takes no more, or not this; nothing was stored."""


class Entry(NamedTuple):
    """A record that waits for the cloud."""

    sequence: int
    lane: Lane
    payload: bytes


class Draft(NamedTuple):
    """A record that has no sequence yet."""

    lane: Lane
    payload: bytes
    record_id: str = ""
    """Set: a second draft with the same id is the first one, sent again."""


class CommandEntry(NamedTuple):
    """A command as it arrived."""

    command_id: str
    expire_time: datetime
    payload: bytes


class _File:
    """The shared database. A connection serves one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _connect(path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                str(path),
                f"cannot be used as outbox: {error}.",
                "Make the folder writable for this program; move a damaged file aside.",
            ) from error
        self._synced = True

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """A write transaction; a durable one has reached the disk, with all before it, when it ends."""
        if durable != self._synced:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._synced = durable
        with _write(self._db) as database:
            yield database

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Outbox(_File):
    """Records, oldest lane first, until the cloud has committed them.

    Args:
        path: The file; made when absent, with its folder.
        max_bytes: Size from which every second telemetry record is given up.
        reserve_bytes: Disk space below which only billing records are taken.
        boot_id: What tells one start of the machine from the next. None: asked from the kernel.

    Raises:
        ConfigError: The file cannot be opened or is damaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        boot_id: str | None = None,
    ) -> None:
        super().__init__(path)
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._seen_version = -1
        self.thinned = 0
        """Telemetry records that were given up for space since the file was opened."""
        self.epoch = self._begin(boot_id if boot_id is not None else _this_boot())

    def _begin(self, boot_id: str) -> int:
        with self._transaction(durable=True) as database:
            known = dict(database.execute("SELECT name, value FROM meta"))
            if boot_id != known.get("boot_id", boot_id) or not boot_id:
                database.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'record'", (BOOT_GAP,))
            epoch = known.get("epoch", secrets.token_hex(8))
            rows = [("epoch", epoch), ("boot_id", boot_id)]
            database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        return int(epoch, 16)

    def append(self, lane: Lane, payload: bytes, *, record_id: str = "") -> int:
        """The sequence of the new record. A billing record is on disk when this returns.

        Raises:
            OutboxFull: It was not stored.
        """
        return self.append_all([Draft(lane, payload, record_id)])[0]

    def append_all(self, drafts: Sequence[Draft]) -> list[int]:
        """The sequences of `drafts`, stored together or not at all.

        Raises:
            OutboxFull: They were not stored.
        """
        if any(draft.lane is not Lane.BILLING for draft in drafts):
            self._make_room()
        created = datetime.now(UTC).isoformat(timespec="milliseconds")
        durable = any(draft.lane is Lane.BILLING for draft in drafts)
        try:
            with self._transaction(durable=durable) as database:
                return [_insert(database, draft, created) for draft in drafts]
        except sqlite3.Error as error:
            raise OutboxFull(f"{self._path}: {error}") from error

    def _make_room(self) -> None:
        if self.size() > self._max_bytes:
            self._thin()
        if self.full:
            raise OutboxFull(f"{self._path}: space is left for billing records only")

    def _thin(self) -> None:
        try:
            with self._transaction(durable=False) as database:
                self.thinned += database.execute(_THIN, (Lane.TELEMETRY,)).rowcount
        except sqlite3.Error as error:
            raise OutboxFull(f"{self._path}: {error}") from error

    def size(self) -> int:
        """Bytes in use, without what was freed inside the file."""
        pages, free, page = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)

    @property
    def full(self) -> bool:
        """True when only billing records are taken, or the disk does not answer."""
        try:
            return self.size() > self._max_bytes or shutil.disk_usage(self._path.parent).free < self._reserve_bytes
        except (OSError, sqlite3.Error):
            return True

    def pending(self, *, limit: int, exclude: Container[int] = ()) -> list[Entry]:
        """Up to `limit` records whose sequence is not in `exclude`, by lane, then by sequence."""
        entries: list[Entry] = []
        with closing(self._db.execute("SELECT sequence, lane, payload FROM record ORDER BY lane, sequence")) as rows:
            for sequence, lane, payload in rows:
                if len(entries) >= limit:
                    break
                if sequence not in exclude:
                    entries.append(Entry(sequence, Lane(lane), payload))
        return entries

    def delete(self, epoch: int, ranges: Iterable[tuple[int, int]]) -> int:
        """Remove the records of the closed `ranges`, and return how many there were. Another epoch removes none."""
        if epoch != self.epoch:
            return 0
        statement = "DELETE FROM record WHERE sequence BETWEEN ? AND ?"
        with self._transaction(durable=False) as database:
            return sum(database.execute(statement, pair).rowcount for pair in ranges)

    def changed(self) -> bool:
        """True when another program has written to the file since the last call, and on the first."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        changed, self._seen_version = version != self._seen_version, version
        return changed

    def depth(self) -> dict[Lane, int]:
        """How many records wait, for every lane."""
        counted = dict(self._db.execute("SELECT lane, count(*) FROM record GROUP BY lane"))
        return {lane: counted.get(lane, 0) for lane in Lane}

    def oldest(self) -> datetime | None:
        """When the oldest waiting record was stored; None when none waits."""
        row = self._db.execute("SELECT created FROM record ORDER BY sequence LIMIT 1").fetchone()
        return datetime.fromisoformat(row[0]) if row else None


def _insert(database: sqlite3.Connection, draft: Draft, created: str) -> int:
    if draft.record_id:
        known = database.execute("SELECT sequence FROM origin WHERE record_id = ?", (draft.record_id,)).fetchone()
        if known:
            return int(known[0])
    cursor = database.execute(
        "INSERT INTO record (lane, created, payload) VALUES (?, ?, ?)", (draft.lane, created, draft.payload)
    )
    sequence = cursor.lastrowid or 0
    if draft.record_id:
        database.execute("INSERT INTO origin (record_id, sequence) VALUES (?, ?)", (draft.record_id, sequence))
        _forget(database, "origin")
    return sequence


class CommandBox(_File):
    """Commands from the cloud, each handed out once, also across restarts of either program."""

    def put(self, command_id: str, expire_time: datetime, payload: bytes) -> bool:
        """Store a command durably. False: it is known already, and was not stored again.

        Raises:
            OutboxFull: The disk takes no more, or too many commands wait.
        """
        expiry = expire_time.astimezone(UTC).isoformat()
        try:
            with self._transaction(durable=True) as database:
                waiting = database.execute("SELECT count(*) FROM command WHERE taken = 0").fetchone()[0]
                if waiting >= COMMANDS_WAITING:
                    raise OutboxFull(f"{self._path}: {waiting} commands wait")
                inserted = database.execute(
                    "INSERT OR IGNORE INTO command (command_id, expire_time, payload) VALUES (?, ?, ?)",
                    (command_id, expiry, payload),
                ).rowcount
                _forget(database, "command")
        except sqlite3.Error as error:
            raise OutboxFull(f"{self._path}: {error}") from error
        return inserted == 1

    def take(self) -> list[CommandEntry]:
        """The commands that were not handed out before, oldest first.

        Raises:
            OutboxFull: The disk takes no more; the commands stay where they are.
        """
        waiting = "SELECT number, command_id, expire_time, payload FROM command WHERE taken = 0 ORDER BY number"
        if self._db.execute(f"{waiting} LIMIT 1").fetchone() is None:
            return []
        try:
            with self._transaction(durable=True) as database:
                rows = database.execute(waiting).fetchall()
                database.executemany("UPDATE command SET taken = 1 WHERE number = ?", [row[:1] for row in rows])
        except sqlite3.Error as error:
            raise OutboxFull(f"{self._path}: {error}") from error
        return [CommandEntry(name, datetime.fromisoformat(expiry), payload) for _, name, expiry, payload in rows]


def _forget(database: sqlite3.Connection, table: str) -> None:
    taken = "AND taken = 1" if table == "command" else ""
    newest = f"(SELECT max(number) FROM {table})"  # noqa: S608
    database.execute(f"DELETE FROM {table} WHERE number <= {newest} - {COMMANDS_REMEMBERED} {taken}")  # noqa: S608


def _this_boot() -> str:
    """The kernel's name for this start of the machine; empty where there is none: then every opening is a new one."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    _write_ahead(database)
    database.execute("PRAGMA synchronous = FULL")
    with _write(database):
        for statement in _SCHEMA:
            database.execute(statement)
    return database


def _write_ahead(database: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite does not wait by itself for another program that does the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _write(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
