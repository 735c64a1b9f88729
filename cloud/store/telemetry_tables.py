"""The tables of live values: as they came, and summed up by the minute, the quarter of an hour and the hour.

In PostgreSQL `telemetry` is partitioned by the day of `record_time`, and its key there names that column too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from cloud.store.columns import BIG, NAME, Instant, Unsigned64
from cloud.store.tables import METADATA

TELEMETRY = Table(
    "telemetry",
    METADATA,
    Column("cursor", BIG, primary_key=True),
    Column("station", NAME, nullable=False),
    Column("epoch", Unsigned64, nullable=False),
    Column("sequence", BIG, nullable=False),
    Column("payload_hash", LargeBinary(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("samples", Text, nullable=False),
    UniqueConstraint("station", "epoch", "sequence", "record_time"),
    Index(None, "record_time", postgresql_using="brin"),
    sqlite_autoincrement=True,
)
"""Records of the telemetry lane. `cursor` counts them in the order of commits; `samples` is what is summed up of one:
a JSON list of [connector, session, power_w, energy_wh, cap_w]."""


def _summary(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("station", NAME, primary_key=True),
        Column("connector", Integer, primary_key=True, autoincrement=False),
        Column("start_time", Instant, primary_key=True),
        Column("session", NAME, primary_key=True),
        Column("samples", Integer, nullable=False),
        Column("power_sum_w", Float, nullable=False),
        Column("power_max_w", Float, nullable=False),
        Column("energy_wh", Float, nullable=False),
        Column("cap_w", Float),
        Index(None, "start_time", postgresql_using="brin"),
    )


MINUTES: Final = _summary("telemetry_minutes")
QUARTERS: Final = _summary("telemetry_quarters")
HOURS: Final = _summary("telemetry_hours")

PROGRESS = Table(
    "telemetry_progress",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", BIG, nullable=False),
)
"""One row: how far `telemetry` is summed up."""
