"""From a step of the line frequency to the order on the power modules' own bus, with every program as in the field.

A meter's socket, `powerctl run`, gRPC, `edge control` and the bus of the cabinet are real; the modules and the vehicle
are simulated. The frequency is sampled twenty times a second; steps come at random instants, so that the phase of
sampling is in the figure. The observer is a listener of its own on the modules' bus.
"""

from __future__ import annotations

import asyncio
import random
import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.can.socketcand import open_socketcand
from powerctl.core.record import SessionOpened
from powerctl.runtime import pki
from powerctl.sim.frequency import FrequencyMeter
from tests.bench.table import Figure, show
from tests.integration.edge.site import _SETTINGS, Process, free_port, running
from tests.integration.edge.test_modules import ModuleSite

SAMPLE_S = 0.05
STEPS = 25
NOMINAL_HZ, LOW_HZ = 50.0, 49.45
SET_OUTPUT, CONTROLLER = 0x1C, 0xF0
"""Infypower: what the controller orders of one module."""
FULL_A, FLOOR_A = 40.0, 20.0
"""Both modules together: ample, and what 6 kW are at most."""
_MANAGER = """
[manager.http]
port = {http}

[manager.plan]
enabled = false

[manager.grid.modbus_tcp]
port = {modbus}

[manager.grid.sources.frequency]
product = "fcr-d"
armed = true
socket = "{socket}"
floor_w = 6000
ramp_up_w_s = 1000000

[manager.allocation]
efficiency = [[2000, 0.90], [11000, 0.95], [22000, 0.94]]
auxiliary_w = 150
ramp_up_w_s = 1000000
calm_s = 0

[manager.dispatch]
port = {dispatch}

[manager.dispatch.tls]
ca = "{tls.ca}"
certificate = "{tls.certificate}"
key = "{tls.key}"
"""


class Whole(ModuleSite):
    """A station with its energy manager as a program, and a meter of the frequency."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "infypower")
        self.hz = NOMINAL_HZ
        self.meter = FrequencyMeter(folder / "hz")
        self.powerctl = Process(
            "powerctl", folder, "-m", "powerctl.app.cli", "run", "--config", str(folder / "station.toml")
        )
        self._sampling: asyncio.Task[None] | None = None
        self._last: list[Callable[[], None]] = []

    def closing(self, end: Callable[[], None]) -> None:
        """Have `end` called before the programs end."""
        self._last.append(end)

    async def start(self) -> None:
        port, server = free_port(), pki.issue(self.authority, "manager", server_names=["127.0.0.1", "localhost"])
        client = pki.issue(self.authority, "st-test", client=True)
        text = _SETTINGS.format(
            folder=self.folder, can=self.can_port, plant=self.plant_port, http=self.http_port, dispatch=port,
            ca=client.ca, certificate=client.certificate, key=client.key,
        )  # fmt: skip
        text += _MANAGER.format(
            http=free_port(), modbus=free_port(), dispatch=port, tls=server, socket=self.folder / "hz"
        )
        (self.folder / "station.toml").write_text(self.settings(text))
        await self.meter.start()
        for process in (self.powerctl, self.module_hub, self.modules, self.hub, self.edge):
            await process.start()
        await asyncio.wait_for(self.meter.connected.wait(), 60)
        self._sampling = asyncio.create_task(self._sample())

    async def _sample(self) -> None:
        while True:
            self.meter.send(self.hz)
            await asyncio.sleep(SAMPLE_S)

    async def close(self) -> None:
        for end in self._last:
            end()
        if self._sampling is not None:
            self._sampling.cancel()
        await self.meter.close()
        await self.powerctl.end(signal.SIGKILL)
        await super().close()


class Listener(threading.Thread):
    """Hears what the controller orders of each module; dated by the thread that reads the bus."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._bus: Any = open_socketcand({"host": "127.0.0.1", "port": port, "channel": "can0"})
        self._over = threading.Event()
        self.ordered: dict[int, float] = {}
        self.lowered_at = 0.0
        """When the orders of all modules together were last lowered."""

    def run(self) -> None:
        while not self._over.is_set():
            message = self._bus.recv(0.1)
            if message is not None:
                self._hear(message.arbitration_id, bytes(message.data))

    def _hear(self, identity: int, data: bytes) -> None:
        if identity >> 16 & 0x3F != SET_OUTPUT or identity & 0xFF != CONTROLLER:
            return
        before = self.total_a
        self.ordered[identity >> 8 & 0xFF] = struct.unpack(">II", data)[1] / 1000
        if self.total_a < before:
            self.lowered_at = time.monotonic()

    @property
    def total_a(self) -> float:
        return sum(self.ordered.values())

    def end(self) -> None:
        self._over.set()
        self.join()
        self._bus.shutdown()


async def step(site: Whole, listener: Listener, chance: random.Random) -> float:
    """Milliseconds from the step to the order that sheds."""
    await site.until(lambda: listener.total_a > FULL_A, 60)
    await asyncio.sleep(0.5 + SAMPLE_S * chance.random())
    site.hz, started = LOW_HZ, time.monotonic()
    await site.until(lambda: listener.total_a <= FLOOR_A, 10)
    taken_ms = 1000 * (listener.lowered_at - started)
    site.hz = NOMINAL_HZ
    return taken_ms


async def test_a_step_of_frequency_reaches_the_modules(tmp_path: Path) -> None:
    async with running(Whole(tmp_path)) as site:
        listener = Listener(site.module_port)
        listener.start()
        site.closing(listener.end)
        await site.car.start()
        await site.until(lambda: site.records(SessionOpened), 60)
        site.order_start()
        chance = random.Random(3)
        delays = sorted([await step(site, listener, chance) for _ in range(STEPS)])
    show(
        f"Frequency step to {LOW_HZ} Hz, {STEPS} times, sampled each {1000 * SAMPLE_S:.0f} ms, real programs",
        [
            Figure("Step to the lowered order on the modules' bus, median", delays[len(delays) // 2], "ms"),
            Figure("Step to the lowered order on the modules' bus, p99", delays[int(0.99 * (STEPS - 1))], "ms", 150),
            Figure("Step to the lowered order on the modules' bus, longest", delays[-1], "ms"),
        ],
    )
