"""Column types that hold domain values on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; SQLite numbers rows only in a column called INTEGER."""
NAME = String(80)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite keeps no zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant as the database keeps it."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant, aware again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Unsigned64(TypeDecorator[int]):
    """An unsigned number of 64 bits in the databases' signed one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """The number with its highest bit as sign."""
        return value - (1 << 64) if value is not None and value >= 1 << 63 else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        """The number without sign."""
        return value + (1 << 64) if value is not None and value < 0 else value


class Json(str):
    """Text that is JSON already."""

    __slots__ = ()


def to_json(value: Any) -> str:
    """The engine's way to write JSON."""
    return value if isinstance(value, Json) else json.dumps(value)


class Document(TypeDecorator[Any]):
    """A domain value as JSON; decimals are kept as text."""

    impl = JSON().with_variant(JSONB(), "postgresql")
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def text(self, value: Any) -> Json | None:
        """The value as JSON. None: there is none."""
        if value is None or isinstance(value, Json):
            return value
        return Json(self._adapter.dump_json(value), "utf-8")

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The value as JSON."""
        return self.text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The domain value."""
        return None if value is None else self._adapter.validate_python(value)
