"""SQLite connections that read on the loop's own thread.

aiosqlite hands each call of the driver to a thread and waits for it: nine times for a transaction that reads one row,
at 60 to 100 µs of processor time each, where SQLite needs a few. What a page of rows takes in Python is on the loop
anyway. Writers keep their thread, since they wait for the disk; in the write-ahead log no reader waits for a writer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import aiosqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_MS: Final = 1_000
"""The loop waits for no lock longer: none is held for long but by a program that is not ours."""
_CHUNK: Final = 64


class InPlace(aiosqlite.Connection):
    """A connection whose statements are executed where they are awaited."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # The one place in which aiosqlite hands work to its thread.
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        return fn(*args, **kwargs)


def reading_engine(url: URL, **options: Any) -> AsyncEngine:
    """An engine for transactions that read the file at `url`."""
    path = str(url.database)

    async def connect() -> aiosqlite.Connection:
        # Opened and closed by aiosqlite's thread, used by the loop's; never by both at once.
        connection = InPlace(partial(sqlite3.connect, path, check_same_thread=False), _CHUNK)
        connection._thread.daemon = True
        return await connection

    return create_async_engine(url, async_creator=connect, **options)


def begin_in_place(connection: Connection) -> None:
    """Begin a transaction without a cursor of SQLAlchemy's, which would be half of what an empty one costs."""
    driver: Any = connection.connection.driver_connection
    driver._conn.execute("BEGIN")
