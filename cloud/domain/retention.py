"""How long things are kept: what the law wants of receipts, and no longer than needed of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """Years count from the end of the calendar year, as tax laws do."""

    receipt_years: int = 10
    """Above every statutory period that is known to us (Germany 8 years since 2025, Finland 6 years)."""
    identity_years: int = 8
    """After so many years nothing says any more whose a receipt was."""
    session_life: timedelta = timedelta(days=730)
    """Sessions and payments name their driver for so long."""
    command_life: timedelta = timedelta(days=90)
    reservation_life: timedelta = timedelta(days=365)
    telemetry_life: timedelta = timedelta(days=7)
    """Live values as they came."""
    minute_life: timedelta = timedelta(days=365)
    quarter_life: timedelta = timedelta(days=3653)
    hour_life: timedelta = timedelta(days=3653)

    def receipts_before(self, now: datetime) -> datetime:
        """Receipts that were issued before this instant have had their time."""
        return datetime(now.year - self.receipt_years, 1, 1, tzinfo=UTC)

    def identities_before(self, now: datetime) -> int:
        """Receipts of earlier years are nobody's any more."""
        return now.year - self.identity_years


DEFAULT_RETENTION = Retention()
