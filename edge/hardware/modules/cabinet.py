"""The modules' bus: asks, hears, repeats orders, and moves modules between connectors where a matrix can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from edge.can.frame import Frame
from edge.can.port import CanPort
from edge.hardware.modules import bank as banks
from edge.hardware.modules.bank import Module
from edge.hardware.modules.family import Family
from edge.hardware.modules.matrix import Matrix, MatrixConfig, Move, at_home, possible, retiring, stepped
from edge.hardware.modules.stage import ModuleStage
from powerctl.core.clock import Clock
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power
from powerctl.runtime import log, metrics

STEP_S: Final = 0.1
SELDOM: Final = 10
"""Steps between two questions about status, temperature and what can be given."""

_log = log.get(__name__)


class MatrixContactors(Protocol):
    """Connects modules to connectors. Only called for modules at zero current."""

    def connect(self, address: int, connector: ConnectorId | None) -> None:
        """Feed this connector with this module. None: no connector."""
        ...


class FixedModules:
    """A cabinet in which nothing can be moved."""

    def connect(self, address: int, connector: ConnectorId | None) -> None:
        """Nothing to switch."""


@dataclass(slots=True)
class CabinetParts:
    """What a cabinet is made of."""

    family: Family
    port: CanPort
    stages: Mapping[ConnectorId, ModuleStage]
    matrix: MatrixConfig
    contactors: MatrixContactors
    clock: Clock


class Cabinet:
    """All modules of a station.

    Args:
        occupied: Connectors with a vehicle, asked in every step.
    """

    def __init__(self, parts: CabinetParts, occupied: Callable[[], Collection[ConnectorId]]) -> None:
        self._parts = parts
        self._occupied = occupied
        self._matrix: Matrix = at_home(parts.matrix)
        self._travelling: dict[int, Module] = {}
        self._steps = 0
        self._missing: frozenset[int] = frozenset()
        self._possible: tuple[frozenset[int], tuple[Mapping[ConnectorId, Power], ...]] | None = None

    @property
    def modules(self) -> dict[int, Module]:
        """Every module, as last heard."""
        connected = {
            address: module for stage in self._parts.stages.values() for address, module in stage.bank.modules.items()
        }
        return {**self._travelling, **connected}

    @property
    def matrix(self) -> Matrix:
        """Where each module is."""
        return self._matrix

    @property
    def switch_s(self) -> float | None:
        """How long a module takes to change sides. None: it cannot."""
        return self._parts.matrix.switch_s

    def possible(self) -> tuple[Mapping[ConnectorId, Power], ...]:
        """The divisions of power that the working modules allow."""
        now = self._parts.clock.monotonic()
        usable = frozenset(address for address, module in self.modules.items() if module.is_usable(now))
        if self._possible is None or self._possible[0] != usable:
            rated = next(iter(self._parts.stages.values())).bank.rating.max_power
            self._possible = (usable, possible(self._parts.matrix, dict.fromkeys(usable, rated)))
        return self._possible[1]

    def frame(self, frame: Frame) -> None:
        """A frame on the modules' bus."""
        try:
            said = self._parts.family.heard(frame)
        except RemoteError as error:
            metrics.counter("edge_module_rejected_frames_total").inc()
            _log.debug("module_frame_rejected", reason=str(error))
            return
        if said is None:
            return
        address, news = said
        now = self._parts.clock.monotonic()
        if address in self._travelling:
            self._travelling[address] = banks.heard(self._travelling[address], news, now)
        for stage in self._parts.stages.values():
            if address in stage.bank.modules:
                stage.heard(address, news)

    async def run(self) -> NoReturn:
        """Ask and repeat until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)

    def step(self) -> None:
        """One round of questions and orders."""
        self._steps += 1
        self._move()
        self._watch()
        family = self._parts.family
        for address in self.modules:
            self._parts.port.send(family.questions(address))
            if (self._steps + address) % SELDOM == 0 or self._steps == 1:
                self._parts.port.send(family.seldom(address))
        for stage in self._parts.stages.values():
            stage.push()

    def close(self) -> None:
        """Every module off, and the cables disconnected."""
        for stage in self._parts.stages.values():
            stage.off(urgent=True)
        self._parts.port.send(self._parts.family.all_off())

    def _watch(self) -> None:
        now = self._parts.clock.monotonic()
        modules = self.modules
        missing = frozenset(address for address, module in modules.items() if module.is_missing(now))
        metrics.gauge("edge_modules_usable").set(sum(module.is_usable(now) for module in modules.values()))
        for address in missing - self._missing if self._steps > SELDOM else ():
            _log.warning("module_missing", module=address)
        self._missing = missing if self._steps > SELDOM else frozenset()

    def _move(self) -> None:
        parts = self._parts
        if parts.matrix.switch_s is None:
            return
        occupied = self._occupied()
        leaving = retiring(parts.matrix, self._matrix, occupied)
        idle: list[int] = []
        for stage in parts.stages.values():
            stage.retire(leaving & stage.bank.modules.keys())
            idle += stage.idle_modules()
        live = [connector for connector, stage in parts.stages.items() if stage.is_live]
        self._matrix, moves = stepped(parts.matrix, self._matrix, occupied, live, idle, parts.clock.monotonic())
        for move in moves:
            self._moved(move)

    def _moved(self, move: Move) -> None:
        stage = self._parts.stages[move.connector]
        if move.arrives:
            self._parts.contactors.connect(move.address, move.connector)
            stage.gain(self._travelling.pop(move.address))
        else:
            self._parts.contactors.connect(move.address, None)
            self._travelling[move.address] = stage.lose(move.address)
        _log.info("module_moved", module=move.address, connector=move.connector, arrives=move.arrives)
