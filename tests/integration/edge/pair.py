"""A station with both outlets on loopback: two unlike vehicles, two power modules, one controller."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from edge.hardware.modules.simulated import ModuleFault
from powerctl.core.demand import ConnectorReport
from powerctl.core.order import StartCharging
from powerctl.core.record import SessionOpened
from powerctl.core.session import ConnectorState
from tests.integration.edge.site import Process, Site, Talking, free_port

_SECOND = """
[[station.connector]]
id = 2
type = "chademo"
position = "right"
max_power_w = 11000
max_current_a = 30
max_voltage_v = 500
min_power_w = 1000
fallback_w = 5000
"""
_WIRING = """
[[edge.connector]]
id = 2
can = {{ interface = "socketcand", channel = "can0", host = "127.0.0.1", port = {can} }}
plant = "tcp://127.0.0.1:{plant}"
chademo = {{ test_hold_s = 0.5 }}

[edge.cabinet]
family = "infypower"
can = {{ interface = "socketcand", channel = "can0", host = "127.0.0.1", port = {modules} }}
module = [{places}]
max_power_w = {power}
max_current_a = {current}
min_voltage_v = 50
max_voltage_v = 1000
"""


class PairSite(Site):
    """Two outlets, each with modules for 11 kW; a vehicle of another make at each.

    Args:
        second: Model of the second vehicle.
        each: Modules of one outlet.
    """

    def __init__(self, folder: Path, second: str = "env200", each: int = 1) -> None:
        super().__init__(folder)
        self.each = each
        self._orders = itertools.count()
        self.second_can, self.second_plant, self.module_port = free_port(), free_port(), free_port()
        self.second_hub = Process("hub-2", folder, "-m", "edge.can.hub", "--listen", f"127.0.0.1:{self.second_can}")
        self.module_hub = Process(
            "module-hub", folder, "-m", "edge.can.hub", "--listen", f"127.0.0.1:{self.module_port}"
        )
        self.second_car = self.told_vehicle("car-2", second, self.second_can, self.second_plant)
        self.manager.connectors = (1, 2)
        cars = [self.plant_port, self.second_plant]
        self.plant_port, self.second_plant = free_port(), free_port()
        cables = [
            f"{self._modules(outlet)}@127.0.0.1:{cable}=tcp://127.0.0.1:{car}"
            for outlet, (cable, car) in enumerate(zip((self.plant_port, self.second_plant), cars, strict=True), 1)
        ]
        self.modules = Talking(
            "modules", folder, "-m", "edge.hardware.modules.program", "--stdin",
            "--can", f"socketcand:127.0.0.1:{self.module_port}/can0",
            *(word for cable in cables for word in ("--cable", cable)),
            "--power-w", str(11_000 / each), "--current-a", str(30 / each),
        )  # fmt: skip

    def _modules(self, outlet: int) -> str:
        return ",".join(str((outlet - 1) * self.each + number) for number in range(1, self.each + 1))

    async def start(self) -> None:
        await self.second_hub.start()
        await self.module_hub.start()
        await self.modules.start()
        await super().start()

    def settings(self, text: str) -> str:
        station, edge = text.replace("max_power_w = 22000", "max_power_w = 11000").split("[edge]", 1)
        places = [
            f"{{ address = {address}, connector = {outlet} }}"
            for outlet in (1, 2)
            for address in self._modules(outlet).split(",")
        ]
        wiring = _WIRING.format(
            can=self.second_can,
            plant=self.second_plant,
            modules=self.module_port,
            places=", ".join(places),
            power=11_000 / self.each,
            current=30 / self.each,
        )
        return f"{station}{_SECOND}\n[edge]{edge}{wiring}"

    def processes(self) -> tuple[Process, ...]:
        return (*super().processes(), self.modules, self.module_hub, self.second_car, self.second_hub)

    def breaks(self, module: int, fault: ModuleFault | None) -> None:
        self.modules.say(module=module, fault=fault)

    async def both_charge(self) -> None:
        """Plugged in, started, and each with as much as it may have."""
        await self.car.start()
        await self.second_car.start()
        self.second_car.say(do="plug")
        await self.until(lambda: len({opened.connector for opened in self.records(SessionOpened)}) == 2, 30)
        async with asyncio.timeout(120):
            while not all(report.power.w > 9_000 for report in self.both):
                self._start_who_rests()
                await asyncio.sleep(1.0)

    def _start_who_rests(self) -> None:
        """Order a start where none is under way: on a starved machine a simulator may have been silent for too long."""
        for report in self.both:
            if report.session is not None and report.state in (ConnectorState.OCCUPIED, ConnectorState.FINISHED):
                self.order(f"start-{next(self._orders)}", StartCharging(report.session, report.connector))

    @property
    def both(self) -> tuple[ConnectorReport, ...]:
        """What the controller said last of each connector."""
        return self.manager.reports[-1].connectors
