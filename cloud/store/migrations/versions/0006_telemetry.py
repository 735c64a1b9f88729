"""Telemetry has tables of its own: by days in PostgreSQL, and summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0006_telemetry"
down_revision = "0005_meter_records"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NAME = sa.String(length=80)
TELEMETRY_LANE = 2
COLUMNS = "station, epoch, sequence, payload_hash, kind, record_time, receive_time, payload"
DAYS_BEFORE, DAYS_AHEAD = 8, 3
SUMMARIES = ("telemetry_minutes", "telemetry_quarters", "telemetry_hours")


def upgrade() -> None:
    """Create the tables and move what there is; summaries begin with what comes from now on."""
    (_partitioned if op.get_bind().dialect.name == "postgresql" else _plain)()
    op.create_index("ix_telemetry_record_time", "telemetry", ["record_time"], postgresql_using="brin")
    for name in SUMMARIES:
        _summary(name)
    op.create_table(
        "telemetry_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cursor", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_telemetry_progress"),
    )
    op.execute(
        f"INSERT INTO telemetry ({COLUMNS}, samples) SELECT {COLUMNS}, '[]' FROM inbox "
        f"WHERE lane = {TELEMETRY_LANE} ORDER BY receive_time"
    )
    op.execute(f"DELETE FROM inbox WHERE lane = {TELEMETRY_LANE}")
    op.drop_index("ix_inbox_lane_receive_time", "inbox")
    op.execute(
        "CREATE VIEW records AS SELECT station, epoch, sequence, payload_hash, kind, lane, record_time, receive_time, "
        f"payload FROM inbox UNION ALL SELECT station, epoch, sequence, payload_hash, kind, {TELEMETRY_LANE}, "
        "record_time, receive_time, payload FROM telemetry"
    )


def downgrade() -> None:
    """Put telemetry back, and drop what was created."""
    op.execute("DROP VIEW records")
    op.create_index("ix_inbox_lane_receive_time", "inbox", ["lane", "receive_time"], unique=False)
    op.execute(f"INSERT INTO inbox ({COLUMNS}, lane) SELECT {COLUMNS}, {TELEMETRY_LANE} FROM telemetry")
    for name in ("telemetry_progress", *SUMMARIES, "telemetry"):
        op.drop_table(name)


def _plain() -> None:
    op.create_table(
        "telemetry",
        sa.Column("cursor", BIG, nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("cursor", name="pk_telemetry"),
        _unique(),
        sqlite_autoincrement=True,
    )


def _partitioned() -> None:
    # A partitioned table's keys name the column that it is partitioned by.
    op.create_table(
        "telemetry",
        sa.Column("cursor", sa.BigInteger(), autoincrement=True, nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("cursor", "record_time", name="pk_telemetry"),
        _unique(),
        postgresql_partition_by="RANGE (record_time)",
    )
    op.execute("CREATE TABLE telemetry_other PARTITION OF telemetry DEFAULT")
    today = datetime.now(UTC).date()
    for number in range(-DAYS_BEFORE, DAYS_AHEAD + 1):
        day = today + timedelta(days=number)
        until = day + timedelta(days=1)
        op.execute(
            f"CREATE TABLE telemetry_{day:%Y%m%d} PARTITION OF telemetry "
            f"FOR VALUES FROM ('{day} 00:00+00') TO ('{until} 00:00+00')"
        )


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("station", NAME, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("record_time", INSTANT, nullable=False),
        sa.Column("receive_time", INSTANT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("samples", sa.Text(), nullable=False),
    )


def _unique() -> sa.UniqueConstraint:
    named = "uq_telemetry_station_epoch_sequence_record_time"
    return sa.UniqueConstraint("station", "epoch", "sequence", "record_time", name=named)


def _summary(name: str) -> None:
    op.create_table(
        name,
        sa.Column("station", NAME, nullable=False),
        sa.Column("connector", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("session", NAME, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("power_sum_w", sa.Float(), nullable=False),
        sa.Column("power_max_w", sa.Float(), nullable=False),
        sa.Column("energy_wh", sa.Float(), nullable=False),
        sa.Column("cap_w", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("station", "connector", "start_time", "session", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_start_time", name, ["start_time"], postgresql_using="brin")
