"""INSERT … ON CONFLICT, which both databases know and SQL does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = postgresql.Insert | sqlite.Insert


def insert_into(connection: AsyncConnection, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT, in the database's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


async def upsert(connection: AsyncConnection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Make the row with this `key` have these `values`; columns that are not named keep theirs."""
    statement: Any = insert_into(connection, table).values({**key, **values})
    columns = [table.c[name] for name in key]
    if values:
        statement = statement.on_conflict_do_update(index_elements=columns, set_=dict(values))
    else:
        statement = statement.on_conflict_do_nothing(index_elements=columns)
    await connection.execute(statement)


async def insert_missing(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], returning: str
) -> list[Any]:
    """Insert `rows`, leave alone those whose key is there; returns column `returning` of the inserted ones."""
    statement: Any = insert_into(connection, table).values(list(rows))
    result = await connection.execute(statement.on_conflict_do_nothing().returning(table.c[returning]))
    return list(result.scalars())
