"""The simulated twins of one connector's hardware, on a plant that a vehicle simulator serves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, Protocol

from edge.hardware.plant_lines import PlantState
from edge.hardware.ports import ConnectorHardware, Lines, Output, PowerStage, Register, StageCapability
from edge.hardware.power_stage_model import NO_LOAD, Load, Mode, StageState, advanced, ordered, tripped
from edge.hardware.register_file import RegisterFile
from powerctl.core.clock import Clock
from powerctl.core.units import Current, Energy, Power, Voltage

HEALTHY_KOHM: Final = 5000.0
"""What the insulation monitor shows of a plant that names no resistance."""
MEASURABLE_V: Final = 100.0
"""Below, the insulation monitor has too little voltage to measure with."""
LONGEST_METERED_STEP_S: Final = 1.0
"""A stalled process must not invent energy."""


class Plant(Protocol):
    """The link to a plant: `PlantLink`, or a plant in this process."""

    state: PlantState

    @property
    def is_alive(self) -> bool:
        """True while the plant is connected."""
        ...

    def order(self, **values: float | int) -> None:
        """Send `values` at once."""
        ...

    async def run(self) -> NoReturn:
        """Keep the link up until cancelled."""
        ...


class SimulatedPowerStage:
    """Power modules that follow orders with slopes; their output goes to the plant."""

    def __init__(self, link: Plant, clock: Clock, max_power: Power) -> None:
        self._link = link
        self._clock = clock
        self._max_power = max_power
        self._state = StageState(clock.monotonic())

    @property
    def order(self) -> Output:
        """Voltage ceiling and current as last ordered."""
        return Output(Voltage(self._state.ceiling_v), Current(self._state.order_a))

    @property
    def is_measured(self) -> bool:
        """Always: it knows what it gives."""
        return True

    def capability(self) -> StageCapability | None:
        """As rated, always."""
        return None

    def command(self, voltage: Voltage, current: Current) -> None:
        """Energise."""
        self._order(Mode.CHARGE, voltage, current)

    def test_insulation(self, voltage: Voltage) -> None:
        """Raise the cable at no current."""
        self._order(Mode.TEST, voltage, Current(0.0))

    def off(self, *, urgent: bool) -> None:
        """End the output."""
        self._order(Mode.OFF, Voltage(0.0), Current(0.0))
        if urgent:
            self._state = tripped(self._state)
            self.publish()

    def measure(self) -> Output:
        """The output now; zero without a plant."""
        if not self._link.is_alive:
            self._state = StageState(self._clock.monotonic())
        plant = self._link.state
        load = Load(True, plant.inlet) if plant.contactor else NO_LOAD
        self._state = advanced(self._state, load, self._clock.monotonic(), self._max_power)
        return self._state.output

    def publish(self) -> None:
        """Tell the plant what the output is."""
        output = self.measure()
        self._link.order(v_src=round(output.voltage.v, 2), i=round(output.current.a, 3))

    def _order(self, mode: Mode, voltage: Voltage, current: Current) -> None:
        self.measure()
        self._state = ordered(self._state, mode, voltage, current)


class Supply(Protocol):
    """A power stage as its simulated neighbours see it."""

    def measure(self) -> Output:
        """The output now."""
        ...

    def publish(self) -> None:
        """Tell the plant what the output is."""
        ...


class ForeignSupply:
    """A power stage that reaches the plant by itself: its modules are simulated on the cable, not here."""

    def __init__(self, stage: PowerStage) -> None:
        self._stage = stage

    def measure(self) -> Output:
        """The output now."""
        return self._stage.measure()

    def publish(self) -> None:
        """Nothing: who simulates the modules tells the plant."""


class SimulatedPilotLines:
    """The pilot circuit, carried by the plant link."""

    def __init__(self, link: Plant, stage: Supply) -> None:
        self._link = link
        self._stage = stage
        self._is_locked = False

    def switch_d1(self, on: bool) -> None:
        """Charge sequence signal 1."""
        self._link.order(d1=int(on))

    def switch_d2(self, on: bool) -> None:
        """Charge sequence signal 2. The vehicle, which wants an empty inlet now, sees the output as it is now."""
        self._stage.publish()
        self._link.order(d2=int(on))

    def lock(self, on: bool) -> None:
        """Hold the plug."""
        self._is_locked = on
        self._link.order(lock=int(on))

    def read(self) -> Lines:
        """The inputs now."""
        plant = self._link.state
        feedback = self._is_locked if plant.lock_feedback is None else plant.lock_feedback
        return Lines(k=plant.k, prox=plant.prox, lock_feedback=feedback, pe=plant.pe)


class SimulatedInsulationMonitor:
    """Shows the plant's resistance while there is voltage to measure with."""

    def __init__(self, link: Plant, stage: Supply) -> None:
        self._link = link
        self._stage = stage

    def resistance_kohm(self) -> float | None:
        """Kiloohms; None: too little voltage."""
        if self._stage.measure().voltage.v < MEASURABLE_V:
            return None
        resistance = self._link.state.insulation_kohm
        return HEALTHY_KOHM if resistance is None else resistance


TEST_BENCH_WH: Final = 1_204.0
"""What the register shows when the meter is installed: like a real one it has run on a test bench. A register of zero
is what a meter shows that has not measured yet, and is not billed."""


class SimulatedMeter:
    """A DC meter whose register lives in a file. Its serial says that it is simulated."""

    def __init__(self, path: Path, connector: int) -> None:
        self._file = RegisterFile(path)
        self._serial = f"SIM-DC-{connector}-{self._file.serial}"

    def read(self) -> Register:
        """The register now."""
        return Register(self._serial, Energy(TEST_BENCH_WH + self._file.wh), is_valid=True)

    def count(self, energy: Energy) -> None:
        """Add what has flowed."""
        self._file.add(energy.wh)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


class SimulatedConnector:
    """All simulated hardware of one connector.

    Args:
        open_link: Makes the link to the plant, which calls back when the plant's state changed.
        folder: Where the meter keeps its register.
        on_lines: Called at once when an input changed.
        stage: A power stage with simulated modules of its own. None: one is simulated here.
    """

    def __init__(
        self,
        open_link: Callable[[Callable[[PlantState], None]], Plant],
        *,
        connector: int,
        max_power: Power,
        folder: Path,
        clock: Clock,
        on_lines: Callable[[], None],
        stage: PowerStage | None = None,
    ) -> None:
        self._on_lines = on_lines
        self._clock = clock
        self._metered_at = clock.monotonic()
        self._published = 0
        self.link = open_link(self._plant_changed)
        self.stage = SimulatedPowerStage(self.link, clock, max_power)
        self.supply: Supply = self.stage if stage is None else ForeignSupply(stage)
        """What feeds the cable: `stage`, or the one that was given."""
        self.meter = SimulatedMeter(folder / f"meter-{connector}.register", connector)
        self.hardware = ConnectorHardware(
            stage=self.stage if stage is None else stage,
            lines=SimulatedPilotLines(self.link, self.supply),
            insulation=SimulatedInsulationMonitor(self.link, self.supply),
            meter=self.meter,
        )

    @property
    def is_supply(self) -> bool:
        """True: the power stage is simulated here, and the plant hears of its output from us."""
        return self.supply is self.stage

    def step(self) -> Output:
        """Let the physics catch up with the clock, meter it, tell the plant; returns the output."""
        before = self.supply.measure()
        now = self._clock.monotonic()
        step_s = min(now - self._metered_at, LONGEST_METERED_STEP_S)
        self._metered_at = now
        self.meter.count(Energy(before.power.w * step_s / 3600.0))
        self._published += 1
        if before.voltage.v > 0 or self._published % 10 == 0:
            self.supply.publish()
        return before

    def close(self) -> None:
        """Leave the output off and the register stored."""
        self.hardware.stage.off(urgent=True)
        self.meter.close()

    def _plant_changed(self, _: PlantState) -> None:
        self.supply.measure()
        self._on_lines()
