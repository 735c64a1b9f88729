"""What is searched for about stations is in columns, beside the documents that hold it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007_fleet_search"
down_revision = "0007_approvals"

TABLE = "station_state"
INSTANT = sa.DateTime(timezone=True)
COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "outbox_records": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "outbox_oldest": INSTANT,
    "outbox_age_s": sa.Float(),
    "certificate_end": INSTANT,
    "clock_offset_s": sa.Float(),
    "signal": sa.String(length=20),
    "config_digest": sa.String(length=64),
}


def upgrade() -> None:
    """Add the columns and fill them from the documents."""
    for name, kind in COLUMNS.items():
        op.add_column(TABLE, sa.Column(name, kind, nullable=True))
    op.add_column(TABLE, sa.Column("drift", sa.Boolean(), nullable=False, server_default=sa.false()))
    documents = ("health", "link", "configuration", "desired")
    table = sa.table(
        TABLE,
        sa.column("station", sa.String()),
        sa.column("health_time", INSTANT),
        sa.column("drift", sa.Boolean()),
        *(sa.column(name, sa.JSON()) for name in documents),
        *(sa.column(name, kind) for name, kind in COLUMNS.items()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(table)).mappings().all():
        connection.execute(sa.update(table).where(table.c.station == row["station"]).values(_searched(row)))


def downgrade() -> None:
    """Drop the columns; the documents hold the same."""
    for name in ("drift", *reversed(COLUMNS)):
        op.drop_column(TABLE, name)


def _searched(row: Any) -> dict[str, Any]:
    health, link = _object(row["health"]), _object(row["link"])
    found: dict[str, Any] = {}
    if health:
        zone = row["health_time"].tzinfo
        oldest = _instant(health.get("outbox_oldest_time") if health.get("outbox_records") else None, zone)
        found["outbox_records"] = health.get("outbox_records")
        found["outbox_oldest"] = oldest
        found["outbox_age_s"] = (row["health_time"] - oldest).total_seconds() if oldest else None
        found["certificate_end"] = _instant(health.get("certificate_end_time"), zone)
        found["clock_offset_s"] = health.get("clock_offset_s")
    if link:
        found["signal"] = link.get("signal")
    configuration, desired = _object(row["configuration"]), _object(row["desired"])
    found["config_digest"] = health.get("config_digest") or configuration.get("config_digest")
    if desired:
        reported = configuration.get("values", {})
        found["drift"] = any(reported.get(key) != value for key, value in desired.items())
    return found


def _object(document: Any) -> dict[str, Any]:
    found = json.loads(document) if isinstance(document, str) else document
    return found if isinstance(found, dict) else {}


def _instant(text: str | None, zone: Any) -> datetime | None:
    """The instant in UTC, with a zone where the database keeps one."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if zone is not None else found.replace(tzinfo=None)
