"""Everything a session knows: one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.chademo.config import ConnectorConfig
from edge.chademo.events import Offer
from edge.chademo.follow import UNSEEN, Follow
from edge.chademo.frames import (
    UNUSED,
    BatteryLimits,
    ChargingTime,
    Function,
    VehicleControl,
    VehicleFlag,
    VehicleFunctions,
)
from edge.chademo.phase import LIVE, Phase
from edge.chademo.ramp import START, Bounds, Ramp
from edge.chademo.vehicles import Identity, Lesson, VehicleRule, lesson_for
from powerctl.core.clock import Monotonic
from powerctl.core.fault import Fault
from powerctl.core.session import Flexibility, StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import ZERO_POWER

LIVE_V: Final = 50.0
"""Above this a battery is on the cable (osx)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The vehicle's latest frames."""

    limits: BatteryLimits | None = None
    time: ChargingTime | None = None
    control: VehicleControl | None = None
    functions: VehicleFunctions | None = None
    at: Monotonic | None = None
    """When the latest 0x102 came: the sign of life."""
    maker: int | None = None
    """Of 0x700. None: not sent."""

    @property
    def enabled(self) -> bool:
        """102.5.0: the vehicle permits charging."""
        return self.control is not None and VehicleFlag.ENABLED in self.control.flags

    @property
    def request_a(self) -> int:
        """What the vehicle asks for; 0 without a frame."""
        if self.control is None:
            return 0
        request_a, functions = self.control.requested_current_a, self.functions
        if request_a == UNUSED and functions is not None and Function.HIGH_CURRENT in functions.functions:
            return functions.requested_current_a
        return request_a


@dataclass(frozen=True, slots=True)
class Pilot:
    """The latest reading of the pilot lines."""

    k: bool = False
    prox: bool = False
    lock_feedback: bool = False
    pe: bool = True
    at: Monotonic | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """The latest reading of the power stage."""

    voltage_v: float = 0.0
    current_a: float = 0.0
    insulation_kohm: float | None = None
    at: Monotonic | None = None
    insulation_at: Monotonic | None = None
    held_since: Monotonic | None = None
    """Since when the test voltage stands. None: it does not."""
    excess_since: Monotonic | None = None
    """Since when more flows than was commanded. None: it does not."""


@dataclass(frozen=True, slots=True)
class Pact:
    """What was fixed when the vehicle gave its permission: its values may change until then (osx)."""

    protocol_number: int
    """The lower of both."""
    threshold_v: int
    """108.4-5: at this voltage the output stops."""
    min_current_a: int
    target_v: int
    """Fixed again at d2: some vehicles raise it afterwards (osx)."""
    identity: Identity
    rule: VehicleRule | None = None
    says_contactor: bool = False
    """Fixed at d2: 102.5.3 is valid for both sides, and the vehicle has shown its contactor open."""
    standing_a: int = 0
    """Request at d2: some vehicles never ask for less than 1 A (osx)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why charging ends; the first reason stays."""

    reason: StopReason
    detail: str


_BOOT: Final = Monotonic(0.0)
_NOTHING: Final = Offer(ZERO_POWER, Command.RUN, None)


@dataclass(frozen=True, slots=True)
class Session:
    """A connector from the core's point of view. Made by `idle`, changed by `advance` only."""

    config: ConnectorConfig
    phase: Phase = Phase.AVAILABLE
    entered_at: Monotonic = _BOOT
    deadline: Monotonic | None = None
    heard: Heard = Heard()
    pilot: Pilot = Pilot()
    output: Output = Output()
    offer: Offer = _NOTHING
    ramp: Ramp = START
    ramp_at: Monotonic = _BOOT
    follow: Follow = UNSEEN
    pact: Pact | None = None
    start: str | None = None
    """Command id of a start that is asked for or running."""
    stop: Ending | None = None
    """A stop that was asked for."""
    ending: Ending | None = None
    ending_at: Monotonic | None = None
    """Since when charging ends."""
    permitted_at: Monotonic | None = None
    """When the vehicle gave its permission."""
    lowered_at: Monotonic | None = None
    """When 108.3 last fell below the request."""
    lessons: tuple[Lesson, ...] = ()
    """What earlier vehicles have shown; the latest first."""
    began: bool = False
    """A transaction is open."""
    d2: bool = False
    tripped: bool = False
    commanded_a: float = 0.0
    remaining_s: float | None = None
    reset_at: Monotonic | None = None
    """Since when the charging time is asked for anew. None: it is not, or was stated."""
    faults: tuple[Fault, ...] = ()
    rejected: int = 0
    ticked_at: Monotonic | None = None
    """When the newest period began. None: none has yet."""

    def heard_by(self, now: Monotonic) -> Monotonic:
        """The instant by which silence is judged: the newest tick, before which the shell has measured.

        A program that was held up takes its events one after the other; the first must not speak for the others.
        """
        return now if self.ticked_at is None else min(now, self.ticked_at)

    @property
    def live(self) -> bool:
        """True while current may flow at the vehicle's request."""
        return self.phase in LIVE

    @property
    def voltage_v(self) -> float:
        """The voltage at which power flows or will flow; never near zero."""
        if self.output.voltage_v > LIVE_V and (self.live or self.phase is Phase.STOPPING):
            return self.output.voltage_v
        return self.top_v

    @property
    def top_v(self) -> float:
        """The highest voltage that this session will see."""
        if self.pact is not None:
            return float(max(self.pact.target_v, 1))
        control = self.heard.control
        if control is not None and control.target_voltage_v > LIVE_V:
            return min(float(control.target_voltage_v), self.config.max_voltage.v)
        return self.config.max_voltage.v

    @property
    def test_v(self) -> float:
        """Volts of the insulation test."""
        return min(self.config.test_voltage.v, self.config.max_voltage.v)

    @property
    def floor_a(self) -> float:
        """The smallest current that vehicle and power stage can hold."""
        vehicle = 1.0 if self.pact is None else max(1.0, float(self.pact.min_current_a))
        ruled = 0.0 if self.rule is None else self.rule.floor_a or 0.0
        return max(vehicle, ruled, self.config.min_current.a, self.config.min_power.w / self.top_v)

    @property
    def rule(self) -> VehicleRule | None:
        """How this kind of vehicle was commissioned to be treated."""
        return None if self.pact is None else self.pact.rule

    @property
    def lesson(self) -> Lesson | None:
        """What earlier sessions with this kind of vehicle have shown. None: not agreed yet."""
        return None if self.pact is None else lesson_for(self.pact.identity, self.lessons)

    @property
    def firm(self) -> bool:
        """True when 108.3 must not change: by commissioning, by rule, or after a fault that a change has caused."""
        if not self.config.dynamic_current:
            return True
        if self.rule is not None and self.rule.flexibility is not None:
            return self.rule.flexibility is Flexibility.FIRM
        lesson = self.lesson if self.lessons else None
        return lesson is not None and lesson.firm

    def fault(self, code: str) -> bool:
        """True while that fault stands."""
        return any(fault.code == code for fault in self.faults)

    def bounds(self) -> Bounds:
        """What vehicle and connector allow now."""
        config = self.config
        ruled_a_s = None if self.rule is None else self.rule.slope_a_s
        lower_a_s = self.follow.slope_a_s or ruled_a_s or config.lower_a_s
        return Bounds(
            voltage_v=self.voltage_v,
            max_a=config.max_current.a,
            floor_a=self.floor_a,
            request_a=float(self.heard.request_a),
            lower_a_s=lower_a_s,
            raise_a_s=config.raise_a_s,
            hold_min=self.offer.command is Command.HOLD_MIN,
            dynamic=not self.firm,
        )
