"""The simulated station around the connectors: the AC meter at the grid connection, and the beat of the physics."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from edge.hardware.ports import GridReading
from edge.hardware.register_file import RegisterFile
from edge.hardware.simulated_connector import LONGEST_METERED_STEP_S, SimulatedConnector
from powerctl.core.clock import Clock
from powerctl.core.units import Energy, Power, Voltage

STEP_S: Final = 0.02
"""The plant hears the output at least every 50 ms while energised; this leaves room for a late step."""

METER_S: Final = 0.1
"""Between two looks of meters that no plant waits for."""


@dataclass(frozen=True, slots=True)
class AcModel:
    """From DC output to AC input."""

    efficiency: tuple[tuple[float, float], ...]
    """Points (DC watts, efficiency), rising. Between them the input is linear; outside the efficiency is level."""
    auxiliary: Power
    """Cooling, controllers, screen: drawn always."""
    frequency_hz: float
    voltage: Voltage
    """Line to neutral."""

    def ac_power(self, outputs: Sequence[Power]) -> Power:
        """What the station draws while its connectors deliver `outputs`."""
        return self.auxiliary + Power(sum(self._input_w(output.w) for output in outputs))

    def _input_w(self, output_w: float) -> float:
        if output_w <= 0:
            return 0.0
        points = ((0.0, 0.0), *((dc_w, dc_w / efficiency) for dc_w, efficiency in self.efficiency))
        index = bisect_right(points, output_w, key=lambda point: point[0])
        if index == len(points):
            return output_w / self.efficiency[-1][1]
        (low_dc, low_ac), (high_dc, high_ac) = points[index - 1], points[index]
        return low_ac + (high_ac - low_ac) * (output_w - low_dc) / (high_dc - low_dc)


class SimulatedStation:
    """Owns the beat: every 20 ms all connectors move on, and the AC meter counts.

    Where modules on the cables feed every vehicle, there is only metering to do, five times as seldom.
    """

    def __init__(self, connectors: Sequence[SimulatedConnector], model: AcModel, folder: Path, clock: Clock) -> None:
        self._connectors = tuple(connectors)
        self._model = model
        self._clock = clock
        self._file = RegisterFile(folder / "meter-ac.register")
        self._stepped_at = clock.monotonic()
        self._step_s = STEP_S if any(connector.is_supply for connector in connectors) else METER_S

    def read(self) -> GridReading:
        """What the AC meter shows now."""
        return GridReading(
            power=self._model.ac_power([connector.supply.measure().power for connector in self._connectors]),
            energy=Energy(self._file.wh),
            frequency_hz=self._model.frequency_hz,
            voltage=self._model.voltage,
        )

    def step(self) -> None:
        """Let everything catch up with the clock."""
        outputs = [connector.step().power for connector in self._connectors]
        now = self._clock.monotonic()
        step_s = min(now - self._stepped_at, LONGEST_METERED_STEP_S)
        self._stepped_at = now
        self._file.add(self._model.ac_power(outputs).w * step_s / 3600.0)

    async def run(self) -> NoReturn:
        """Run links and physics until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for connector in self._connectors:
                tasks.create_task(connector.link.run(), name="plant")
            while True:
                self.step()
                await asyncio.sleep(self._step_s)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Leave every output off and every register stored."""
        for connector in self._connectors:
            connector.close()
        self._file.close()
