"""Sessions and signals from files: CSV with a header line, or JSON with a list of objects."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from powerctl.app.simulate_model import Session, Signal
from powerctl.core.errors import ConfigError

_Row = TypeVar("_Row", Session, Signal)


def sessions(path: Path) -> list[Session]:
    """The sessions of a file. Instants are seconds, or ISO 8601 for all of them, then counted from the first midnight.

    Raises:
        ConfigError: It cannot be read; the row and the column are named.
    """
    return _read(path, Session)


def signals(path: Path) -> list[Signal]:
    """The signals of a file; instants as in `sessions`.

    Raises:
        ConfigError: It cannot be read; the row and the column are named.
    """
    return _read(path, Signal)


def _read(path: Path, kind: type[_Row]) -> list[_Row]:
    try:
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(
            str(path), f"It cannot be read: {error}.", "Give a CSV file with a header, or JSON."
        ) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(str(path), "It is no list of objects.", "Give one object per row.")
    names = {field.name for field in fields(kind)}
    clock = _clock(row.get(name) for row in rows for name in names if name.endswith("_s"))
    return [_made(path, number, row, kind, clock) for number, row in enumerate(rows, start=1)]


def _clock(values: Iterable[Any]) -> Callable[[str], float]:
    """Turns an instant into seconds from the midnight before the first of `values`."""
    instants = [moment for value in values if isinstance(value, str) and (moment := _moment(value)) is not None]
    if not instants:
        return float
    first = min(instants)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return lambda text: (datetime.fromisoformat(text) - midnight).total_seconds()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if "T" in text or "-" in text.lstrip("-") else None
    except ValueError:
        return None


def _made(path: Path, number: int, row: dict[str, Any], kind: type[_Row], clock: Callable[[str], float]) -> _Row:
    where = f"{path}: row {number}"
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(set(row) - set(known), key=str)
    if unknown:
        raise ConfigError(where, f"{unknown[0]} is no column.", f"The columns are {', '.join(known)}.")
    hints, values = get_type_hints(kind), dict[str, Any]()
    for name, field in known.items():
        raw = row.get(name)
        if raw in (None, ""):
            if field.default is MISSING:
                raise ConfigError(where, f"{name} is missing.", "Fill it in.")
            continue
        try:
            values[name] = clock(raw) if name.endswith("_s") and isinstance(raw, str) else _cast(raw, hints[name])
        except (ValueError, TypeError) as error:
            raise ConfigError(
                where, f"{name} is {raw!r}.", "Give a number in the unit that the name ends with."
            ) from error
    return kind(**values)


def _cast(raw: Any, hint: Any) -> Any:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if bool in kinds:
        return str(raw).lower() in ("1", "true", "yes")
    return next(kind for kind in kinds if kind in (str, int, float))(raw)
