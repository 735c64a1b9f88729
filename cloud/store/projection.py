"""What records mean for stations, connectors, sessions and receipts: applied in the transaction that stores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloud.domain import session as reducer
from cloud.domain.audit import Deed
from cloud.domain.notice import of_limit
from cloud.domain.order import Order
from cloud.domain.receipt import issue
from cloud.domain.reservation import confirmed, refused
from cloud.domain.session import Session, SessionState
from cloud.domain.tariff import Tariff
from cloud.domain.use import Mark
from cloud.ingest.ports import StoredRecord
from cloud.store import audit, commands, live, locations, meter_records, receipts, reservations
from cloud.store.changes import Changed
from cloud.store.operating import Operations
from cloud.store.receipts import Seal
from cloud.store.sessions_in_hand import SessionsInHand
from cloud.store.writing import Writing
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import DropReservation, KeepReservation
from powerctl.core.record import (
    CommandOutcome,
    CommandResult,
    ConnectorStatusChanged,
    ConnectorTelemetry,
    Record,
    SecurityEvent,
    SessionClosed,
    SessionOpened,
    SignedMeterRecord,
    StationStarted,
    Telemetry,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.session import ConnectorState
from powerctl.runtime import metrics

MOST_SLOWED: Final = 10_000
"""Sessions that are remembered."""
_NOT_CHARGING: Final = (ConnectorState.OCCUPIED, ConnectorState.FINISHED, ConnectorState.FAULTED)


@dataclass(slots=True)
class Projection:
    """Applies records inside one transaction. Sessions are read once and written once, however many records change
    them; `finish` writes them, together with the live values.
    """

    writing: Writing
    tariff: Tariff
    """Of now; frozen into sessions that start."""
    new_id: Callable[[], str]
    """Makes a random id."""
    seal: Seal | None = None
    """Signs receipts. None: there is no key."""
    slowed: set[SessionId] = field(default_factory=set)
    """Sessions whose drivers were told that the grid slows them."""
    station: StationId = field(init=False)
    """Whose records are being applied."""
    _sessions: SessionsInHand = field(init=False)
    _operations: Operations = field(init=False)
    _reports: list[live.Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sessions = SessionsInHand(self.writing)
        self._operations = Operations(self.writing, self.new_id)

    async def apply(self, station: StationId, epoch: int, records: Sequence[StoredRecord]) -> None:
        """Apply new records of one epoch, in any order. Of telemetry only the newest counts."""
        self.station = station
        newest: StoredRecord | None = None
        for stored in records:
            order, record = Order(epoch, stored.sequence), stored.record
            if not isinstance(record.body, Telemetry):
                await self._one(order, record)
                continue
            if self.tariff.follows_power:
                await self._mark(record.body, record.record_time)
            if newest is None or stored.sequence > newest.sequence:
                newest = stored
        if newest is not None and isinstance(body := newest.record.body, Telemetry):
            order = Order(epoch, newest.sequence)
            self._reports.append(live.Report(station, order, newest.record.record_time, body, newest.payload))
        self.writing.changed.append(Changed("location", station))

    async def finish(self) -> set[StationId]:
        """Write what is still in hand; returns the stations whose live values were the newest, now noted as heard."""
        fresh = await live.take(self.writing.connection, self._reports, self.writing.now)
        charging = [
            (report.station, one.session, one) for report in fresh for one in report.body.connectors if one.session
        ]
        await self._sessions.fetch(session for _, session, _ in charging)
        for station, name, one in charging:
            session = self._sessions.meter(station, name, one.session_energy.wh)
            if session is not None:
                self._tell_slowed(session, one)
        await self._sessions.write()
        return {report.station for report in fresh}

    def _tell_slowed(self, session: Session, values: ConnectorTelemetry) -> None:
        if session.id in self.slowed or (told := of_limit(session, values.reasons, values.target.w)) is None:
            return
        if len(self.slowed) >= MOST_SLOWED:
            self.slowed.clear()
        self.slowed.add(session.id)
        self.writing.notices.append(told)

    async def _one(self, order: Order, record: Record) -> None:
        match record.body:
            case ConnectorStatusChanged() as body:
                await self._status(body, order)
            case StationStarted() as body:
                await locations.started(self.writing.connection, self.station, body, order)
            case SecurityEvent() as body:
                await self._alarm(body)
            case SignedMeterRecord() as body:
                await meter_records.add(self.writing.connection, self.station, body, self.writing.now)
            case CommandResult() as body:
                await self._result(body, order)
            case SessionOpened() | TransactionStarted() | TransactionEnded() | SessionClosed() as body:
                await self._session(body, record.record_time)
            case _:
                await self._operations.apply(self.station, record)

    async def _alarm(self, body: SecurityEvent) -> None:
        """Into the audit log: what a station saw is evidence too."""
        deed = Deed(self.station, "station", f"station/{body.code}", "", "")
        await audit.append(self.writing.connection, deed, self.writing.now, "alarm", body.detail)
        metrics.counter("cloud_security_events_total").labels("station").inc()
        await self._operations.security(self.station, body)

    async def _mark(self, body: Telemetry, time: datetime) -> None:
        """Note what was metered then: also values that arrive late decide what energy cost."""
        for one in body.connectors:
            if one.session is None or (session := await self._own(one.session)) is None or session.receipt:
                continue
            mark = Mark(time, int(one.session_energy.wh), one.power.w, one.current.a)
            self._sessions.put(session, reducer.marked(session, mark))

    async def _status(self, body: ConnectorStatusChanged, order: Order) -> None:
        await locations.status(self.writing.connection, self.station, body, order)
        if body.session is None or body.state not in _NOT_CHARGING:
            return
        if session := await self._own(body.session):
            self._sessions.put(session, reducer.idle(session, order, body.detail))

    async def _result(self, body: CommandResult, order: Order) -> None:
        sent = await commands.answered(self.writing.connection, self.station, body)
        if sent is not None and isinstance(sent.command.action, KeepReservation | DropReservation):
            await self._reservation(sent.command.action, body)
        session = await self._own(sent.session) if sent is not None and sent.session else None
        if session is None:
            return
        if body.outcome is CommandOutcome.ACCEPTED:
            self._sessions.put(session, reducer.accepted(session, body.command_id, order))
        else:
            why = body.detail or "The station refused the command."
            self._sessions.put(session, reducer.refused(session, body.command_id, why))

    async def _reservation(self, action: KeepReservation | DropReservation, body: CommandResult) -> None:
        """What the station says of a reservation. One that it took too late is told again."""
        connection = self.writing.connection
        known = await reservations.load(connection, action.reservation)
        if known is None or body.outcome is CommandOutcome.EXPIRED:
            return
        if isinstance(action, KeepReservation) == known.dropped:
            return
        await reservations.ask_at(connection, known.id, None)
        if isinstance(action, DropReservation):
            return
        holding = known.covers(self.writing.now)
        if body.outcome is CommandOutcome.ACCEPTED:
            await reservations.save(connection, confirmed(known), holding=holding)
        else:
            await reservations.save(connection, refused(known, body.detail), holding=False)

    async def _session(
        self, body: SessionOpened | TransactionStarted | TransactionEnded | SessionClosed, time: datetime
    ) -> None:
        session = await self._sessions.get(body.session)
        if session is None:
            session = await self._new(body.session, body.connector)
        elif session.station != self.station:
            return
        match body:
            case SessionOpened():
                after = reducer.opened(session, time)
            case TransactionStarted():
                after = reducer.started(session, body, self.tariff)
            case TransactionEnded():
                after = reducer.ended(session, body, self.tariff)
            case SessionClosed():
                after = reducer.closed(session, time)
        self._sessions.put(session, await self._receipted(after))

    async def _new(self, session: SessionId, connector: ConnectorId) -> Session:
        station = await locations.load(self.writing.connection, self.station)
        described = station.connector(connector) if station else None
        return Session(session, self.station, connector, rated=described.max_power if described else None)

    async def _receipted(self, session: Session) -> Session:
        if session.state is not SessionState.COMPLETED or session.receipt:
            return session
        station = await locations.load(self.writing.connection, self.station)
        receipt = issue(
            session,
            self.new_id(),
            location_name=station.display_name if station else self.station,
            simulated=station.simulated if station else False,
            now=self.writing.now,
        )
        if receipt is None:
            return session
        number = await receipts.add(self.writing.connection, receipt, self.seal)
        self.writing.issued.append(receipt)
        return reducer.receipted(session, receipt.id, number)

    async def _own(self, session: SessionId) -> Session | None:
        """The session, when it is of this station: a station says nothing about another's."""
        known = await self._sessions.get(session)
        return known if known is not None and known.station == self.station else None
