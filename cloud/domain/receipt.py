"""What the driver is given: immutable, one per session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.domain.billing import Billable
from cloud.domain.money import Money
from cloud.domain.pricing import RULE, price_use
from cloud.domain.session import Session, SessionState, settle
from cloud.domain.tariff import Price, PriceLine, Tariff
from cloud.domain.use import periods
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import ClockStatus
from powerctl.core.session import StopReason


@dataclass(frozen=True, slots=True)
class Receipt:
    """A completed session and what it costs."""

    id: str
    session: SessionId
    driver: str | None
    station: StationId
    connector: ConnectorId
    location_name: str
    start_time: datetime
    end_time: datetime
    energy_wh: int
    """`end_register_wh` minus `start_register_wh`."""
    meter_serial: str
    start_register_wh: int
    end_register_wh: int
    stop_reason: StopReason
    tariff: Tariff
    lines: tuple[PriceLine, ...]
    total: Money
    issue_time: datetime
    simulated: bool
    """True: nothing was sold."""
    net: Money | None = None
    """The total without tax. None: written before it was kept."""
    idle_s: int = 0
    """Seconds in which the vehicle asked for nothing while power was on offer."""
    identity: str = ""
    """The driver's identity under a key of their own. Empty: nobody's. Without the key it means nothing any more."""
    rounding: str = ""
    """Which rule rounded the total. Empty: written before there was a name for it."""
    start_clock: ClockStatus = ClockStatus.INFORMATIVE
    """How far `start_time` can be trusted."""
    end_clock: ClockStatus = ClockStatus.INFORMATIVE

    @property
    def duration(self) -> timedelta:
        """Between the two readings."""
        return self.end_time - self.start_time


def issue(session: Session, receipt_id: str, *, location_name: str, simulated: bool, now: datetime) -> Receipt | None:
    """The receipt of a completed session. None: it is not completed, or has one."""
    end = session.ended
    if session.state is not SessionState.COMPLETED or session.receipt or end is None or end.start_reading is None:
        return None
    verdict = settle(session)
    if not isinstance(verdict, Billable) or session.tariff is None:
        return None
    start = end.start_reading
    idle = timedelta(seconds=end.idle_s)
    used = periods(start.read_time, end.reading.read_time, verdict.energy_wh, idle, session.marks)
    cost = price_use(session.tariff, used, session.booking)
    return Receipt(
        id=receipt_id,
        session=session.id,
        driver=session.driver,
        station=session.station,
        connector=session.connector,
        location_name=location_name,
        start_time=start.read_time,
        end_time=end.reading.read_time,
        energy_wh=verdict.energy_wh,
        meter_serial=start.meter_serial,
        start_register_wh=start.register_wh,
        end_register_wh=end.reading.register_wh,
        stop_reason=end.stop_reason,
        tariff=session.tariff,
        lines=cost.lines,
        total=cost.total,
        net=cost.net,
        idle_s=end.idle_s,
        rounding=RULE,
        issue_time=now,
        start_clock=start.clock,
        end_clock=end.reading.clock,
        simulated=simulated,
    )


def cost_so_far(session: Session, now: datetime) -> Price | None:
    """What the session costs up to `now`. None: no metering, or in review."""
    if session.tariff is None or session.state is SessionState.NEEDS_REVIEW:
        return None
    start = session.ended.start_reading.read_time if session.ended and session.ended.start_reading else None
    begin = start or session.start_time
    if begin is None:
        return None
    idle = timedelta(seconds=session.ended.idle_s if session.ended else 0)
    used = periods(begin, session.end_time or now, session.energy_wh, idle, session.marks)
    return price_use(session.tariff, used, session.booking)
