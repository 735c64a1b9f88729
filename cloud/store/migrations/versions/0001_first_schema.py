"""The first schema."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create every table."""
    _changes()
    _commands()
    _inbox()
    _meta()
    _quarantine()
    _receipts()
    _sessions()
    _stations()
    _used_tokens()
    _connectors()
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.execute(meta.insert().values(key="feed", value=secrets.token_hex(8)))


def downgrade() -> None:
    """Drop every table."""
    for table in _TABLES:
        op.drop_table(table)


_TABLES = (
    "connectors",
    "used_tokens",
    "stations",
    "sessions",
    "receipts",
    "quarantine",
    "meta",
    "inbox",
    "commands",
    "changes",
)


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("cursor", BIG, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("resource", sa.String(length=80), nullable=False),
        sa.Column("change_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("cursor", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_change_time", "changes", ["change_time"], unique=False)


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=80), nullable=False),
        sa.Column("request", sa.String(length=300), nullable=False),
        sa.Column("session", sa.String(length=80), nullable=False),
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.Column("expire_time", INSTANT, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
        sa.UniqueConstraint("principal", "request_id", name="uq_commands_principal_request_id"),
    )
    op.create_index("ix_commands_outcome_expire_time", "commands", ["outcome", "expire_time"], unique=False)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", BIG, autoincrement=False, nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("record_time", INSTANT, nullable=False),
        sa.Column("receive_time", INSTANT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", "sequence", name="pk_inbox"),
    )
    op.create_index("ix_inbox_lane_receive_time", "inbox", ["lane", "receive_time"], unique=False)


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", BIG, nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receive_time", INSTANT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("session", sa.String(length=80), nullable=False),
        sa.Column("driver", sa.String(length=80), nullable=True),
        sa.Column("issue_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_receipts"),
        sa.UniqueConstraint("id", name="uq_receipts_id"),
        sa.UniqueConstraint("session", name="uq_receipts_session"),
    )
    op.create_index("ix_receipts_driver_ordinal", "receipts", ["driver", "ordinal"], unique=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("driver", sa.String(length=80), nullable=True),
        sa.Column("plugged", sa.Boolean(), nullable=False),
        sa.Column("update_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_sessions"),
        sa.UniqueConstraint("id", name="uq_sessions_id"),
    )
    op.create_index("ix_sessions_driver_ordinal", "sessions", ["driver", "ordinal"], unique=False)
    op.create_index("ix_sessions_state", "sessions", ["state"], unique=False)


def _stations() -> None:
    op.create_table(
        "stations",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("start_epoch", sa.BigInteger(), nullable=True),
        sa.Column("start_sequence", BIG, nullable=True),
        sa.Column("last_seen", INSTANT, nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("ac_power_w", sa.Float(), nullable=True),
        sa.Column("limits", DOCUMENT, nullable=True),
        sa.Column("manager_connected", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sequence", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stations"),
    )


def _used_tokens() -> None:
    op.create_table(
        "used_tokens",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("expire_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_used_tokens"),
    )
    op.create_index("ix_used_tokens_expire_time", "used_tokens", ["expire_time"], unique=False)


def _connectors() -> None:
    op.create_table(
        "connectors",
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("connector", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=20), nullable=True),
        sa.Column("max_power_w", sa.Float(), nullable=True),
        sa.Column("position", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=True),
        sa.Column("session", sa.String(length=80), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sequence", BIG, nullable=True),
        sa.Column("live", DOCUMENT, nullable=True),
        sa.Column("live_time", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["station"], ["stations.id"], name="fk_connectors_stations"),
        sa.PrimaryKeyConstraint("station", "connector", name="pk_connectors"),
    )
