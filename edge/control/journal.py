"""What the controller must know after it was killed: open sessions, open transactions, latched faults, lessons.

Synchronous SQLite; its owner keeps it off the event loop. Each call is durable when it returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.chademo.vehicles import Identity, Lesson
from edge.control.transaction import OpenSession, OpenTransaction
from powerctl.core.errors import ConfigError
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import ClockStatus, MeterReading, TransactionEnded
from powerctl.core.session import StopReason

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS session (
  connector INTEGER PRIMARY KEY, session TEXT NOT NULL, plug_in_time TEXT NOT NULL, register_wh REAL NOT NULL);
CREATE TABLE IF NOT EXISTS started (
  connector INTEGER PRIMARY KEY, session TEXT NOT NULL, command_id TEXT NOT NULL,
  serial TEXT NOT NULL, register_wh INTEGER NOT NULL, read_time TEXT NOT NULL, valid INTEGER NOT NULL,
  clock TEXT NOT NULL DEFAULT 'U');
CREATE TABLE IF NOT EXISTS ended (
  connector INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, idle_s INTEGER NOT NULL,
  serial TEXT NOT NULL, register_wh INTEGER NOT NULL, read_time TEXT NOT NULL, valid INTEGER NOT NULL,
  clock TEXT NOT NULL DEFAULT 'U');
CREATE TABLE IF NOT EXISTS fault (
  connector INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (connector, code));
CREATE TABLE IF NOT EXISTS lesson (
  connector INTEGER NOT NULL, place INTEGER NOT NULL, maker INTEGER, protocol_number INTEGER NOT NULL,
  max_voltage_v INTEGER NOT NULL, min_current_a INTEGER NOT NULL, strikes INTEGER NOT NULL, pause_s REAL,
  PRIMARY KEY (connector, place));
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A transaction that was open when the controller died."""

    transaction: OpenTransaction
    ended: TransactionEnded | None
    """None: it was still running; otherwise its end was known and is to be recorded as it was."""


def journal_path(state_dir: Path) -> Path:
    """Where a station keeps its journal."""
    return state_dir / "edge" / "control.sqlite"


class Journal:
    """The file. Made when it is missing.

    Raises:
        ConfigError: It cannot be opened or is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            for table in ("started", "ended"):
                self._complete(table)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                str(path), f"cannot be opened: {error}.", "Make station.state_dir writable; move a damaged file aside."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _complete(self, table: str) -> None:
        """Give a table from before it was kept its column for the clock's letter."""
        columns = {row[1] for row in self._database.execute(f"PRAGMA table_info({table})")}
        if "clock" not in columns:
            self._database.execute(f"ALTER TABLE {table} ADD COLUMN clock TEXT NOT NULL DEFAULT 'U'")

    def session_opened(self, session: OpenSession) -> None:
        """A plug went in."""
        self._put("session", session.connector, session.session, _text(session.plug_in_time), session.register_wh)

    def session_closed(self, connector: ConnectorId) -> None:
        """The plug came out."""
        self._remove("session", connector)

    def sessions(self) -> dict[ConnectorId, OpenSession]:
        """The sessions that are open."""
        rows = self._database.execute("SELECT connector, session, plug_in_time, register_wh FROM session")
        return {
            ConnectorId(connector): OpenSession(SessionId(session), ConnectorId(connector), _time(time), wh)
            for connector, session, time, wh in rows
        }

    def transaction_began(self, transaction: OpenTransaction) -> None:
        """Metering began."""
        self._put(
            "started", transaction.connector, transaction.session, transaction.command_id, *_columns(transaction.start)
        )

    def transaction_ended(self, end: TransactionEnded) -> None:
        """Metering ended; the record may not be in the outbox yet."""
        self._put("ended", end.connector, end.stop_reason, end.detail, end.idle_s, *_columns(end.reading))

    def transaction_recorded(self, connector: ConnectorId) -> None:
        """The record of the end is in the outbox."""
        self._database.execute("BEGIN")
        self._remove("started", connector)
        self._remove("ended", connector)
        self._database.execute("COMMIT")

    def unfinished(self) -> list[Unfinished]:
        """The transactions whose end may not have been recorded."""
        started = self._database.execute("SELECT * FROM started ORDER BY connector").fetchall()
        return [self._unfinished(row) for row in started]

    def _unfinished(self, row: tuple[int, str, str, str, int, str, int, str]) -> Unfinished:
        connector, session, command_id = row[:3]
        transaction = OpenTransaction(SessionId(session), ConnectorId(connector), command_id, _reading(*row[3:]))
        end = self._database.execute("SELECT * FROM ended WHERE connector = ?", (connector,)).fetchone()
        if end is None:
            return Unfinished(transaction, None)
        _, reason, detail, idle_s, *reading = end
        return Unfinished(transaction, transaction.ended(_reading(*reading), StopReason(reason), detail, idle_s))

    def fault_latched(self, connector: ConnectorId, fault: Fault) -> None:
        """A fault that holds until an operator releases it began."""
        self._put("fault", connector, fault.code, fault.detail)

    def fault_released(self, connector: ConnectorId, code: str) -> None:
        """A fault ended."""
        self._database.execute("DELETE FROM fault WHERE connector = ? AND code = ?", (connector, code))

    def faults(self, connector: ConnectorId) -> tuple[Fault, ...]:
        """The latched faults of one connector."""
        rows = self._database.execute("SELECT code, detail FROM fault WHERE connector = ? ORDER BY code", (connector,))
        return tuple(Fault(code, detail, latched=True) for code, detail in rows)

    def learnt(self, connector: ConnectorId, lessons: Sequence[Lesson]) -> None:
        """Vehicles have shown what they do; replaces what was known."""
        rows = [
            (connector, place, one.maker, one.protocol_number, one.max_voltage_v, one.min_current_a, strikes, pause_s)
            for place, (one, strikes, pause_s) in enumerate((x.identity, x.strikes, x.pause_s) for x in lessons)
        ]
        self._database.execute("BEGIN")
        self._remove("lesson", connector)
        self._database.executemany("INSERT INTO lesson VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def lessons(self, connector: ConnectorId) -> tuple[Lesson, ...]:
        """What vehicles have shown at one connector, the latest first."""
        rows = self._database.execute(
            "SELECT maker, protocol_number, max_voltage_v, min_current_a, strikes, pause_s FROM lesson"
            " WHERE connector = ? ORDER BY place",
            (connector,),
        )
        return tuple(Lesson(Identity(*identity), strikes, pause_s) for *identity, strikes, pause_s in rows)

    def _put(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        self._database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)  # noqa: S608 - table is ours

    def _remove(self, table: str, connector: ConnectorId) -> None:
        self._database.execute(f"DELETE FROM {table} WHERE connector = ?", (connector,))  # noqa: S608 - table is ours


def _columns(reading: MeterReading) -> tuple[str, int, str, int, str]:
    time = _text(reading.read_time)
    return reading.meter_serial, reading.register_wh, time, int(reading.valid), reading.clock.value


def _reading(serial: str, register_wh: int, read_time: str, valid: int, clock: str) -> MeterReading:
    return MeterReading(serial, register_wh, _time(read_time), bool(valid), ClockStatus(clock))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def open_transactions(path: Path) -> int:
    """How many transactions are open, for another program than the controller; 0 when there is no journal.

    Raises:
        ConfigError: The file cannot be read.
    """
    if not path.exists():
        return 0
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM started").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error as error:
        raise ConfigError(str(path), f"cannot be read: {error}.", "Check its rights.") from error
