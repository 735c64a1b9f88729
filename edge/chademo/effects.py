"""What the core wants done. The shell carries effects out in order, at once."""

from __future__ import annotations

from dataclasses import dataclass

from edge.chademo.vehicles import Lesson
from powerctl.core.fault import Fault
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.units import Current, Voltage


@dataclass(frozen=True, slots=True)
class SwitchD1:
    """Charge sequence signal 1: +12 V on pin 2."""

    on: bool


@dataclass(frozen=True, slots=True)
class SwitchD2:
    """Charge sequence signal 2: pin 10 to ground. With d1 on, the vehicle's contactors can close."""

    on: bool


@dataclass(frozen=True, slots=True)
class Lock:
    """The connector's lock."""

    on: bool


@dataclass(frozen=True, slots=True)
class TestInsulation:
    """Raise the cable to `voltage` at about 0 A, the vehicle's contactors being open."""

    __test__ = False
    """Not a test case, whatever pytest makes of the name."""
    voltage: Voltage


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """Set the power stage. Repeated every tick while energised; a lower current is carried out at once."""

    voltage: Voltage
    """Ceiling."""
    current: Current


@dataclass(frozen=True, slots=True)
class OutputOff:
    """Power stage off and output discharged."""

    urgent: bool
    """True: by the hardware trip, without a ramp."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The connector's state, or the reason for it, changed."""

    state: ConnectorState
    detail: str
    """One sentence for a person; may be empty."""


@dataclass(frozen=True, slots=True)
class TransactionBegan:
    """Current may flow from now on: take the start reading."""

    command_id: str


@dataclass(frozen=True, slots=True)
class TransactionOver:
    """The output is off and no current flows: take the end reading."""

    reason: StopReason
    detail: str


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault began."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class FaultGone:
    """A fault ended."""

    code: str


@dataclass(frozen=True, slots=True)
class LessonsLearnt:
    """A session has shown something of a kind of vehicle: to be remembered over a restart."""

    lessons: tuple[Lesson, ...]
    """Everything that is known, the latest first."""


Effect = (
    SwitchD1
    | SwitchD2
    | Lock
    | TestInsulation
    | CommandOutput
    | OutputOff
    | StateChanged
    | TransactionBegan
    | TransactionOver
    | FaultSeen
    | FaultGone
    | LessonsLearnt
)
