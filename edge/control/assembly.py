"""Puts a station's hardware together from its settings: real drivers, simulated twins, or both side by side."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from edge.can.frame import Frame, module_rejection
from edge.can.port import CanPort, PythonCanPort
from edge.control.hardware_settings import CabinetSettings
from edge.control.settings import EdgeConnectorSettings, EdgeSettings
from edge.hardware.door import LINE, Door, SimulatedDoor, WiredDoor
from edge.hardware.gpio import GpioLines
from edge.hardware.insulation import BenderMonitor
from edge.hardware.lem_meter import LemMeter
from edge.hardware.lines import WiredContactors, WiredPilotLines, WiredRelay, Wires
from edge.hardware.modules.bank import bank_of
from edge.hardware.modules.cabinet import Cabinet, CabinetParts, FixedModules
from edge.hardware.modules.stage import ModuleStage
from edge.hardware.panel import Panel
from edge.hardware.plant import PlantLink, parse_address
from edge.hardware.ports import (
    ConnectorHardware,
    GridReading,
    InsulationMonitor,
    Meter,
    NoRelay,
    OutputRelay,
    StationMeter,
)
from edge.hardware.simulated_connector import SimulatedConnector
from edge.hardware.simulated_station import SimulatedStation
from powerctl.core.clock import Clock
from powerctl.core.ids import ConnectorId
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Voltage
from powerctl.runtime.station import StationSettings

MODULE_BACKLOG: Final = 256
"""Frames on the modules' bus that may wait: several rounds of questions to sixteen modules."""

OnLines = Callable[[ConnectorId], None]


class NoStationMeter:
    """A station without a meter at its grid connection."""

    def read(self) -> GridReading | None:
        """Nothing."""
        return None


class Startable(Protocol):
    """A driver with a thread of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End."""
        ...


@dataclass(slots=True)
class Equipment:
    """Everything behind the ports."""

    hardware: dict[ConnectorId, ConnectorHardware] = field(default_factory=dict)
    station_meter: StationMeter = field(default_factory=NoStationMeter)
    wires: GpioLines | None = None
    panels: dict[ConnectorId, Panel] = field(default_factory=dict)
    signers: dict[ConnectorId, LemMeter] = field(default_factory=dict)
    """Meters that sign transactions."""
    cabinet: Cabinet | None = None
    module_bus: CanPort | None = None
    simulation: SimulatedStation | None = None
    door: Door | None = None
    """None: no contact watches it."""
    threads: list[Startable] = field(default_factory=list)

    def start(self) -> None:
        """Begin to hear and to be heard; needs the event loop."""
        if self.module_bus is not None:
            self.module_bus.start()
        if self.wires is not None:
            self.wires.watch()
        for thread in self.threads:
            thread.start()

    def jobs(self) -> list[tuple[str, Coroutine[Any, Any, Any]]]:
        """What must run until the end, by name."""
        found: list[tuple[str, Coroutine[Any, Any, Any]]] = []
        if self.simulation is not None:
            found.append(("hardware", self.simulation.run()))
        if self.cabinet is not None:
            found.append(("cabinet", self.cabinet.run()))
        return found

    def close(self) -> None:
        """Every output off: current, d2, d1; then the devices are given back."""
        if self.cabinet is not None:
            self.cabinet.close()
        if self.module_bus is not None:
            self.module_bus.close()
        if self.wires is not None:
            self.wires.close()
        for thread in self.threads:
            thread.close()
        if self.simulation is not None:
            self.simulation.close()


class Assembly:
    """Builds the equipment of one station.

    Args:
        on_lines: Called on the event loop when an input of a connector may have changed.
    """

    def __init__(self, station: StationSettings, edge: EdgeSettings, clock: Clock, on_lines: OnLines) -> None:
        self._station = station
        self._edge = edge
        self._clock = clock
        self._on_lines = on_lines
        self._folder = station.state_dir / "edge"
        self._made = Equipment()
        self._cables: dict[ConnectorId, Callable[[], Voltage | None]] = {}
        self._stages: dict[ConnectorId, ModuleStage] = {}

    def build(self) -> Equipment:
        """The equipment, not started.

        Raises:
            ConfigError: A device cannot be had.
        """
        made, wiring = self._made, {ConnectorId(connector.id): connector for connector in self._edge.connectors}
        if self._edge.gpio is not None:
            made.wires = GpioLines(self._edge.gpio.map(), self._wire_changed)
        if self._edge.cabinet is not None:
            self._add_cabinet(self._edge.cabinet)
        plants = [
            plant
            for capability in self._station.capabilities()
            if (plant := self._add(capability, wiring[capability.connector])) is not None
        ]
        if plants:
            model = self._edge.simulated.ac_model()
            made.simulation = SimulatedStation(plants, model, self._folder, self._clock)
            made.station_meter = made.simulation
        made.door = self._door(plants)
        return made

    def _door(self, plants: list[SimulatedConnector]) -> Door | None:
        wires = self._made.wires
        if wires is not None and wires.has(LINE):
            return WiredDoor(wires)
        return SimulatedDoor([plant.link for plant in plants]) if plants else None

    def _wire_changed(self, name: str) -> None:
        head = name.partition(".")[0]
        for connector in self._made.hardware:
            if head in (str(connector), "station"):
                self._on_lines(connector)

    def _add(self, capability: ConnectorCapability, wiring: EdgeConnectorSettings) -> SimulatedConnector | None:
        number = capability.connector
        insulation, meter = self._monitor(wiring), self._meter(wiring)
        if self._made.wires is not None:
            self._made.panels[number] = Panel(self._made.wires, number)
        if wiring.plant is None:
            assert self._made.wires is not None
            assert insulation is not None
            assert meter is not None
            lines = WiredPilotLines(self._made.wires, number)
            self._made.hardware[number] = ConnectorHardware(self._stages[number], lines, insulation, meter)
            return None
        plant = self._plant(capability, wiring.plant)
        twin = plant.hardware
        self._made.hardware[number] = ConnectorHardware(
            twin.stage, twin.lines, insulation or twin.insulation, meter or twin.meter
        )
        return plant

    def _plant(self, capability: ConnectorCapability, address: str) -> SimulatedConnector:
        number = capability.connector
        host, port = parse_address("plant", address)
        return SimulatedConnector(
            lambda on_change: PlantLink(host, port, connector=number, on_change=on_change),
            connector=number,
            max_power=capability.max_power,
            folder=self._folder,
            clock=self._clock,
            on_lines=partial(self._on_lines, number),
            stage=self._stages.get(number),
        )

    def _monitor(self, wiring: EdgeConnectorSettings) -> InsulationMonitor | None:
        settings = wiring.insulation
        if settings is None:
            return None
        monitor = BenderMonitor(settings.line(), settings.watch(), self._clock, connector=wiring.id)
        self._made.threads.append(monitor)
        self._cables.setdefault(ConnectorId(wiring.id), monitor.cable)
        return monitor

    def _meter(self, wiring: EdgeConnectorSettings) -> Meter | None:
        settings = wiring.meter
        if settings is None:
            return None
        meter = LemMeter(
            settings.address(), self._clock, self._folder / "ocmf", connector=wiring.id, evse=settings.evse
        )
        self._made.threads.append(meter)
        self._made.signers[ConnectorId(wiring.id)] = meter
        self._cables.setdefault(ConnectorId(wiring.id), meter.cable)
        return meter

    def _add_cabinet(self, settings: CabinetSettings) -> None:
        family, rating, matrix = settings.make_family(), settings.rating(), settings.matrix()
        bus = PythonCanPort(
            settings.can,
            self._module_frame,
            connector="modules",
            accept=module_rejection,
            backlog=MODULE_BACKLOG,
        )
        for connector in sorted(set(matrix.home.values())):
            bank = bank_of((a for a, c in matrix.home.items() if c == connector), rating, family.self_off_s)
            self._stages[connector] = ModuleStage(
                connector, family, bank, self._clock, bus.send, self._relay(connector), partial(self._cable, connector)
            )
        wires = self._made.wires
        contactors = FixedModules() if wires is None else WiredContactors(wires, matrix.home)
        parts = CabinetParts(family, bus, self._stages, matrix, contactors, self._clock)
        self._made.cabinet, self._made.module_bus = Cabinet(parts, self._occupied), bus

    def _module_frame(self, frame: Frame) -> None:
        if self._made.cabinet is not None:
            self._made.cabinet.frame(frame)

    def _relay(self, connector: ConnectorId) -> OutputRelay:
        wires: Wires | None = self._made.wires
        return NoRelay() if wires is None else WiredRelay(wires, connector)

    def _cable(self, connector: ConnectorId) -> Voltage | None:
        measured = self._cables.get(connector) if self._edge.measures_cable else None
        return None if measured is None else measured()

    def _occupied(self) -> set[ConnectorId]:
        return {connector for connector, hardware in self._made.hardware.items() if hardware.lines.read().prox}
