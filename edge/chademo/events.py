"""What can happen to a session: everything the core learns comes as one of these values."""

from __future__ import annotations

from dataclasses import dataclass

from powerctl.core.clock import Monotonic
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage


@dataclass(frozen=True, slots=True)
class Offer:
    """What lease, fallback and hardware allow a connector now."""

    limit: Power
    """DC at the connector."""
    command: Command
    settle_by: Monotonic | None
    """When a decrease must have reached the power stage. None: at once, in the advance that takes the offer."""


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A standard (11-bit) data frame from the vehicle's bus, of any length."""

    frame_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LinesRead:
    """The inputs of the pilot interface. Expected on every change and at least every 100 ms.

    A shell that has lost its input passes `k=False, prox=False`: that is an unplugged vehicle.
    """

    k: bool
    """Charge permission: the vehicle pulls pin 4 low."""
    prox: bool
    """A plug is in an inlet."""
    lock_feedback: bool
    """The connector's lock is closed."""
    pe: bool
    """Protective earth is present."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The power stage's output on the cable side. Expected at 10 Hz or more, before each `Tick`."""

    output_voltage: Voltage
    current: Current
    insulation_kohm: float | None
    """None: no fresh value."""


@dataclass(frozen=True, slots=True)
class StartRequested:
    """Somebody who may do so wants charging to start."""

    command_id: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Charging must end in the protocol's normal way."""

    reason: StopReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EmergencyStop:
    """Button, door, emergency input or a protection device: off at once."""

    detail: str


@dataclass(frozen=True, slots=True)
class OfferChanged:
    """The energy manager, a lapsed lease or a derating changed what is allowed."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class FaultReleased:
    """An operator releases latched faults."""

    codes: frozenset[str] | None = None
    """None: all of them."""


@dataclass(frozen=True, slots=True)
class Tick:
    """100 ms have passed, on absolute deadlines."""


Event = (
    FrameReceived
    | LinesRead
    | Measured
    | StartRequested
    | StopRequested
    | EmergencyStop
    | OfferChanged
    | FaultReleased
    | Tick
)
