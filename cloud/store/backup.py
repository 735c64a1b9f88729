"""The whole database as lines of JSON, and back, the same on both databases; what was restored is compared by hashes.

Every table is read in one transaction, in the order of its key. The change feed gets another name: a restored database
goes on from an earlier cursor, and clients must take their old ones for unknown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final

from sqlalchemy import Column, MetaData, Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

import cloud.store.fleet_tables
import cloud.store.identity_tables
import cloud.store.money_tables
import cloud.store.telemetry_tables  # noqa: F401
from cloud.store.columns import Document
from cloud.store.engine import Database
from cloud.store.migrate import revision
from cloud.store.tables import META, METADATA
from powerctl.core.errors import ConfigError

_AT_ONCE: Final = 500
_LEFT_OUT: Final = frozenset({META.name})


@dataclass(frozen=True, slots=True)
class Digest:
    """What is in one table."""

    rows: int
    sha256: str
    """Over its rows in the order of their key."""


Manifest = Mapping[str, Digest]


def tables() -> list[Table]:
    """Every table that is kept, those that others refer to first, with documents as plain JSON."""
    plain = MetaData()
    return [_plain(table, plain) for table in METADATA.sorted_tables if table.name not in _LEFT_OUT]


async def dump(database: Database, file: IO[bytes]) -> Manifest:
    """Write everything to `file`; returns what was written.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    manifest: dict[str, Digest] = {}
    async with database.snapshot() as connection:
        _write(file, {"schema": await revision(connection)})
        for table in tables():
            _write(file, {"table": table.name})
            digest, rows = hashlib.sha256(), 0
            async for line in _lines(connection, table):
                file.write(line)
                digest.update(line)
                rows += 1
            manifest[table.name] = Digest(rows, digest.hexdigest())
        _write(file, {"manifest": {name: [one.rows, one.sha256] for name, one in manifest.items()}})
    return manifest


async def load(database: Database, file: IO[bytes]) -> Manifest:
    """Write everything in `file` to an empty database of the same schema; returns what is there then.

    Raises:
        ConfigError: The database is not empty or has another schema, or what it holds then is not what was backed up.
        StoreUnavailable: The database does not answer; it is as it was.
    """
    known = {table.name: table for table in tables()}
    async with database.write() as connection:
        await _require_empty(connection, known.values())
        schema = json.loads(file.readline())["schema"]
        if schema != (present := await revision(connection)):
            why = f"has schema {present}, the backup {schema}."
            raise ConfigError("cloud.database_url", why, "Restore with the version that made the backup, then migrate.")
        expected = await _fill(connection, known, file)
        for table in known.values():
            await _continue_numbers(connection, table)
        fresh = update(META).where(META.c.key == "feed").values(value=secrets.token_hex(8))
        await connection.execute(fresh)
        present_now = {name: await _digest(connection, table) for name, table in known.items()}
        wrong = sorted(name for name in known if present_now[name] != expected.get(name))
        if wrong:
            raise ConfigError(", ".join(wrong), "is not what was backed up.", "Take another copy of the backup.")
    return present_now


async def _fill(connection: AsyncConnection, known: Mapping[str, Table], file: IO[bytes]) -> dict[str, Digest]:
    """Insert row after row up to the manifest, which is returned."""
    table: Table | None = None
    waiting: list[dict[str, Any]] = []
    while True:
        line = json.loads(file.readline() or b"{}")
        row = isinstance(line, list)
        if waiting and table is not None and (not row or len(waiting) >= _AT_ONCE):
            await connection.execute(insert(table), waiting)
            waiting = []
        if row and table is not None:
            waiting.append({c.name: _decoded(value) for c, value in zip(table.columns, line, strict=True)})
        elif not row and "table" in line:
            table = known[line["table"]]
        elif not row and "manifest" in line:
            return {name: Digest(rows, sha256) for name, (rows, sha256) in line["manifest"].items()}
        else:
            raise ConfigError("backup", "ends too early.", "Take another copy of the backup.")


async def _require_empty(connection: AsyncConnection, known: Iterable[Table]) -> None:
    for table in known:
        if (await connection.execute(select(table).limit(1))).first() is not None:
            why = f"is not empty: there are rows in {table.name}."
            raise ConfigError("cloud.database_url", why, "Restore into a new database after `powerctl-cloud migrate`.")


async def _digest(connection: AsyncConnection, table: Table) -> Digest:
    digest, rows = hashlib.sha256(), 0
    async for line in _lines(connection, table):
        digest.update(line)
        rows += 1
    return Digest(rows, digest.hexdigest())


async def _lines(connection: AsyncConnection, table: Table) -> AsyncIterator[bytes]:
    query = select(table).order_by(*table.primary_key.columns)
    async with connection.stream(query) as rows:
        async for row in rows:
            yield json.dumps([_encoded(value) for value in row], sort_keys=True, separators=(",", ":")).encode() + b"\n"


async def _continue_numbers(connection: AsyncConnection, table: Table) -> None:
    """Let PostgreSQL number new rows after the restored ones; SQLite does so by itself."""
    key = list(table.primary_key.columns)
    numbered = len(key) == 1 and METADATA.tables[table.name].autoincrement_column is not None
    if connection.dialect.name == "sqlite" or not numbered:
        return
    highest = (await connection.execute(select(func.max(key[0])))).scalar_one()
    if highest is not None:
        statement = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)")
        await connection.execute(statement, {"table": table.name, "column": key[0].name, "highest": highest})


def _plain(table: Table, metadata: MetaData) -> Table:
    columns = [
        Column(c.name, c.type.impl_instance if isinstance(c.type, Document) else c.type, primary_key=c.primary_key)
        for c in table.columns
    ]
    return Table(table.name, metadata, *columns)


def _encoded(value: Any) -> Any:
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"$time": value.isoformat()}
        case _:
            return value


def _decoded(value: Any) -> Any:
    match value:
        case {"$bytes": str(encoded)}:
            return base64.b64decode(encoded)
        case {"$time": str(iso)}:
            return datetime.fromisoformat(iso)
        case _:
            return value


def _write(file: IO[bytes], line: object) -> None:
    file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
