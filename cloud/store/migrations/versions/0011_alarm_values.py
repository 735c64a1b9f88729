"""Alarms that the cloud raises itself keep the values of their sentence, so that a page can say it in its language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_alarm_values"
down_revision = "0010_reports"


def upgrade() -> None:
    """Add the column; alarms from before have their English sentence only."""
    kind = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    op.add_column("alarms", sa.Column("values", kind, nullable=True))


def downgrade() -> None:
    """Drop the column; the English sentence is beside it."""
    op.drop_column("alarms", "values")
