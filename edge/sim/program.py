"""`powerctl vehicle`: one simulated vehicle in a process of its own, on a CAN bus and a plant port."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NoReturn

from edge.can import frame as can_frame
from edge.can.port import PythonCanPort, check_parameters
from edge.sim.mischief import advance, afflicted, spoken
from edge.sim.models import MODELS, VehicleModel
from edge.sim.orders import order_from_line, report
from edge.sim.plant import PlantServer
from edge.sim.settings import VehicleSettings, can_parameters, faults, parse_arguments, plant_address
from edge.sim.vehicle import Event, Frame, Plug, Tick, Vehicle, parked
from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError
from powerctl.runtime import log, service

STEP_S: Final = 0.05
"""The plant hears from the vehicle so often; every second step sends its frames."""
_VARIED: Final = ("wake_s", "permit_s", "close_s", "request_s", "react_s", "weld_s")
_SPREAD: Final = 0.15
_log = log.get(__name__)


def varied(model: VehicleModel, seed: int) -> VehicleModel:
    """The model with its reaction times spread by up to 15 %; seed 0 leaves them."""
    if seed == 0:
        return model
    chance = random.Random(seed)  # noqa: S311 - repeatable, for a simulation
    changes = {name: getattr(model, name) * chance.uniform(1 - _SPREAD, 1 + _SPREAD) for name in _VARIED}
    return replace(model, **changes)


class VehicleProgram:
    """The owner of one vehicle: every event goes through `feed`."""

    def __init__(self, settings: VehicleSettings) -> None:
        self._faults = faults(settings)
        model = afflicted(varied(MODELS[settings.model], settings.seed), self._faults)
        self._settings = settings
        self._step_s = STEP_S if model.turn_s is None else model.turn_s
        self._speaks_every = 2 if model.turn_s is None else 1
        self.vehicle: Vehicle = parked(model, settings.soc, capacity_kwh=settings.capacity_kwh)
        self.plant = PlantServer(*plant_address(settings.plant), self.feed)
        parameters = can_parameters(settings.can)
        check_parameters("vehicle.can", parameters)
        self._bus = PythonCanPort(parameters, self._heard, connector=0)

    async def run(self) -> NoReturn:
        """Live until cancelled."""
        await self.plant.start()
        self._bus.start()
        try:
            await self._live()
        finally:
            self._bus.close()
            await self.plant.close()

    def feed(self, event: Event) -> None:
        """Give the vehicle an event; the station hears at once when a line changes."""
        before = self.vehicle
        self.vehicle = after = advance(before, event, self._now(), self._faults)
        if (before.k, before.plugged, before.contactor) != (after.k, after.plugged, after.contactor):
            self.plant.send(after)
        if before.stage is not after.stage or before.plugged is not after.plugged:
            _log.info("vehicle_stage_changed", stage=after.stage, plugged=after.plugged, why=after.why)

    def _heard(self, frame: can_frame.Frame) -> None:
        self.feed(Frame(frame.frame_id, frame.data))

    @staticmethod
    def _now() -> Monotonic:
        return Monotonic(asyncio.get_running_loop().time())

    async def _live(self) -> NoReturn:
        """One step after the other on absolute deadlines; after a stall it skips instead of catching up."""
        self._schedule()
        step, origin = 0, self._now()
        while True:
            step = max(step + 1, int((self._now() - origin) / self._step_s) - 1)
            await asyncio.sleep(origin + step * self._step_s - self._now())
            self._step(step)

    def _step(self, step: int) -> None:
        now = self._now()
        self.plant.watch(now)
        self.feed(Tick())
        self.plant.send(self.vehicle)
        if step % self._speaks_every == 0:
            self._bus.send(spoken(self.vehicle, now, self._faults))
        if self._settings.stdin and step % 20 == 0:
            sys.stdout.write(json.dumps(report(self.vehicle)) + "\n")
            sys.stdout.flush()

    def _schedule(self) -> None:
        settings, loop = self._settings, asyncio.get_running_loop()
        if settings.plug_after is not None:
            loop.call_later(settings.plug_after, self.feed, Plug(on=True))
        elif not settings.stdin:
            self.feed(Plug(on=True))
        if settings.unplug_after is not None:
            loop.call_later(settings.unplug_after, self.feed, Plug(on=False))

    async def listen(self) -> NoReturn:
        """Take orders from standard input; when that ends, the vehicle lives on."""
        reader = asyncio.StreamReader(limit=4096)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                self.feed(order_from_line(line))
            except RemoteError as error:
                _log.warning("order_rejected", reason=str(error))
        while True:
            await asyncio.Event().wait()


async def run_vehicle(settings: VehicleSettings) -> None:
    """Run a vehicle until SIGTERM or SIGINT.

    Raises:
        ConfigError: The bus or the plant's address cannot be used.
    """
    program = VehicleProgram(settings)
    tasks = [program.run(), program.listen()] if settings.stdin else [program.run()]
    await service.run_service("vehicle", *tasks)


def main(argv: Sequence[str]) -> int:
    """`powerctl vehicle ARGUMENTS`. Returns the exit status."""

    async def build() -> None:
        await run_vehicle(parse_arguments(argv))

    return service.main("powerctl vehicle", build)
