"""Sessions and transactions as values, and the records they leave (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from edge.hardware.ports import Register
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import ClockStatus, MeterReading, TransactionEnded, TransactionStarted
from powerctl.core.session import StopReason
from powerctl.core.units import ZERO_POWER, Energy, Power
from powerctl.runtime.clock_quality import Quality

RESTARTED: Final = "The controller restarted; charging ended with what the meter shows."


AGREES_S: Final = 2.0
"""Two clocks that agree so far over a session were not set meanwhile."""
_STATUS: Final = {
    Quality.UNKNOWN: ClockStatus.UNKNOWN,
    Quality.FREE_RUNNING: ClockStatus.INFORMATIVE,
    Quality.NTP: ClockStatus.SYNCHRONISED,
    Quality.GNSS: ClockStatus.SYNCHRONISED,
}


def reading(register: Register, read_time: datetime, quality: Quality) -> MeterReading:
    """One reading for a record: whole watt hours, rounded down."""
    return MeterReading(register.serial, int(register.energy.wh), read_time, register.is_valid, _STATUS[quality])


def end_reading(
    register: Register, start: MeterReading, elapsed_s: float, utc: datetime, quality: Quality
) -> MeterReading:
    """The reading at the end: its time of day where the clock was good all along, else counted from the start.

    Args:
        register: What the meter shows.
        start: The reading at the start.
        elapsed_s: Since then, on the clock that nobody sets.
        utc: What the other clock says.
        quality: How good that one is.
    """
    counted = start.read_time + timedelta(seconds=elapsed_s)
    now = reading(register, utc, quality)
    agrees = abs((utc - counted).total_seconds()) <= AGREES_S
    if agrees and start.clock is now.clock is ClockStatus.SYNCHRONISED:
        return now
    return replace(now, read_time=counted, clock=ClockStatus.RELATIVE)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """From plug-in to unplug."""

    session: SessionId
    connector: ConnectorId
    plug_in_time: datetime
    register_wh: float
    """What the meter showed at plug-in."""

    def energy(self, register: Register) -> Energy:
        """What has flowed since plug-in."""
        return Energy(max(0.0, register.energy.wh - self.register_wh))


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """The metered part that is not over yet."""

    session: SessionId
    connector: ConnectorId
    command_id: str
    start: MeterReading

    def started(self) -> TransactionStarted:
        """The record of its start."""
        return TransactionStarted(self.session, self.connector, self.start, self.command_id)

    def ended(self, end: MeterReading, reason: StopReason, detail: str, idle_s: int) -> TransactionEnded:
        """The record of its end. The start reading is repeated so that one record is enough to bill."""
        return TransactionEnded(
            session=self.session,
            connector=self.connector,
            reading=end,
            stop_reason=reason,
            detail=detail,
            start_reading=self.start,
            start_time=self.start.read_time,
            idle_s=idle_s,
        )


@dataclass(frozen=True, slots=True)
class IdleTime:
    """How long a vehicle has asked for nothing while power was on offer."""

    seconds: float = 0.0
    seen_at: Monotonic | None = None

    def seen(self, now: Monotonic, *, target: Power, offered: Power) -> IdleTime:
        """The same at `now`; the time since the last look counts when nothing is asked of what is offered."""
        is_idle = target <= ZERO_POWER < offered
        step_s = 0.0 if self.seen_at is None or not is_idle else max(0.0, now - self.seen_at)
        return replace(self, seconds=self.seconds + step_s, seen_at=now)
