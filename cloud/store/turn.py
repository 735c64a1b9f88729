"""Which of several replicas does what only one may do: whoever holds a lock of the database, while it lives."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.engine import Database, translated

HOUSEKEEPING: Final = 0x706F7766
"""Number of the advisory lock of whoever expires, forgets and settles."""


@dataclass(slots=True)
class Turn:
    """One replica's claim. The database gives it to another when this process or its connection dies.

    Args:
        database: Where the lock is. A SQLite file has one process, whose turn it always is.
        number: Which lock.
    """

    database: Database
    number: int
    _connection: AsyncConnection | None = None
    _mine: bool = False

    async def mine(self) -> bool:
        """True while it is this replica's turn.

        Raises:
            StoreUnavailable: The database does not answer; whose turn it is, is open.
        """
        if self.database.is_sqlite:
            return True
        try:
            with translated():
                return await self._ask()
        except BaseException:
            await self.close()
            raise

    async def _ask(self) -> bool:
        if self._connection is None:
            connection = await self.database.engine.connect()
            # A lock of the connection, not of a transaction that would stay open for as long.
            self._connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        statement = "SELECT true" if self._mine else f"SELECT pg_try_advisory_lock({self.number})"
        self._mine = bool((await self._connection.execute(text(statement))).scalar_one())
        return self._mine

    async def close(self) -> None:
        """Give the turn up."""
        connection, self._connection, self._mine = self._connection, None, False
        if connection is not None:
            with suppress(SQLAlchemyError, OSError):
                # Closing alone would return it to the pool, with the lock.
                await connection.invalidate()
            with suppress(SQLAlchemyError, OSError):
                await connection.close()
