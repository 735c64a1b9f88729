"""The session of one connector: opened at plug-in, metered while current may flow, closed at unplug."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from edge.control.books import Books
from edge.control.transaction import IdleTime, OpenSession, OpenTransaction, end_reading, reading
from edge.hardware.ports import Meter
from powerctl.core.clock import Clock, after
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.units import Power
from powerctl.runtime import log, metrics
from powerctl.runtime.clock_quality import Quality, clock_quality

RESTING: Final = frozenset({ConnectorState.AVAILABLE, ConnectorState.FAULTED})
"""States in which a plug that is out ends the session."""
RECALL_S: Final = 3.0
"""After a restart: how long a plug may take to be seen again before its session counts as over."""
LEFT_MEANWHILE: Final = "The vehicle left while the controller was down."

_log = log.get(__name__)


class SessionKeeper:
    """What is written down of one connector.

    Args:
        session: The session that was open before a restart.
        quality: What the operating system says about its clock.
    """

    def __init__(
        self,
        connector: ConnectorId,
        books: Books,
        meter: Meter,
        clock: Clock,
        session: OpenSession | None = None,
        quality: Callable[[], Quality] = clock_quality,
    ) -> None:
        self._connector = connector
        self._books = books
        self._meter = meter
        self._clock = clock
        self._quality = quality
        self._began_at = clock.monotonic()
        self.session = session
        """None: nothing is plugged in."""
        self.transaction: OpenTransaction | None = None
        self._recall_until = after(clock.monotonic(), RECALL_S) if session else None
        self._idle = IdleTime()
        self._log = _log.bind(connector=connector)

    @property
    def session_id(self) -> SessionId | None:
        """None: nothing is plugged in."""
        return self.session.session if self.session else None

    @property
    def is_full(self) -> bool:
        """True while nothing can be stored."""
        return self._books.is_full

    def introduce(self, state: ConnectorState) -> None:
        """Tell the cloud where the connector stands when the program starts."""
        if self.session is not None:
            self._books.session_opened(self.session)
        else:
            self._books.status_changed(self._connector, state, None, "")

    def plugged(self) -> None:
        """A plug is in: opens a session unless one is open."""
        self._recall_until = None
        if self.session is not None:
            return
        self.session = OpenSession(
            session=SessionId(str(uuid4())),
            connector=self._connector,
            plug_in_time=self._clock.utc(),
            register_wh=self._meter.read().energy.wh,
        )
        metrics.counter("edge_sessions_total").labels(str(self._connector)).inc()
        self._log.info("session_opened", session=self.session.session)
        self._books.session_opened(self.session)

    def unplugged(self, state: ConnectorState) -> None:
        """No plug is in: closes the session once its transaction is over and the connector rests."""
        session = self.session
        if session is None or self.transaction is not None or state not in RESTING or self._is_recalling(state):
            return
        self.session = None
        self._log.info("session_closed", session=session.session)
        self._books.session_closed(session)

    def _is_recalling(self, state: ConnectorState) -> bool:
        """True while a session from before a restart waits for its plug to be seen again."""
        if self._recall_until is None:
            return False
        if self._clock.monotonic() < self._recall_until:
            return True
        self._recall_until = None
        self._books.status_changed(self._connector, state, None, LEFT_MEANWHILE)
        return False

    def state_changed(self, state: ConnectorState, detail: str) -> None:
        """The connector's state, or the reason for it, changed."""
        self._log.info("connector_state_changed", state=state, detail=detail)
        self._books.status_changed(self._connector, state, self.session_id, detail)

    def began(self, command_id: str) -> asyncio.Future[None]:
        """Current may flow from now on; the result comes when the start reading is durable."""
        assert self.session is not None, "no transaction without a session"
        start = reading(self._meter.read(), self._clock.utc(), self._quality())
        self._began_at = self._clock.monotonic()
        self.transaction = OpenTransaction(self.session.session, self._connector, command_id, start)
        self._idle = IdleTime()
        self._log.info("transaction_began", register_wh=start.register_wh)
        return self._books.transaction_began(self.transaction)

    def looked(self, *, target: Power, offered: Power) -> None:
        """Count the time in which the vehicle asks for nothing while power is on offer."""
        if self.transaction is not None:
            self._idle = self._idle.seen(self._clock.monotonic(), target=target, offered=offered)

    def ended(self, reason: StopReason, detail: str) -> None:
        """No current flows any more. Does nothing when no transaction is open."""
        transaction, self.transaction = self.transaction, None
        if transaction is None:
            return
        elapsed_s = self._clock.monotonic() - self._began_at
        end = end_reading(self._meter.read(), transaction.start, elapsed_s, self._clock.utc(), self._quality())
        metrics.counter("edge_transactions_total").labels(str(self._connector), reason).inc()
        self._log.info("transaction_ended", reason=reason, register_wh=end.register_wh)
        self._books.transaction_ended(transaction.ended(end, reason, detail, round(self._idle.seconds)))

    def fault_seen(self, fault: Fault) -> None:
        """A fault began."""
        self._log.warning("fault_seen", code=fault.code, detail=fault.detail)
        self._books.fault_seen(self._connector, fault)

    def fault_gone(self, code: str) -> None:
        """A fault ended."""
        self._log.info("fault_gone", code=code)
        self._books.fault_gone(self._connector, code)
