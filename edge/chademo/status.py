"""A session as the rest of the controller sees it."""

from __future__ import annotations

from dataclasses import dataclass

from powerctl.core.fault import Fault
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Limit
from powerctl.core.units import Current, Energy, Power


@dataclass(frozen=True, slots=True)
class Status:
    """One instant of a session. All power is DC at the connector."""

    state: ConnectorState
    phase: str
    """Name of the state in the session table."""
    plugged: bool
    """A plug is in an inlet, as the lines say."""
    detail: str
    """Why it is in that state, one sentence for a person; may be empty."""
    target: Power
    """Request of the vehicle times measured voltage; zero before charging."""
    requested_current: Current
    available_current: Current
    """As announced in 108.3."""
    commanded_current: Current
    """Last command to the power stage."""
    committed: Power
    """What the output will not exceed from now on without a higher offer. Falls along the ramp of a decrease."""
    min_power: Power
    """The smallest power that vehicle and power stage can hold, at the highest voltage of this session."""
    max_power: Power
    soc_percent: float | None
    """None: not known yet, or nothing plugged in."""
    capacity: Energy | None
    protocol_number: int | None
    """What the vehicle announces."""
    flexibility: Flexibility
    slope_a_s: float
    """How fast available current falls for this vehicle."""
    remaining_s: float | None
    """Charging time left. None: the vehicle has not said."""
    faults: tuple[Fault, ...]
    rejected_frames: int
    own_limits: tuple[Limit, ...]
    """Bounds of vehicle, cable and modules, lowest first."""
    min_current: Current
    """The smallest current that vehicle and power stage can hold; less is a pause."""
    obeys: bool | None
    """Whether the request follows 108.3. None: not seen yet."""
    reaction_s: float | None
    """From a lower 108.3 to the request's first fall. None: not seen yet."""
    pause_s: float
    """For how long this vehicle is expected to stay in its session without current; 0: a pause ends the session."""
    rule: str
    """Name of the commissioned rule for this kind of vehicle; empty: none."""
