"""Statements for many rows at once, compiled once: a row costs a few microseconds instead of tens.

SQLAlchemy compiles the statement and knows how the database keeps each type. What is left out is its work for every
row and execution, which is made for statements that differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.columns import Document, Instant, Unsigned64

Process = Callable[[Any], Any]
REMEMBERED: Final = 2_000
"""Values of a column whose form for the driver is kept: many rows have the same instant, or epoch."""


class _Field(NamedTuple):
    """A placeholder of a statement."""

    place: int | None
    """Where its value is in a row. None: rows do not have it."""
    default: Any
    """Its value then."""
    process: Process | None
    """From the domain's value to the driver's. None: they are the same."""


class _Prepared(NamedTuple):
    sql: str
    fields: tuple[_Field, ...]
    """In the order of the placeholders."""


class ManyRows:
    """An INSERT of many rows.

    Args:
        table: Where they go.
        names: The columns that a row has values for, in its order.
        build: From the plain INSERT in the database's dialect the one that is wanted.
    """

    def __init__(self, table: Table, names: Sequence[str], build: Callable[[Any], Any] = lambda insert: insert) -> None:
        self._table = table
        self._names = tuple(names)
        self._build = build
        self._prepared: dict[str, _Prepared] = {}

    async def execute(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Insert `rows`, no two of which have the same key."""
        if not rows:
            return
        prepared = self._prepared.get(connection.dialect.name)
        if prepared is None:
            prepared = self._prepared[connection.dialect.name] = self._prepare(connection.dialect)
        await connection.exec_driver_sql(prepared.sql, _values(prepared.fields, rows))

    def _prepare(self, dialect: Dialect) -> _Prepared:
        insert: Any = sqlite.insert(self._table) if dialect.name == "sqlite" else postgresql.insert(self._table)
        compiled = self._build(insert).compile(dialect=dialect, column_keys=list(self._names), for_executemany=True)
        fields = tuple(self._field(compiled, name, dialect) for name in compiled.positiontup)
        return _Prepared(str(compiled), fields)

    def _field(self, compiled: Any, name: str, dialect: Dialect) -> _Field:
        process = _process(compiled.binds[name].type, dialect)
        if name in self._names:
            return _Field(self._names.index(name), None, process)
        column: Any = self._table.c[name]
        default = column.default.arg
        return _Field(None, default if process is None else process(default), None)


class RawQuery:
    """A SELECT that is compiled once, and whose rows come as the driver gives them: for names and numbers.

    Args:
        statement: Its parameters are scalars, and none needs to be made what the driver takes.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {}
        """By dialect: the text, and for each placeholder its name and the statement's own value."""

    async def rows(self, connection: AsyncConnection, **given: Any) -> Sequence[Any]:
        """The rows for these parameters."""
        found = self._compiled.get(connection.dialect.name)
        if found is None:
            compiled: Any = self._statement.compile(dialect=connection.dialect)
            own = tuple((name, compiled.params[name]) for name in compiled.positiontup)
            found = self._compiled[connection.dialect.name] = str(compiled), own
        sql, places = found
        return (await connection.exec_driver_sql(sql, tuple(given.get(name, own) for name, own in places))).all()


def upsert_many(
    table: Table, key: Sequence[str], written: Sequence[str], newer: Callable[[Any], Any] | None = None
) -> ManyRows:
    """An INSERT that overwrites the columns `written` of the row with the same `key`; rows have both, in that order.

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

    return ManyRows(table, (*key, *written), build)


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


def _as_text(table: Table, name: str) -> str:
    """The column; CAST gives a document of PostgreSQL as text, as SQLite keeps it."""
    return f"CAST({name} AS TEXT)" if isinstance(table.c[name].type, Document) else name


def _process(kind: Any, dialect: Dialect) -> Process | None:
    """From the domain's value to the driver's, without the layers in between where there are shorter ways."""
    if isinstance(kind, Document):
        return kind.text
    process: Process | None = kind.dialect_impl(dialect).bind_processor(dialect)
    if process is not None and isinstance(kind, Instant | Unsigned64):
        process = lru_cache(REMEMBERED)(process)
    return process


def _values(fields: Sequence[_Field], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them, made by the column: no step in Python for each value that stays as it is."""
    columns = list(zip(*rows, strict=True))
    return list(zip(*(_column(field, columns) for field in fields), strict=False))


def _column(field: _Field, columns: Sequence[Sequence[Any]]) -> Iterable[Any]:
    if field.place is None:
        return repeat(field.default)
    values = columns[field.place]
    return values if field.process is None else map(field.process, values)
