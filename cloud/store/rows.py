"""Statements for many rows at once, compiled once: a row costs a few microseconds instead of tens.

SQLAlchemy compiles the statement and knows how the database keeps each type. What is left out is its work for every
row and execution, which is made for statements that differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.columns import Document, Instant

Process = Callable[[Any], Any]
INSTANTS_REMEMBERED: Final = 2_000
"""Many rows of a transaction have the same instant."""


class _Field(NamedTuple):
    """A placeholder of a statement."""

    name: str
    default: Any
    process: Process | None
    """From the domain's value to the driver's. None: they are the same."""


class _Prepared(NamedTuple):
    sql: str
    fields: tuple[_Field, ...]
    """In the order of the placeholders."""


class ManyRows:
    """An INSERT of many rows. PostgreSQL gets them as one array for each column, SQLite one by one.

    Args:
        table: Where they go.
        build: From the plain INSERT in the database's dialect the one that is wanted.
    """

    def __init__(self, table: Table, build: Callable[[Any], Any] = lambda insert: insert) -> None:
        self._table = table
        self._build = build
        self._prepared: dict[str, _Prepared] = {}

    async def execute(self, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert `rows`, which have the same names, and no two the same key."""
        if not rows:
            return
        prepared = self._prepared.get(connection.dialect.name)
        if prepared is None:
            prepared = self._prepared[connection.dialect.name] = self._prepare(connection.dialect, rows[0])
        values: Any = [_values(prepared.fields, row) for row in rows]
        if connection.dialect.name == "postgresql":
            values = tuple(list(column) for column in zip(*values, strict=True))
        await connection.exec_driver_sql(prepared.sql, values)

    def _prepare(self, dialect: Dialect, row: Mapping[str, Any]) -> _Prepared:
        insert: Any = sqlite.insert(self._table) if dialect.name == "sqlite" else postgresql.insert(self._table)
        statement = self._build(insert)
        compiled = statement.compile(dialect=dialect, column_keys=list(row), for_executemany=True)
        sql = str(compiled) if dialect.name == "sqlite" else _from_arrays(str(compiled))
        return _Prepared(sql, tuple(self._field(compiled, name, dialect) for name in compiled.positiontup))

    def _field(self, compiled: Any, name: str, dialect: Dialect) -> _Field:
        kind = compiled.binds[name].type
        process: Process | None = kind.dialect_impl(dialect).bind_processor(dialect)
        if process is not None and isinstance(kind, Instant):
            process = lru_cache(INSTANTS_REMEMBERED)(process)
        column: Any = self._table.c.get(name)
        default = column.default.arg if column is not None and column.default is not None else None
        return _Field(name, default, process)


def upsert_many(
    table: Table, key: Sequence[str], written: Sequence[str], newer: Callable[[Any], Any] | None = None
) -> ManyRows:
    """An INSERT that overwrites the columns `written` of the row with the same `key`.

    Args:
        table: Where.
        key: Columns that tell rows apart.
        written: Columns that are overwritten.
        newer: From the new values, the condition under which they are. None: always.
    """

    def build(insert: Any) -> Any:
        return insert.on_conflict_do_update(
            index_elements=[table.c[name] for name in key],
            set_={name: insert.excluded[name] for name in written},
            where=None if newer is None else newer(insert.excluded),
        )

    return ManyRows(table, build)


async def where_in(
    connection: AsyncConnection, table: Table, columns: Sequence[str], keys: Collection[str]
) -> Sequence[Any]:
    """The rows whose first column is one of `keys`, as the driver gives them; documents as their text."""
    given: Any = list(keys)
    if connection.dialect.name == "sqlite":
        given, among = json.dumps(given), "(SELECT value FROM json_each(?))"
    else:
        among = "(SELECT unnest($1::varchar[]))"
    names = [_as_text(table, name) for name in columns]
    query = f"SELECT {', '.join(names)} FROM {table.name} WHERE {columns[0]} IN {among}"  # noqa: S608
    return (await connection.exec_driver_sql(query, (given,))).all()


def _from_arrays(sql: str) -> str:
    """The INSERT with arrays in the place of values."""
    before, values, after = re.split(r"VALUES \((.*?)\)(?= ON CONFLICT|$)", sql, maxsplit=1, flags=re.DOTALL)
    arrays = ", ".join(f"{value}[]" for value in values.split(", "))
    return f"{before}SELECT * FROM unnest({arrays}){after}"  # noqa: S608


def _as_text(table: Table, name: str) -> str:
    """The column; CAST gives a document of PostgreSQL as text, as SQLite keeps it."""
    return f"CAST({name} AS TEXT)" if isinstance(table.c[name].type, Document) else name


def _values(fields: Sequence[_Field], row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        row.get(name, default) if process is None else process(row.get(name, default))
        for name, default, process in fields
    )
