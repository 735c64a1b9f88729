"""A cabinet of ours and simulated modules on one bus, in virtual time: everything real but the wires."""

from __future__ import annotations

import asyncio
from typing import Self

from edge.can.fake import FakeBus
from edge.can.frame import Frame, module_rejection
from edge.hardware.modules import simulated
from edge.hardware.modules.bank import ModuleRating, bank_of
from edge.hardware.modules.cabinet import Cabinet, CabinetParts, FixedModules
from edge.hardware.modules.family import Family
from edge.hardware.modules.infypower import InfypowerReg
from edge.hardware.modules.matrix import MatrixConfig
from edge.hardware.modules.simulated import ModuleFault, SimulatedCabinet
from edge.hardware.modules.stage import ModuleStage
from edge.hardware.power_stage_model import NO_LOAD, Load
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.control.rig import LoopClock

RATING = ModuleRating(Power(11_000.0), Current(30.0), Voltage(150.0), Voltage(1000.0))
LEFT, RIGHT = ConnectorId(1), ConnectorId(2)
BATTERY = Load(True, Voltage(380.0))


class Relay:
    """An output relay that remembers."""

    def __init__(self) -> None:
        self.is_closed = False

    def connect(self, on: bool) -> None:
        self.is_closed = on


class CabinetStory:
    """Two connectors with two modules each."""

    def __init__(self, family: Family | None = None, *, switch_s: float | None = None) -> None:
        self.family = family or InfypowerReg()
        self.occupied: set[ConnectorId] = set()
        self.bus = FakeBus()
        self.loads = {LEFT: NO_LOAD, RIGHT: NO_LOAD}
        self.relays = {LEFT: Relay(), RIGHT: Relay()}
        self._homes = {1: LEFT, 2: LEFT, 3: RIGHT, 4: RIGHT}
        self._switch_s = switch_s

    async def __aenter__(self) -> Self:
        self.clock = LoopClock()
        now = self.clock.monotonic()
        self.port = self.bus.attach(lambda frame: self.cabinet.frame(frame), module_rejection)
        self.stages = {connector: self._stage(connector) for connector in (LEFT, RIGHT)}
        parts = CabinetParts(
            self.family,
            self.port,
            self.stages,
            MatrixConfig(self._homes, self._switch_s),
            FixedModules(),
            self.clock,
        )
        self.cabinet = Cabinet(parts, lambda: self.occupied)
        self.simulated = {
            connector: simulated.cabinet(self.family, RATING, self._at_home(connector), now)
            for connector in (LEFT, RIGHT)
        }
        self._modules_port = self.bus.attach(self._modules_hear, module_rejection)
        self.port.start()
        self._modules_port.start()
        self._running = [asyncio.create_task(self.cabinet.run()), asyncio.create_task(self._physics())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def left(self) -> ModuleStage:
        return self.stages[LEFT]

    @property
    def left_modules(self) -> SimulatedCabinet:
        return self.simulated[LEFT]

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def breaks(self, address: int, fault: ModuleFault | None) -> None:
        connector = self._homes[address]
        self.simulated[connector] = simulated.faulted(self.simulated[connector], address, fault)

    def sent(self, since: int = 0) -> list[Frame]:
        return self.bus.log[since:]

    def _at_home(self, connector: ConnectorId) -> list[int]:
        return [address for address, home in self._homes.items() if home == connector]

    def _stage(self, connector: ConnectorId) -> ModuleStage:
        bank = bank_of(self._at_home(connector), RATING, self.family.self_off_s)
        return ModuleStage(connector, self.family, bank, self.clock, self.port.send, self.relays[connector])

    def _modules_hear(self, frame: Frame) -> None:
        for connector, state in self.simulated.items():
            self.simulated[connector], answers = simulated.received(state, frame, self.clock.monotonic())
            self._modules_port.send(answers)

    async def _physics(self) -> None:
        while True:
            for connector, state in self.simulated.items():
                self.simulated[connector] = simulated.advanced(state, self.loads[connector], self.clock.monotonic())
            await asyncio.sleep(0.02)
