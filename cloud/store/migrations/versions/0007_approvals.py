"""What waits for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_approvals"
down_revision = "0006_telemetry"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=80)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "approvals",
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("requester", NAME, nullable=False),
        sa.Column("method", NAME, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_approvals"),
        sa.UniqueConstraint("id", name="uq_approvals_id"),
    )
    op.create_index("ix_approvals_requester_state", "approvals", ["requester", "state"], unique=False)
    op.create_index("ix_approvals_expire_time", "approvals", ["expire_time"], unique=False)


def downgrade() -> None:
    """Drop what was created."""
    op.drop_table("approvals")
