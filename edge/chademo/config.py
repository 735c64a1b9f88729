"""What a CHAdeMO connector was commissioned with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.chademo.timing import TIMES, Time
from edge.chademo.vehicles import VehicleRule
from powerctl.core.ids import ConnectorId
from powerctl.core.units import ZERO_POWER, Current, Power, Voltage

LATCHED: Final = frozenset({"insulation", "contactor_welded", "power_stage", "emergency_stop"})
"""Codes of the faults that hold until an operator releases them, unless commissioned otherwise."""
ON_SITE: Final = frozenset({"insulation", "contactor_welded", "emergency_stop"})
"""Codes of the faults that only somebody at the station may release, who has seen that their cause is gone: an
emergency stop is reset by hand where it was pressed (ISO 13850, 4.1.4), and a cable must be looked at."""

_ONE_AMPERE: Final = Current(1.0)
_LOWEST_BATTERY: Final = Voltage(150.0)
_TEST: Final = Voltage(500.0)


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """Ratings and choices of one connector."""

    connector: ConnectorId
    max_power: Power
    max_current: Current
    max_voltage: Voltage
    """Sent as available output voltage; fixed for the whole session."""
    min_power: Power = ZERO_POWER
    """The smallest power that the power stage can hold."""
    min_current: Current = _ONE_AMPERE
    """The smallest current that the power stage can hold."""
    min_voltage: Voltage = _LOWEST_BATTERY
    """The lowest battery voltage that the power stage can charge."""
    test_voltage: Voltage = _TEST
    """Of the insulation test; at most `max_voltage` is used. Captures: about 500 V whatever the vehicle's voltage."""
    test_hold_s: float = 2.0
    """Captures: 2 to 4 s is the mainstream."""
    min_insulation_kohm: float = 100.0
    """Less is a fault. 100 ohms per volt at 1000 V; the standard's own figure was not available."""
    protocol_number: int = 2
    """2 stands for 1.0.0 to 1.2. With less a Leaf never reports its contactor."""
    lower_a_s: float = 10.0
    """Slope of falling available current until the vehicle has shown what it follows."""
    raise_a_s: float = 20.0
    """Slope of rising available current and of rising output; vehicles ramp at 20 A/s."""
    stop_a_s: float = 50.0
    """Slope of the output in a normal stop; captures: 31 A in 0.6 s, 14 A in 0.2 s."""
    dynamic_current: bool = True
    """False: for vehicles that end the session when available current changes (jdemo kits): start and stop only."""
    rules: tuple[VehicleRule, ...] = ()
    """How known kinds of vehicles are treated; the first that fits counts."""
    excess_request_a: float | None = None
    """A request so far above 108.3 after the grace is a fault. None: it is clamped for as long as it lasts."""
    reset_time_bit: int | None = None
    """Bit of byte 0 of 0x118 that permits the vehicle to state its charging time anew. None, as it is not public where
    it lies: never sent."""
    default_time_s: float = 3600.0
    """Maximum charging time for a vehicle that states none."""
    latched: frozenset[str] = LATCHED
    times: Mapping[Time, float] = field(default_factory=dict)
    """Overrides of `timing.TIMES`, seconds."""

    def seconds(self, time: Time) -> float:
        """The time in force."""
        return self.times.get(time, TIMES[time].seconds)
