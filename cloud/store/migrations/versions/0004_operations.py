"""How stations are, alarms, files, what the grid asked, tariffs, fleet limits, and notices to drivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004_operations"
down_revision = "0003"

NAME = sa.String(length=80)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables, and the columns of what stations are told of reservations."""
    op.add_column("reservations", sa.Column("ask_time", INSTANT, nullable=True))
    op.add_column("reservations", sa.Column("session", NAME, nullable=True))
    op.create_index("ix_reservations_ask_time", "reservations", ["ask_time"], unique=False)
    _stations()
    _money()
    _notices()


def downgrade() -> None:
    """Drop what was created."""
    for table in _TABLES:
        op.drop_table(table)
    op.drop_index("ix_reservations_ask_time", "reservations")
    op.drop_column("reservations", "session")
    op.drop_column("reservations", "ask_time")


_TABLES = (
    "notices",
    "push_subscriptions",
    "notify_settings",
    "fleet_caps",
    "tariffs",
    "file_chunks",
    "station_files",
    "grid_events",
    "alarms",
    "station_state",
)


def _stations() -> None:
    op.create_table(
        "station_state",
        sa.Column("station", NAME, nullable=False),
        sa.Column("health", DOCUMENT, nullable=True),
        sa.Column("health_time", INSTANT, nullable=True),
        sa.Column("link", DOCUMENT, nullable=True),
        sa.Column("link_time", INSTANT, nullable=True),
        sa.Column("configuration", DOCUMENT, nullable=True),
        sa.Column("configuration_time", INSTANT, nullable=True),
        sa.Column("desired", DOCUMENT, nullable=True),
        sa.PrimaryKeyConstraint("station", name="pk_station_state"),
    )
    op.create_table(
        "alarms",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("station", NAME, nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("code", NAME, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("end_time", INSTANT, nullable=True),
        sa.Column("acknowledge_time", INSTANT, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_alarms"),
        sa.UniqueConstraint("id", name="uq_alarms_id"),
    )
    op.create_index("ix_alarms_station_ordinal", "alarms", ["station", "ordinal"], unique=False)
    op.create_index("ix_alarms_end_time", "alarms", ["end_time"], unique=False)
    op.create_table(
        "grid_events",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("station", NAME, nullable=False),
        sa.Column("event_time", INSTANT, nullable=False),
        sa.Column("receive_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_grid_events"),
    )
    op.create_index("ix_grid_events_station_event_time", "grid_events", ["station", "event_time"], unique=False)
    op.create_index("ix_grid_events_event_time", "grid_events", ["event_time"], unique=False)
    op.create_table(
        "station_files",
        sa.Column("upload", NAME, nullable=False),
        sa.Column("station", NAME, nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("upload", name="pk_station_files"),
    )
    op.create_index("ix_station_files_station_create_time", "station_files", ["station", "create_time"], unique=False)
    op.create_table(
        "file_chunks",
        sa.Column("upload", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload", "number", name="pk_file_chunks"),
    )


def _money() -> None:
    op.create_table(
        "tariffs",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.Column("publish_time", INSTANT, nullable=True),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_tariffs"),
        sa.UniqueConstraint("id", name="uq_tariffs_id"),
        sa.UniqueConstraint("request_id", name="uq_tariffs_request_id"),
    )
    op.create_index("ix_tariffs_state", "tariffs", ["state"], unique=False)
    op.create_table(
        "fleet_caps",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("principal", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("end_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_fleet_caps"),
        sa.UniqueConstraint("id", name="uq_fleet_caps_id"),
        sa.UniqueConstraint("principal", "request_id", name="uq_fleet_caps_principal_request_id"),
    )
    op.create_index("ix_fleet_caps_end_time", "fleet_caps", ["end_time"], unique=False)


def _notices() -> None:
    op.create_table(
        "notify_settings",
        sa.Column("user", NAME, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("on_finished", sa.Boolean(), nullable=False),
        sa.Column("on_stopped", sa.Boolean(), nullable=False),
        sa.Column("on_slowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user", name="pk_notify_settings"),
    )
    op.create_table(
        "push_subscriptions",
        sa.Column("id", NAME, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscriptions"),
    )
    op.create_index("ix_push_subscriptions_user", "push_subscriptions", ["user"], unique=False)
    op.create_table(
        "notices",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("session", NAME, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.Column("due_time", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_notices"),
        sa.UniqueConstraint("session", "kind", name="uq_notices_session_kind"),
    )
    op.create_index("ix_notices_due_time", "notices", ["due_time"], unique=False)
