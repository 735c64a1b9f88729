"""What must be remembered of sessions: each step goes to the journal and the outbox in the order that loses nothing.

Before the outbox: what a restart needs to finish the story. After it: what a restart need not repeat. A death in
between repeats an identical record, which the cloud recognises by its readings.
"""

from __future__ import annotations

import asyncio
from functools import partial

from edge.chademo.vehicles import Lesson
from edge.control.journal import Journal
from edge.control.recorder import Recorder
from edge.control.transaction import OpenSession, OpenTransaction
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import (
    ConnectorStatusChanged,
    FaultCleared,
    FaultRaised,
    SessionClosed,
    SessionOpened,
    TransactionEnded,
)
from powerctl.core.session import ConnectorState


class Books:
    """The session-keeping of all connectors."""

    def __init__(self, recorder: Recorder, journal: Journal) -> None:
        self._recorder = recorder
        self._journal = journal

    @property
    def is_full(self) -> bool:
        """True while nothing can be stored."""
        return self._recorder.is_full

    def status_changed(
        self, connector: ConnectorId, state: ConnectorState, session: SessionId | None, detail: str
    ) -> None:
        """The connector's state changed."""
        self._recorder.record(ConnectorStatusChanged(connector, state, session, detail))

    def session_opened(self, session: OpenSession) -> None:
        """A plug went in, or was still in after a restart."""
        self._recorder.journal(partial(self._journal.session_opened, session))
        self._recorder.record(SessionOpened(session.session, session.connector))

    def session_closed(self, session: OpenSession) -> None:
        """The plug came out."""
        self._recorder.record(SessionClosed(session.session, session.connector))
        self._recorder.journal(partial(self._journal.session_closed, session.connector))

    def transaction_began(self, transaction: OpenTransaction) -> asyncio.Future[None]:
        """Metering began; the result comes when the start reading is durable."""
        self._recorder.journal(partial(self._journal.transaction_began, transaction))
        return self._recorder.record(transaction.started())

    def transaction_ended(self, end: TransactionEnded) -> None:
        """Metering ended."""
        self._recorder.journal(partial(self._journal.transaction_ended, end))
        self._recorder.record(end)
        self._recorder.journal(partial(self._journal.transaction_recorded, end.connector))

    def fault_seen(self, connector: ConnectorId, fault: Fault) -> None:
        """A fault began."""
        if fault.latched:
            self._recorder.journal(partial(self._journal.fault_latched, connector, fault))
        self._recorder.record(FaultRaised(connector, fault))

    def fault_gone(self, connector: ConnectorId, code: str) -> None:
        """A fault ended."""
        self._recorder.journal(partial(self._journal.fault_released, connector, code))
        self._recorder.record(FaultCleared(connector, code))

    def learnt(self, connector: ConnectorId, lessons: tuple[Lesson, ...]) -> None:
        """Vehicles have shown what they do."""
        self._recorder.journal(partial(self._journal.learnt, connector, lessons))
