"""What the control program needs of the hardware. All calls return at once; slow buses live behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from powerctl.core.units import Current, Energy, Power, Voltage


@dataclass(frozen=True, slots=True)
class Output:
    """What is measured on the cable side of the power stage."""

    voltage: Voltage
    current: Current

    @property
    def power(self) -> Power:
        """DC power into the vehicle."""
        return self.current.at(self.voltage)


NO_OUTPUT = Output(Voltage(0.0), Current(0.0))


@dataclass(frozen=True, slots=True)
class Lines:
    """The inputs of the pilot circuit."""

    k: bool
    """Charge permission: the vehicle pulls it."""
    prox: bool
    """A plug is in the inlet."""
    lock_feedback: bool
    """The plug is locked; mirrors the order where the hardware has no feedback."""
    pe: bool
    """Protective earth is whole."""


UNPLUGGED = Lines(k=False, prox=False, lock_feedback=False, pe=True)


@dataclass(frozen=True, slots=True)
class StageCapability:
    """What a power stage can do now."""

    max_power: Power
    max_current: Current
    detail: str
    """Why it is less than rated, as a sentence; empty: it is not."""
    settle_s: float = 0.0
    """For how long more is still given, so that the vehicle can follow. 0: it is gone already."""


class PowerStage(Protocol):
    """The power modules of one connector with their output relay and discharge."""

    @property
    def is_measured(self) -> bool:
        """False: nobody knows the output now; what `measure` returns says nothing."""
        ...

    def capability(self) -> StageCapability | None:
        """What it can do now. None: as rated."""
        ...

    def command(self, voltage: Voltage, current: Current) -> None:
        """Energise: hold at most `voltage` and deliver `current`. Takes effect at the modules' slope."""
        ...

    def test_insulation(self, voltage: Voltage) -> None:
        """Raise the cable to `voltage` at no current, with the vehicle's contactor open."""
        ...

    def off(self, *, urgent: bool) -> None:
        """End the output and discharge the cable; `urgent` trips the hardware instead of ramping."""
        ...

    def measure(self) -> Output:
        """The output now."""
        ...


class OutputRelay(Protocol):
    """What lies between the modules and the cable. Idempotent."""

    def connect(self, on: bool) -> None:
        """Closed: the modules feed the cable. Open: the cable is discharged."""
        ...


class NoRelay:
    """For modules that are connected for good and discharge the cable themselves."""

    def connect(self, on: bool) -> None:
        """Nothing to switch."""


class PilotLines(Protocol):
    """The pilot circuit of one connector. A change of an input calls back at once."""

    def switch_d1(self, on: bool) -> None:
        """Charge sequence signal 1: wakes the vehicle and feeds its contactor coils."""
        ...

    def switch_d2(self, on: bool) -> None:
        """Charge sequence signal 2: lets the vehicle close its contactor."""
        ...

    def lock(self, on: bool) -> None:
        """Hold the plug."""
        ...

    def read(self) -> Lines:
        """The inputs now; a lost link reads as unplugged."""
        ...


class InsulationMonitor(Protocol):
    """Supervises the resistance from the output to earth."""

    def resistance_kohm(self) -> float | None:
        """Kiloohms. None: there is no voltage to measure with, or the measurement has not settled."""
        ...


@dataclass(frozen=True, slots=True)
class Register:
    """One reading of a cumulative energy register."""

    serial: str
    energy: Energy
    is_valid: bool
    """False: not fit for billing."""


class Meter(Protocol):
    """The DC meter of one connector. Its register never falls and survives every restart."""

    def read(self) -> Register:
        """The register now."""
        ...


@dataclass(frozen=True, slots=True)
class GridReading:
    """What the AC meter at the grid connection shows."""

    power: Power
    energy: Energy
    frequency_hz: float
    voltage: Voltage
    """Line to neutral."""


class StationMeter(Protocol):
    """The AC meter at the grid connection."""

    def read(self) -> GridReading | None:
        """The values now. None: there is no fresh value."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectorHardware:
    """Everything that belongs to one connector."""

    stage: PowerStage
    lines: PilotLines
    insulation: InsulationMonitor
    meter: Meter
