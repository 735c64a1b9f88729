"""Sessions and signals from files: CSV with a header line, or JSON with a list of objects."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from powerctl.app.simulate_model import Session, Signal
from powerctl.core.errors import ConfigError

_Row = TypeVar("_Row", Session, Signal)


def sessions(path: Path, connectors: Collection[int], midnight: datetime | None = None) -> list[Session]:
    """The sessions of a file. Instants are seconds, or ISO 8601.

    Args:
        path: CSV or JSON.
        midnight: From which seconds count, by `midnight_of`.
        connectors: Those of the station.

    Raises:
        ConfigError: It cannot be read, or no vehicle can be so; the row and the column are named.
    """
    rows = _read(path, Session, midnight)
    for number, row in enumerate(rows, start=1):
        for wrong, column, remedy in _flaws(row, connectors):
            if wrong:
                raise ConfigError(f"{path}: row {number}", f"{column} is {getattr(row, column)}.", remedy)
    if not rows:
        raise ConfigError(str(path), "It holds no session.", "Write one row per vehicle below the header.")
    return rows


def _flaws(row: Session, connectors: Collection[int]) -> Iterator[tuple[bool, str, str]]:
    """What may be wrong with a row: whether it is, in which column, and the remedy."""
    known = f"The station's connectors are {', '.join(map(str, sorted(connectors)))}."
    yield row.connector not in connectors, "connector", known
    yield row.departure_s <= row.arrival_s, "departure_s", "Let it leave after it came."
    yield row.need_wh <= 0.0, "need_wh", "Give what it needs, above zero."
    yield not 0.0 <= row.soc <= 1.0, "soc", "Give a part from 0 to 1."
    yield row.capacity_wh <= 0.0, "capacity_wh", "Give its usable energy, above zero."
    yield not 0.0 <= row.min_w <= row.max_w, "min_w", "Give a power from zero to max_w."
    yield not 0.0 <= row.taper_from <= 1.0, "taper_from", "Give a part from 0 to 1."


def signals(path: Path, midnight: datetime | None = None) -> list[Signal]:
    """The signals of a file; instants as in `sessions`.

    Raises:
        ConfigError: It cannot be read; the row and the column are named.
    """
    return _read(path, Signal, midnight)


def midnight_of(*paths: Path) -> datetime | None:
    """The midnight before the first instant in these files, from which all of them count. None: they tell seconds.

    Raises:
        ConfigError: One cannot be read.
    """
    found = [
        moment
        for path in paths
        for row in _rows(path)
        for name, value in row.items()
        if isinstance(value, str) and str(name).endswith("_s") and (moment := _moment(value)) is not None
    ]
    return min(found).replace(hour=0, minute=0, second=0, microsecond=0) if found else None


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(
            str(path), f"It cannot be read: {error}.", "Give a CSV file with a header, or JSON."
        ) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(str(path), "It is no list of objects.", "Give one object per row.")
    return rows


def _read(path: Path, kind: type[_Row], midnight: datetime | None) -> list[_Row]:
    def clock(text: str) -> float:
        moment = _moment(text)
        if moment is None:
            return float(text)
        return (moment - (midnight or moment)).total_seconds()

    return [_made(path, number, row, kind, clock) for number, row in enumerate(_rows(path), start=1)]


def _moment(text: str) -> datetime | None:
    """The instant in `text`; one without a zone is UTC. None: it is a number, or neither."""
    try:
        moment = datetime.fromisoformat(text) if "T" in text or "-" in text.lstrip("-") else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


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
            timed = name.endswith("_s") and isinstance(raw, str)
            values[name] = _cast(clock(raw) if timed else raw, hints[name])
        except (ValueError, TypeError) as error:
            raise ConfigError(
                where, f"{name} is {raw!r}.", "Give a number in the unit that the name ends with."
            ) from error
    return kind(**values)


def _cast(raw: Any, hint: Any) -> Any:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if bool in kinds:
        return str(raw).lower() in ("1", "true", "yes")
    value = next(kind for kind in kinds if kind in (str, int, float))(raw)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no finite number")
    return value
