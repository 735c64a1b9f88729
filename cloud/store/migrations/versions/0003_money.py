"""Purchases, charging tokens, reservations, and what receipts need beside themselves."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

NAME = sa.String(length=80)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables; who is meant by older receipts moves out of them."""
    _purchases()
    _tokens()
    _reservations()
    _receipts()
    _name_drivers()


def downgrade() -> None:
    """Drop the tables."""
    for table in _TABLES:
        op.drop_table(table)


_TABLES = (
    "credits",
    "receipt_seals",
    "pseudonyms",
    "reservations",
    "payment_events",
    "charging_tokens",
    "purchases",
)


def _purchases() -> None:
    op.create_table(
        "purchases",
        sa.Column("id", NAME, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("request", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("session", NAME, nullable=True),
        sa.Column("due_time", INSTANT, nullable=True),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_purchases"),
        sa.UniqueConstraint("user", "request_id", name="uq_purchases_user_request_id"),
    )
    op.create_index("ix_purchases_due_time", "purchases", ["due_time"], unique=False)
    op.create_index("ix_purchases_session", "purchases", ["session"], unique=False)


def _tokens() -> None:
    op.create_table(
        "charging_tokens",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purchase", NAME, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("station", NAME, nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("expire_time", INSTANT, nullable=False),
        sa.Column("session", NAME, nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_charging_tokens"),
    )
    op.create_index("ix_charging_tokens_purchase", "charging_tokens", ["purchase"], unique=False)
    op.create_table(
        "payment_events",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("receive_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_events"),
    )
    op.create_index("ix_payment_events_receive_time", "payment_events", ["receive_time"], unique=False)


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", NAME, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("request", sa.String(length=300), nullable=False),
        sa.Column("station", NAME, nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("end_time", INSTANT, nullable=False),
        sa.Column("holding", sa.Boolean(), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reservations"),
        sa.UniqueConstraint("user", "request_id", name="uq_reservations_user_request_id"),
    )
    for columns in (["station", "state", "end_time"], ["state", "end_time"]):
        op.create_index(f"ix_reservations_{'_'.join(columns)}", "reservations", columns, unique=False)


def _receipts() -> None:
    op.create_table(
        "pseudonyms",
        sa.Column("pseudonym", NAME, nullable=False),
        sa.Column("user", NAME, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_pseudonyms"),
        sa.UniqueConstraint("user", "year", name="uq_pseudonyms_user_year"),
    )
    op.create_table(
        "receipt_seals",
        sa.Column("receipt", NAME, nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("signed", sa.Text(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("receipt", name="pk_receipt_seals"),
        sa.UniqueConstraint("number", name="uq_receipt_seals_number"),
    )
    op.create_table(
        "credits",
        sa.Column("id", NAME, nullable=False),
        sa.Column("receipt", NAME, nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("principal", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("issue_time", INSTANT, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credits"),
        sa.UniqueConstraint("number", name="uq_credits_number"),
        sa.UniqueConstraint("principal", "request_id", name="uq_credits_principal_request_id"),
    )
    op.create_index("ix_credits_receipt", "credits", ["receipt"], unique=False)


def _name_drivers() -> None:
    """Receipts that name their driver keep the name as pseudonym, in the year of their issue."""
    receipts = sa.table("receipts", sa.column("driver"), sa.column("issue_time", INSTANT))
    known = op.get_bind().execute(sa.select(receipts.c.driver, sa.func.min(receipts.c.issue_time)).group_by("driver"))
    pseudonyms = sa.table("pseudonyms", *(sa.column(name) for name in ("pseudonym", "user", "year", "key")))
    for driver, first in known.all():
        if driver is not None:
            row = {"pseudonym": driver, "user": driver, "year": first.year, "key": secrets.token_bytes(32)}
            op.execute(pseudonyms.insert().values(row))
