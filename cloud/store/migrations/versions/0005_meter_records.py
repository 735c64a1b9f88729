"""What meters have signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_meter_records"
down_revision = "0004_operations"

NAME = sa.String(length=80)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "meter_records",
        sa.Column("station", NAME, nullable=False),
        sa.Column("session", NAME, nullable=False),
        sa.Column("transaction", NAME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("station", "session", "transaction", name="pk_meter_records"),
    )
    op.create_index("ix_meter_records_receive_time", "meter_records", ["receive_time"], unique=False)


def downgrade() -> None:
    """Drop what was created."""
    op.drop_table("meter_records")
