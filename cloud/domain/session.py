"""A charging session, from plug-in to unplug: facts that only grow, and a table that makes a state of them.

Records arrive twice, late and in any order. So a record is first merged into the session's facts, where a second
copy changes nothing; then what the facts now say, not which record came last, selects the row of `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from cloud.domain.billing import Billable, Doubtful, doubt_about_time, judge
from cloud.domain.order import Order
from cloud.domain.pricing import Booking
from cloud.domain.tariff import Tariff
from cloud.domain.use import Mark, noted
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import MeterReading, TransactionEnded, TransactionStarted
from powerctl.core.units import Power


class SessionState(StrEnum):
    """Where a session is; the meaning of each is in `session.proto`."""

    OPEN = "open"
    PENDING = "pending"
    ACTIVE = "active"
    STOPPING = "stopping"
    COMPLETED = "completed"
    NEEDS_REVIEW = "needs_review"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Asked:
    """The newest command for a session."""

    command_id: str
    accepted: Order | None = None
    """Where the station's acceptance stands in its outbox. None: not accepted yet."""


@dataclass(frozen=True, slots=True)
class Session:
    """Everything known about a session."""

    id: SessionId
    station: StationId
    connector: ConnectorId
    rated: Power | None = None
    """Rated power of the connector. None: not known when the session was first heard of."""
    state: SessionState = SessionState.OPEN
    driver: str | None = None
    """User who started it. None: nobody, or it was started at the station."""
    tariff: Tariff | None = None
    """Frozen at the start. None: not started."""
    plug_in_time: datetime | None = None
    unplug_time: datetime | None = None
    started: TransactionStarted | None = None
    ended: TransactionEnded | None = None
    contradicted: bool = False
    """The station reported two different starts or ends."""
    live_energy_wh: int = 0
    marks: tuple[Mark, ...] = ()
    """Values from in between, where the tariff's price changes; empty for tariffs that need none."""
    booking: Booking | None = None
    """The reservation that it fulfils. None: it needed none."""
    asked: Asked | None = None
    detail: str = ""
    receipt: str = ""
    """Id of its receipt; empty: none yet."""
    receipt_number: int = 0
    """0: none yet."""
    update_time: datetime | None = None
    """When it was last written, on the cloud's clock. None: not written yet."""

    @property
    def start_time(self) -> datetime | None:
        """When metering began."""
        if self.ended is not None and self.ended.start_time is not None:
            return self.ended.start_time
        return self.started.reading.read_time if self.started else None

    @property
    def end_time(self) -> datetime | None:
        """When metering ended."""
        return self.ended.reading.read_time if self.ended else None

    @property
    def energy_wh(self) -> int:
        """Live while charging; the difference of two readings afterwards; zero while in review."""
        if self.ended is None:
            return self.live_energy_wh
        verdict = settle(self)
        return verdict.energy_wh if isinstance(verdict, Billable) else 0

    @property
    def over(self) -> bool:
        """True: nothing can be started or stopped any more."""
        return self.state in _OVER


_OVER: Final = frozenset({SessionState.COMPLETED, SessionState.NEEDS_REVIEW, SessionState.CLOSED})


class Trigger(StrEnum):
    """What selects a row of the table."""

    START_ASKED = "start_asked"
    STOP_ASKED = "stop_asked"
    NOT_STARTED = "not_started"
    """The command was refused, expired, or its start failed, and metering has not begun."""
    STOP_REFUSED = "stop_refused"
    STARTED = "started"
    UNPLUGGED = "unplugged"
    """The plug is out and metering never began."""
    END_MISSING = "end_missing"
    """The plug is out, metering began, and its end was not reported (yet)."""
    BILLABLE = "billable"
    DOUBTFUL = "doubtful"


_S, _T = SessionState, Trigger
RULES: Final[Mapping[tuple[SessionState, Trigger], SessionState]] = {
    (_S.OPEN, _T.START_ASKED): _S.PENDING,
    (_S.OPEN, _T.STARTED): _S.ACTIVE,
    (_S.OPEN, _T.UNPLUGGED): _S.CLOSED,
    (_S.PENDING, _T.NOT_STARTED): _S.OPEN,
    (_S.PENDING, _T.STOP_ASKED): _S.STOPPING,
    (_S.PENDING, _T.STARTED): _S.ACTIVE,
    (_S.PENDING, _T.UNPLUGGED): _S.CLOSED,
    (_S.ACTIVE, _T.STOP_ASKED): _S.STOPPING,
    (_S.STOPPING, _T.STOP_REFUSED): _S.ACTIVE,
    (_S.STOPPING, _T.NOT_STARTED): _S.OPEN,
    (_S.STOPPING, _T.UNPLUGGED): _S.CLOSED,
    **{(state, _T.END_MISSING): _S.NEEDS_REVIEW for state in (_S.OPEN, _S.PENDING, _S.ACTIVE, _S.STOPPING, _S.CLOSED)},
    **{(state, _T.BILLABLE): _S.COMPLETED for state in _S},
    **{(state, _T.DOUBTFUL): _S.NEEDS_REVIEW for state in _S},
}
"""A pair without a row changes nothing."""


def opened(session: Session, time: datetime) -> Session:
    """The session once its plug-in is known."""
    return _advance(replace(session, plug_in_time=_earliest(session.plug_in_time, time)))


def started(session: Session, record: TransactionStarted, tariff: Tariff) -> Session:
    """The session once metering is known to have begun. `tariff` is frozen if none is yet."""
    known = session.started
    contradicted = known is not None and known.reading != record.reading
    kept = record if known is None else min(known, record, key=lambda r: _order(r.reading))
    return _advance(
        replace(
            session,
            started=kept,
            tariff=session.tariff or tariff,
            contradicted=session.contradicted or contradicted,
        )
    )


def ended(session: Session, record: TransactionEnded, tariff: Tariff) -> Session:
    """The session once metering is known to have ended. `tariff` is frozen if none is yet."""
    known = session.ended
    contradicted = known is not None and (known.reading, known.start_reading) != (record.reading, record.start_reading)
    kept = record if known is None else min(known, record, key=_end_order)
    return _advance(
        replace(
            session,
            ended=kept,
            tariff=session.tariff or tariff,
            contradicted=session.contradicted or contradicted,
        )
    )


def closed(session: Session, time: datetime) -> Session:
    """The session once its unplugging is known."""
    return _advance(replace(session, unplug_time=_earliest(session.unplug_time, time)))


def metered(session: Session, energy_wh: float) -> Session:
    """The session with a live value; values that arrive late do not lower it."""
    return replace(session, live_energy_wh=max(session.live_energy_wh, int(energy_wh)))


def marked(session: Session, mark: Mark) -> Session:
    """The session with a value that its tariff needs; others change nothing."""
    if session.tariff is None or session.start_time is None or not session.tariff.follows_power:
        return session
    return replace(session, marks=noted(session.marks, mark, session.tariff, session.start_time))


def start_asked(session: Session, command_id: str, driver: str, tariff: Tariff) -> Session:
    """The session while a start is on its way to the station. `driver` owns it, at the price of now."""
    if (session.state, Trigger.START_ASKED) not in RULES:
        return session
    asking = replace(session, asked=Asked(command_id), driver=driver, tariff=tariff)
    return _move(asking, Trigger.START_ASKED, detail="")


def stop_asked(session: Session, command_id: str) -> Session:
    """The session while a stop is on its way to the station."""
    if (session.state, Trigger.STOP_ASKED) not in RULES:
        return session
    return _move(replace(session, asked=Asked(command_id)), Trigger.STOP_ASKED, detail="")


def accepted(session: Session, command_id: str, order: Order) -> Session:
    """The session once the station has accepted the newest command."""
    if session.asked is None or session.asked.command_id != command_id:
        return session
    return replace(session, asked=Asked(command_id, order))


def refused(session: Session, command_id: str, detail: str) -> Session:
    """The session once the newest command was refused or has expired; an older command changes nothing."""
    if session.asked is None or session.asked.command_id != command_id:
        return session
    return _give_up(session, detail)


def idle(session: Session, order: Order, detail: str) -> Session:
    """The session once its connector reported that it does not charge.

    Only a report from after the command was accepted says that the start has failed.
    """
    if session.started or session.asked is None or session.asked.accepted is None:
        return session
    if not order.follows(session.asked.accepted):
        return session
    return _give_up(session, detail or "The station could not start charging.")


def receipted(session: Session, receipt: str, number: int) -> Session:
    """The session once its receipt is issued."""
    return replace(session, receipt=receipt, receipt_number=number)


def settle(session: Session) -> Billable | Doubtful:
    """Whether the ended transaction can be billed.

    Raises:
        ValueError: It has not ended.
    """
    if session.ended is None:
        raise ValueError(f"session {session.id} has not ended")
    if session.contradicted or not _agree(session.started, session.ended):
        return Doubtful("The station reported two different meter readings for the same moment.")
    verdict = judge(session.ended.start_reading, session.ended.reading, session.rated)
    why = doubt_about_time(session.ended, session.tariff)
    return Doubtful(why) if why and isinstance(verdict, Billable) else verdict


def _agree(start: TransactionStarted | None, end: TransactionEnded) -> bool:
    if start is None or end.start_reading is None:
        return True
    one, other = start.reading, end.start_reading
    return (one.meter_serial, one.register_wh) == (other.meter_serial, other.register_wh)


def _give_up(session: Session, detail: str) -> Session:
    trigger = Trigger.STOP_REFUSED if session.started else Trigger.NOT_STARTED
    return _move(replace(session, asked=None), trigger, detail=detail)


def _move(session: Session, trigger: Trigger, *, detail: str) -> Session:
    to = RULES.get((session.state, trigger))
    return session if to is None else replace(session, state=to, detail=detail)


def _advance(session: Session) -> Session:
    match _facts(session):
        case Trigger() as trigger, detail:
            return _move(session, trigger, detail=detail)
    return session


def _facts(session: Session) -> tuple[Trigger, str] | None:
    """What the session's records say together, and why."""
    if session.ended is not None:
        verdict = settle(session)
        if isinstance(verdict, Doubtful):
            return Trigger.DOUBTFUL, verdict.why
        return Trigger.BILLABLE, session.ended.detail
    if session.unplug_time is not None:
        if session.started:
            return Trigger.END_MISSING, "The vehicle was unplugged and the end of charging was not reported."
        return Trigger.UNPLUGGED, session.detail
    return (Trigger.STARTED, "") if session.started else None


def _order(reading: MeterReading) -> tuple[datetime, int, str, bool]:
    return reading.read_time, reading.register_wh, reading.meter_serial, reading.valid


def _end_order(record: TransactionEnded) -> tuple[object, ...]:
    start = record.start_reading
    rest = record.start_time or record.reading.read_time, record.stop_reason.value, record.detail, record.idle_s
    return _order(record.reading), start is None, _order(start or record.reading), *rest


def _earliest(known: datetime | None, time: datetime) -> datetime:
    return time if known is None else min(known, time)
