"""A transaction that writes, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.notice import Notice, of_step
from cloud.domain.receipt import Receipt
from cloud.domain.session import Session, SessionState
from cloud.store import sessions
from cloud.store.changes import Changed
from powerctl.runtime import log, metrics

_log = log.get(__name__)


@dataclass(slots=True)
class Writing:
    """An open transaction. What is noted here is told to others only once it is committed."""

    connection: AsyncConnection
    now: datetime
    changed: list[Changed] = field(default_factory=list)
    issued: list[Receipt] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    """What drivers are to be told once it is committed."""
    _moved: list[tuple[Session, Session]] = field(default_factory=list)

    async def save(self, before: Session, after: Session) -> None:
        """Write the session, when it is not as it was."""
        if self.note(before, after):
            await sessions.save(self.connection, after, self.now)

    def note(self, before: Session, after: Session) -> bool:
        """Note a step of a session; the caller writes it. False: it is as it was."""
        if after == before and before.update_time is not None:
            return False
        self.changed.append(Changed("session", after.id))
        if after.driver != before.driver:
            # A location shows each caller whether the session at its connector is the caller's own.
            self.changed.append(Changed("location", after.station))
        if after.state is not before.state or after.receipt != before.receipt:
            self._moved.append((before, after))
            if (told := of_step(before, after)) is not None:
                self.notices.append(told)
        return True

    def committed(self) -> None:
        """Log and count what is now true."""
        for before, after in self._moved:
            _log.info(
                "session_state_changed",
                session=after.id,
                station=after.station,
                connector=after.connector,
                before=before.state.value,
                after=after.state.value,
                detail=after.detail,
            )
            if after.state is SessionState.NEEDS_REVIEW and before.state is not after.state:
                metrics.counter("cloud_sessions_to_review_total").inc()
            if after.receipt and not before.receipt:
                _log.info("receipt_issued", session=after.id, receipt=after.receipt, energy_wh=after.energy_wh)
        for receipt in self.issued:
            metrics.counter("cloud_receipts_issued_total").inc()
            metrics.counter("cloud_billed_joules_total").inc(receipt.energy_wh * 3600)
            metrics.counter("cloud_billed_amount_total").labels(receipt.total.currency).inc(float(receipt.total.amount))
