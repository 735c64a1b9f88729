"""The controller with power modules on a bus of their own: real frames, real sockets, simulated modules that break."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from edge.can.socketcand import open_socketcand
from edge.hardware.modules.simulated import ModuleFault
from powerctl.core.session import ConnectorState
from tests.integration.edge.site import Process, Site, Talking, free_port, running

pytestmark = pytest.mark.integration

ALL_OFF = 0x029A3FF0
"""Infypower: every module is switched."""

_CABINET = """
[edge.cabinet]
family = "{family}"
can = {{ interface = "socketcand", channel = "can0", host = "127.0.0.1", port = {port} }}
module = [{{ address = 1, connector = 1 }}, {{ address = 2, connector = 1 }}]
max_power_w = 11000
max_current_a = 30
min_voltage_v = 50
max_voltage_v = 1000
"""


class ModuleSite(Site):
    """A site whose power comes from two modules, which stand between the controller and the car."""

    def __init__(self, folder: Path, family: str) -> None:
        super().__init__(folder)
        self.family, self.module_port, cable_port = family, free_port(), free_port()
        self.module_hub = Process(
            "module-hub", folder, "-m", "edge.can.hub", "--listen", f"127.0.0.1:{self.module_port}"
        )
        car = f"tcp://127.0.0.1:{self.plant_port}"
        self.modules = Talking(
            "modules", folder, "-m", "edge.hardware.modules.program", "--family", family, "--stdin",
            "--can", f"socketcand:127.0.0.1:{self.module_port}/can0", "--cable", f"1,2@127.0.0.1:{cable_port}={car}",
        )  # fmt: skip
        self.plant_port = cable_port

    async def start(self) -> None:
        await self.module_hub.start()
        await self.modules.start()
        await super().start()

    def settings(self, text: str) -> str:
        return text + _CABINET.format(family=self.family, port=self.module_port)

    def processes(self) -> tuple[Process, ...]:
        return (*super().processes(), self.modules, self.module_hub)

    def breaks(self, module: int, fault: ModuleFault | None) -> None:
        self.modules.say(module=module, fault=fault)


@pytest.mark.parametrize("family", ["infypower", "uugreen"])
async def test_a_lost_module_halves_the_offer_and_ends_nothing(tmp_path: Path, family: str) -> None:
    async with running(ModuleSite(tmp_path, family)) as site:
        await site.until(lambda: site.manager.latest.max_power.w > 20_000, 15)
        await site.charges()
        site.breaks(2, ModuleFault.HOT)
        await site.until(lambda: site.manager.latest.max_power.w <= 11_000, 15)
        await site.until(lambda: 8_000 < site.manager.latest.power.w <= 11_200, 15)
        assert site.manager.latest.state is ConnectorState.CHARGING
        site.breaks(2, None)
        await site.until(lambda: site.manager.latest.power.w > 15_000, 20)
        site.order_stop()
        await site.until(lambda: site.manager.latest.state is ConnectorState.FINISHED, 20)
        assert site.manager.latest.voltage.v <= 10.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_whatever_ends_the_controller_its_guard_switches_the_modules_off(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with running(ModuleSite(tmp_path, "infypower")) as site:
        await site.until(lambda: site.manager.latest.max_power.w > 20_000, 15)
        await site.charges()
        bus = open_socketcand({"host": "127.0.0.1", "port": site.module_port, "channel": "can0"})
        await site.until(lambda: bus.recv(0.1) is not None)
        site.edge.signal(number)
        begun = time.monotonic()
        identities: list[int] = []
        while ALL_OFF not in identities and time.monotonic() - begun < 5.0:
            message = await asyncio.to_thread(bus.recv, 0.1)
            identities += [message.arbitration_id] if message is not None else []
        bus.shutdown()
        assert ALL_OFF in identities
        assert await site.edge.ends() == -signal.SIGKILL
