"""A database engine that behaves alike on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cloud.ingest.ports import StoreUnavailable
from cloud.store.columns import to_json
from cloud.store.in_place import BUSY_MS, begin_in_place, reading_engine
from powerctl.core.errors import ConfigError

_JSON: Final[dict[str, Any]] = {"json_serializer": to_json, "json_deserializer": from_json}
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_POOL: Final[dict[str, Any]] = {"pool_size": 15, "max_overflow": 0}
"""Connections that overflow the pool would be closed after use: to open one costs as much as several calls."""
_WRITER_LOCK: Final = 0x706F7765
"""Number of the advisory lock that puts writers, and so the cursors of changes, in the order of their commits."""

_AWAY: Final = frozenset({"08", "40", "53", "57", "58"})
"""Classes of SQLSTATE that say: not now. Connection, rollback, resources (a full disk), operator, system
(PostgreSQL 18, appendix A)."""


def database_url(address: str, setting: str = "cloud.database_url") -> URL:
    """`address` with the asynchronous driver filled in.

    Raises:
        ConfigError: It is not the address of a SQLite file or a PostgreSQL database.
    """
    remedy = "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE."
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise ConfigError(setting, "is not a database address.", remedy) from error
    driver = _DRIVERS.get(url.drivername, url.drivername)
    if driver not in _DRIVERS.values() or not url.database:
        raise ConfigError(setting, f"names no database that can be used ({url.drivername}).", remedy)
    return url.set(drivername=driver)


class Database:
    """An engine with two doors: any number of readers, one writer at a time."""

    def __init__(self, url: URL) -> None:
        self.is_sqlite = url.drivername.startswith("sqlite")
        self.engine: AsyncEngine = create_async_engine(url, **_JSON, **({} if self.is_sqlite else _POOL))
        self._reading = self.engine
        self._writing = asyncio.Lock()
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
            if url.database != ":memory:":
                self._reading = reading_engine(url, **_JSON)
                _prepare_sqlite(self._reading, f"busy_timeout={BUSY_MS}", "query_only=ON", begin=begin_in_place)
        else:
            # BEGIN and COMMIT would be two of three journeys to the server, and in READ COMMITTED they hold nothing
            # together: each statement sees what was committed before it.
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading. With SQLite all statements see one state of the database, with PostgreSQL each sees
        what was committed before it.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        with translated():
            async with self._reading.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for reading that sees one state of the database, however long it takes.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with translated():
            async with self._reading.connect() as connection:
                reader = await connection.execution_options(**level)
                async with reader.begin():
                    yield reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed when the block ends without an exception.

        Raises:
            StoreUnavailable: The database does not answer or takes nothing; nothing was written.
        """
        with translated():
            async with self._writing, self.engine.connect() as connection:
                writer = await connection.execution_options(writes=True)
                async with writer.begin():
                    if not self.is_sqlite:
                        await writer.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITER_LOCK})
                    yield writer

    async def close(self) -> None:
        """Close every connection."""
        if self.is_sqlite and self._reading is not self.engine:
            await self._reading.dispose()
        await self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """What the drivers raise when the database is away or full, as one exception."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(_reason(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated or str(getattr(error.orig, "sqlstate", ""))[:2] in _AWAY:
            raise StoreUnavailable(_reason(error)) from error
        raise
    except OSError as error:
        raise StoreUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error).splitlines()[0]


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns into a writer late fails at once instead of waiting its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_sqlite(engine: AsyncEngine, *more: str, begin: Callable[[Connection], None] = _begin) -> None:
    """Write-ahead log, synced at every commit, transactions that begin when we say so, and `more` pragmas."""
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", *more)

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "begin", begin)
