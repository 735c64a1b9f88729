"""The controller's promises in real time, measured on its buses while a vehicle charges from two simulated modules.

`make bench` runs it for about a minute and a half. Clients of its own listen on the vehicle's bus and on the modules'
bus; nothing of the controller's own clock is used. Hub, listener and controller are scheduled by the machine that runs
them: on a busy one, run it with `chrt -f 10`, as a station's unit runs the controller.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import can

from edge.can.frame import Frame
from edge.can.socketcand import open_socketcand
from edge.hardware.modules.infypower import InfypowerReg
from powerctl.core.setpoint import Command
from tests.bench.table import Figure, show
from tests.integration.edge.site import Process, running
from tests.integration.edge.test_modules import ModuleSite

CHARGING_S = 60.0
EMERGENCIES = 8
FAMILY = InfypowerReg()


@dataclass
class Listener:
    """Every frame of a bus with the instant at which this process has read it."""

    port: int
    seen: list[tuple[float, can.Message]] = field(default_factory=list)
    is_done: bool = False

    def start(self) -> None:
        bus = open_socketcand({"host": "127.0.0.1", "port": self.port, "channel": "can0"})

        def listen() -> None:
            while not self.is_done:
                message = bus.recv(0.2)
                if message is not None:
                    self.seen.append((time.monotonic(), message))
            bus.shutdown()

        threading.Thread(target=listen, daemon=True).start()


def intervals_ms(stamps: list[float]) -> list[float]:
    return [1000.0 * (late - early) for early, late in itertools.pairwise(stamps)]


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def deviation(values: list[float], share: float) -> float:
    """The deviation from 100 ms that `share` of the values keep."""
    return quantile([abs(value - 100.0) for value in values], share)


def cpu_s(process: Process) -> float:
    assert process._process is not None
    fields = Path(f"/proc/{process._process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lowered(listener: Listener, since: float, current_a: float) -> float | None:
    """When the first module was told less than `current_a`, or to be off."""
    for instant, message in tuple(listener.seen):
        if instant < since:
            continue
        ask = FAMILY.asked(Frame(message.arbitration_id, bytes(message.data), bool(message.is_extended_id)))
        if ask is not None and (ask.is_on is False or (ask.current_a is not None and ask.current_a < current_a)):
            return instant
    return None


async def until(condition: Callable[[], object], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.005)


async def emergencies(site: ModuleSite, modules: Listener) -> list[float]:
    """Milliseconds from the manager's send to the first lower order on the modules' bus."""
    found = []
    for _ in range(EMERGENCIES):
        site.manager.grant(22_000)
        await until(lambda: site.manager.latest.power.w > 12_000, 30)
        begun = time.monotonic()
        site.manager.grant(0, command=Command.EMERGENCY, settle_s=0)
        await until(lambda since=begun: lowered(modules, since, 5.0), 5)  # type: ignore[misc]
        found.append(1000.0 * ((lowered(modules, begun, 5.0) or begun) - begun))
        await asyncio.sleep(0.5)
    return found


def test_the_controllers_beat(tmp_path: Path) -> None:
    asyncio.run(_measure(tmp_path))


async def _measure(folder: Path) -> None:
    async with running(ModuleSite(folder, "infypower")) as site:
        vehicle, modules = Listener(site.can_port), Listener(site.module_port)
        await site.until(lambda: site.manager.latest.max_power.w > 20_000, 20)
        await site.charges()
        vehicle.start()
        modules.start()
        used, begun = cpu_s(site.edge), time.monotonic()
        await asyncio.sleep(CHARGING_S)
        share = 100.0 * (cpu_s(site.edge) - used) / (time.monotonic() - begun)
        stamps = {
            identity: [at for at, message in vehicle.seen if message.arbitration_id == identity]
            for identity in (0x108, 0x109)
        }
        latencies = await emergencies(site, modules)
        vehicle.is_done = modules.is_done = True
        await site.edge.end(signal.SIGTERM)
    figures = []
    for identity, seen in stamps.items():
        steps = intervals_ms(seen)
        drift = 1000.0 * (seen[-1] - seen[0]) - 100.0 * round(10.0 * (seen[-1] - seen[0]))
        figures += [
            Figure(f"0x{identity:03X}: median of the interval, off 100 ms", abs(quantile(steps, 0.5) - 100), "ms", 1),
            Figure(f"0x{identity:03X}: interval, p99 off 100 ms", deviation(steps, 0.99), "ms", 10),
            Figure(f"0x{identity:03X}: interval, p99.9 off 100 ms", deviation(steps, 0.999), "ms", 25),
            Figure(f"0x{identity:03X}: drift over the run", abs(drift), "ms", 25),
            Figure(f"0x{identity:03X}: intervals measured", len(steps), "", 500, at_least=True),
        ]
    show(
        "Edge control, one vehicle charging from two modules",
        [
            *figures,
            Figure("CPU of edge control, one session with modules and black box", share, "%", 8),
            Figure("Emergency setpoint to lowered module command, median", quantile(latencies, 0.5), "ms", 20),
            Figure("Emergency setpoint to lowered module command, highest", max(latencies), "ms", 20),
        ],
    )
    assert len(latencies) == EMERGENCIES
