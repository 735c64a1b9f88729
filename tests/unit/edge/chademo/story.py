"""Sessions in a given state, made from plain values: for tests of single decisions."""

from __future__ import annotations

from dataclasses import replace

from edge.chademo.config import ConnectorConfig
from edge.chademo.effects import Effect
from edge.chademo.events import Event, FrameReceived, LinesRead, Measured, Offer, OfferChanged, StartRequested
from edge.chademo.frames import BatteryLimits, ChargingTime, VehicleControl, VehicleFault, VehicleFlag
from edge.chademo.phase import Phase
from edge.chademo.session import advance, idle
from edge.chademo.state import Session
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage

CONFIG = ConnectorConfig(ConnectorId(1), Power.from_kw(22), Current(125.0), Voltage(500.0))
NOW = Monotonic(100.0)
PLUGGED = LinesRead(k=False, prox=True, lock_feedback=False, pe=True)
LIMITS = BatteryLimits(6, 0, 0, 435, 100)
TIME = ChargingTime(255, 60, 0, 380)


def control(request_a: int = 0, *, flags: VehicleFlag = VehicleFlag.ENABLED, faults: int = 0) -> VehicleControl:
    return VehicleControl(2, 410, request_a, VehicleFault(faults), flags, 55)


def frame(value: BatteryLimits | ChargingTime | VehicleControl) -> FrameReceived:
    return FrameReceived(value.FRAME_ID, value.encode())


def measured(volts: float, amperes: float = 0.0, kohm: float | None = 900.0) -> Measured:
    return Measured(Voltage(volts), Current(amperes), kohm)


def offer(kw: float, command: Command = Command.RUN, settle_by: float | None = None) -> OfferChanged:
    by = None if settle_by is None else Monotonic(settle_by)
    return OfferChanged(Offer(Power.from_kw(kw), command, by))


def fed(session: Session, *events: Event, now: float = NOW) -> tuple[Session, list[Effect]]:
    """The session after `events`, all at the same instant, and their effects."""
    effects: list[Effect] = []
    for event in events:
        session, more = advance(session, event, Monotonic(now))
        effects.extend(more)
    return session, effects


def waking(config: ConnectorConfig = CONFIG) -> Session:
    """d1 is on, the vehicle has not spoken."""
    return fed(idle(config), PLUGGED, measured(0.0), offer(22), StartRequested("c1"))[0]


def charging(config: ConnectorConfig = CONFIG, *, kw: float = 20.0, request_a: int = 125) -> Session:
    """In charging at 400 V, nothing commanded yet."""
    session, _ = fed(waking(config), frame(LIMITS), frame(TIME), frame(control()))
    session, _ = fed(session, LinesRead(k=True, prox=True, lock_feedback=False, pe=True))
    session, _ = fed(session, LinesRead(k=True, prox=True, lock_feedback=True, pe=True), measured(500.0))
    session = after_test(session, frame(control()))
    session, _ = fed(session, offer(kw), measured(0.0), frame(control(request_a)))
    assert session.phase is Phase.CHARGING, session.phase
    return replace(fed(session, measured(400.0))[0], ramp_at=NOW)


def after_test(session: Session, sign_of_life: FrameReceived) -> Session:
    """The test voltage has stood long enough; the clock is back at `NOW`."""
    held = Monotonic(NOW - session.config.test_hold_s)
    session = replace(session, output=replace(session.output, held_since=held))
    return fed(session, sign_of_life, measured(500.0))[0]
