"""`python -m edge.hardware.modules.program`: a cabinet of simulated modules between a station and its vehicles.

It answers on the modules' bus as real modules do, and stands in the power path: the station dials its plant, it dials
the vehicle's. Orders d1, d2 and lock pass through; voltage and current are those of the modules.

Standard input takes a line of JSON for each fault: `{"module": 2, "fault": "hot"}`; `"fault": null` mends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from edge.can.frame import Frame, module_rejection
from edge.can.port import PythonCanPort
from edge.hardware.modules import simulated
from edge.hardware.modules.bank import ModuleRating
from edge.hardware.modules.family import Family
from edge.hardware.modules.infypower import InfypowerReg
from edge.hardware.modules.simulated import ModuleFault, SimulatedCabinet
from edge.hardware.modules.uugreen import UuGreenPower
from edge.hardware.plant import PlantLink, parse_address
from edge.hardware.plant_lines import MAX_LINE, PlantState, encode
from edge.hardware.power_stage_model import NO_LOAD, Load
from edge.sim.settings import can_parameters
from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError
from powerctl.core.units import Current, Power, Voltage
from powerctl.runtime import log, service
from powerctl.runtime.clock import SystemClock

STEP_S: Final = 0.01
SIGN_OF_LIFE: Final = 8
"""Steps after which a station hears the lines again that have not changed."""
FAMILIES: Final[dict[str, Family]] = {"infypower": InfypowerReg(), "uugreen": UuGreenPower()}
PASSED_ON: Final = ("d1", "d2", "lock")

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Cable:
    """One connector of the cabinet."""

    modules: tuple[int, ...]
    host: str
    port: int
    vehicle: str
    """`tcp://HOST:PORT`."""


def cable_from(text: str) -> Cable:
    """`1,2@127.0.0.1:7101=tcp://127.0.0.1:7001`: modules, where the station dials, the vehicle's plant.

    Raises:
        ConfigError: It is something else.
    """
    head, _, vehicle = text.partition("=")
    modules, _, address = head.partition("@")
    host, _, port = address.rpartition(":")
    try:
        return Cable(tuple(int(module) for module in modules.split(",")), host, int(port), vehicle)
    except ValueError as error:
        raise ConfigError(
            "--cable", f"{text!r} is no cable.", "Write 1,2@127.0.0.1:7101=tcp://127.0.0.1:7001."
        ) from error


class CableSide:
    """The plant that the station sees: the vehicle's lines, and the modules' output towards the vehicle."""

    def __init__(self, cable: Cable, state: SimulatedCabinet, number: int) -> None:
        self.state = state
        self.cable = cable
        host, port = parse_address("--cable", cable.vehicle)
        self.vehicle = PlantLink(host, port, connector=number, on_change=lambda _: self._tell())
        self._station: asyncio.StreamWriter | None = None
        self._steps = 0

    async def run(self) -> NoReturn:
        """Listen for the station and keep the vehicle, until cancelled."""
        server = await asyncio.start_server(self._accept, self.cable.host, self.cable.port, limit=MAX_LINE)
        async with server:
            await self.vehicle.run()

    def step(self, now: Any) -> None:
        """Let the physics catch up, and tell both sides."""
        plant = self.vehicle.state
        load = Load(True, plant.inlet) if plant.contactor else NO_LOAD
        self.state = simulated.advanced(self.state, load, now)
        self.vehicle.order(v_src=round(self.state.voltage_v, 2), i=round(self.state.current_a, 3))
        self._steps += 1
        if self._steps % SIGN_OF_LIFE == 0:
            self._tell()

    def _tell(self) -> None:
        if self._station is not None and not self._station.is_closing():
            self._station.write(encode(_line_of(self.vehicle.state)))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._station = writer
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                orders = json.loads(line)
                self.vehicle.order(**{key: orders[key] for key in PASSED_ON if key in orders})
        self.vehicle.order(d1=0, d2=0)
        writer.transport.abort()


def _line_of(state: PlantState) -> dict[str, float | int]:
    return {
        "k": int(state.k),
        "prox": int(state.prox),
        "contactor": int(state.contactor),
        "v_inlet": round(state.inlet.v, 2),
        "pe": int(state.pe),
        **({} if state.insulation_kohm is None else {"r_iso": state.insulation_kohm}),
    }


class CabinetProgram:
    """All modules, their bus and their cables."""

    def __init__(self, family: Family, rating: ModuleRating, cables: Sequence[Cable], can: str, clock: Clock) -> None:
        self._clock = clock
        now = clock.monotonic()
        self.sides = [
            CableSide(cable, simulated.cabinet(family, rating, cable.modules, now), number)
            for number, cable in enumerate(cables, 1)
        ]
        parameters = can_parameters(can)
        self._bus = PythonCanPort(
            parameters, self._hear, connector="simulated-modules", accept=module_rejection, backlog=512
        )

    async def run(self) -> NoReturn:
        """Answer until cancelled."""
        self._bus.start()
        async with asyncio.TaskGroup() as tasks:
            for side in self.sides:
                tasks.create_task(side.run())
            while True:
                for side in self.sides:
                    side.step(self._clock.monotonic())
                await asyncio.sleep(STEP_S)
        raise AssertionError("unreachable")

    async def listen(self) -> NoReturn:
        """Take faults from standard input."""
        reader = asyncio.StreamReader(limit=4096)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                order = json.loads(line)
                self.breaks(int(order["module"]), ModuleFault(order["fault"]) if order["fault"] else None)
            except (ValueError, KeyError, TypeError) as error:
                _log.warning("order_rejected", reason=str(error))
        while True:
            await asyncio.Event().wait()

    def breaks(self, module: int, fault: ModuleFault | None) -> None:
        """Give a module a fault, or mend it."""
        for side in self.sides:
            if module in side.state.modules:
                side.state = simulated.faulted(side.state, module, fault)

    def _hear(self, frame: Frame) -> None:
        for side in self.sides:
            side.state, answers = simulated.received(side.state, frame, self._clock.monotonic())
            self._bus.send(answers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge.hardware.modules.program", description=__doc__)
    parser.add_argument("--family", choices=sorted(FAMILIES), default="infypower")
    parser.add_argument("--can", default="socketcand:127.0.0.1:29538/can0", help="the modules' bus")
    parser.add_argument("--cable", action="append", required=True, type=cable_from, metavar="MODULES@HOST:PORT=PLANT")
    parser.add_argument("--power-w", type=float, default=11_000.0, help="of one module")
    parser.add_argument("--current-a", type=float, default=30.0, help="of one module")
    parser.add_argument("--fault", action="append", default=[], metavar="MODULE:FAULT", help=", ".join(ModuleFault))
    parser.add_argument("--stdin", action="store_true", help="take faults from standard input")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cabinet; returns the exit status."""

    async def build() -> None:
        options = _parser().parse_args(argv)
        rating = ModuleRating(Power(options.power_w), Current(options.current_a), Voltage(50.0), Voltage(1000.0))
        program = CabinetProgram(FAMILIES[options.family], rating, options.cable, options.can, SystemClock())
        for text in options.fault:
            module, _, fault = text.partition(":")
            program.breaks(int(module), ModuleFault(fault))
        jobs = [program.run(), program.listen()] if options.stdin else [program.run()]
        await service.run_service("modules", *jobs)

    return service.main("simulated-modules", build)


if __name__ == "__main__":
    sys.exit(main())
