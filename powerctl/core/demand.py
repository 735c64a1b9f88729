"""What a connector asks of the energy manager, as the edge reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.units import Current, Energy, Power, Voltage

_NO_CURRENT: Final = Current(0.0)


@dataclass(frozen=True, slots=True)
class ConnectorReport:
    """One connector's measurement, wish and guarantee at one instant. All power is DC at the connector."""

    connector: ConnectorId
    state: ConnectorState
    session: SessionId | None
    """None: nothing plugged in."""
    applied_sequence: int
    """Sequence of the newest setpoint taken; 0: none."""
    committed: Power
    """What the connector will not exceed from now on without a new lease."""
    voltage: Voltage
    current: Current
    target: Power
    """What the vehicle asks for now."""
    min_power: Power
    max_power: Power
    flexibility: Flexibility
    slope_a_s: float
    """How fast the vehicle follows a lower available current, amperes per second."""
    soc_percent: float | None
    capacity: Energy | None
    energy: Energy
    """Register of the DC meter."""
    session_energy: Energy
    plug_in_time: datetime | None
    protocol_number: int | None = None
    wants_more: bool = False
    """True: the vehicle asks for all that is announced to it, and may want more."""
    obeys: bool | None = None
    """Whether the request was seen to follow a lower available current. None: not seen yet."""
    reaction_s: float | None = None
    """From a lower available current to the request's first fall. None: not seen yet."""
    min_current: Current = _NO_CURRENT
    """The smallest current that vehicle and power stage can hold; less is a pause."""
    pause_s: float | None = None
    """For how long the vehicle is expected to stay without current; 0: a pause ends its session. None: not known."""
    vehicle_rule: str = ""
    """Name of the commissioned rule for this kind of vehicle; empty: none."""

    @property
    def power(self) -> Power:
        """Measured DC power."""
        return self.current.at(self.voltage)


@dataclass(frozen=True, slots=True)
class StationReport:
    """Everything that the controller reports at one instant."""

    measure_time: datetime
    ac_power: Power | None
    """Measured at the grid connection. None: no fresh value."""
    ac_energy: Energy | None
    connectors: tuple[ConnectorReport, ...]
    frequency_hz: float | None = None
    ac_voltage: Voltage | None = None
    possible_splits: tuple[Mapping[ConnectorId, Power], ...] = ()
    """Every division of power between the connectors that the working power modules can make. Empty: any."""
    switch_s: float | None = None
    """How long power takes to change sides, at zero current. None: it cannot."""
