"""Alembic migrations; run by `powerctl-cloud migrate`."""
