"""What the station wrote and what the database holds, compared from outside both programs."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.wire.batch import decode_record

DRAIN_S: Final = 15.0
"""How long records may be on their way after the story has ended."""
POLL_S: Final = 0.1
ONCE_PER_SESSION: Final = frozenset({"SessionOpened", "TransactionStarted", "TransactionEnded", "SessionClosed"})
"""Records that bill, of which a session's transaction has one."""


@dataclass(frozen=True, slots=True)
class RecordsTap:
    """Reads the station's outbox and the cloud's database, both SQLite, without writing to either."""

    outbox: Path
    database: Path

    def settled(self) -> dict[str, Any]:
        """Records and sessions, once everything written until now has arrived or `DRAIN_S` is over."""
        epoch, produced = self._produced()
        deadline = time.monotonic() + DRAIN_S
        while (committed := self._committed(epoch, produced)) < produced and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return {
            "records": {
                "produced": produced,
                "committed": committed,
                "duplicates": self._counted_twice(),
                "lost": produced - committed,
            },
            "sessions": list(self._sessions()),
        }

    def _produced(self) -> tuple[int, int]:
        with _reading(self.outbox) as database:
            (epoch,) = database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
            row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()
        return int(epoch, 16), int(row[0]) if row else 0

    def _committed(self, epoch: int, newest: int) -> int:
        signed = epoch - (1 << 64) if epoch >= 1 << 63 else epoch
        with _reading(self.database) as database:
            query = "SELECT count(*) FROM records WHERE epoch = ? AND sequence <= ?"
            return int(database.execute(query, (signed, newest)).fetchone()[0])

    def _counted_twice(self) -> int:
        """Sessions billed more than once, and billing records that contradict an earlier one of their session.

        After a kill a station may repeat a record word for word under a new sequence; the cloud counts that once.
        """
        seen: dict[tuple[str, str], set[str]] = {}
        with _reading(self.database) as database:
            for (payload,) in database.execute("SELECT payload FROM inbox WHERE lane = 0"):
                body = _body(payload)
                if type(body).__name__ in ONCE_PER_SESSION:
                    seen.setdefault((type(body).__name__, str(body.session)), set()).add(repr(body))
            query = "SELECT count(*) - count(DISTINCT session) FROM receipts"
            receipts = int(database.execute(query).fetchone()[0])
        return sum(len(bodies) - 1 for bodies in seen.values()) + receipts

    def _sessions(self) -> Iterator[dict[str, Any]]:
        with _reading(self.database) as database:
            receipts = {
                session: json.loads(document)
                for session, document in database.execute("SELECT session, document FROM receipts")
            }
            rows = database.execute("SELECT document FROM sessions ORDER BY ordinal").fetchall()
        for (text,) in rows:
            document = json.loads(text)
            if document.get("started") or document.get("ended"):
                yield _session(document, receipts.get(document["id"]))


def _session(document: dict[str, Any], receipt: dict[str, Any] | None) -> dict[str, Any]:
    started, ended = document.get("started"), document.get("ended")
    return {
        "id": document["id"],
        "connector": document["connector"],
        "start": started["reading"]["read_time"] if started else None,
        "end": ended["reading"]["read_time"] if ended else None,
        "stop_reason": ended["stop_reason"] if ended else None,
        "energy_wh": receipt["energy_wh"] if receipt else None,
        "receipt_id": receipt["id"] if receipt else None,
    }


def _body(payload: bytes) -> Any:
    try:
        return decode_record(payload).body
    except RemoteError:
        return None


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        yield database
