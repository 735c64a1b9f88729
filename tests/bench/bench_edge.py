"""The controller's promises in real time, measured on its buses while two unlike vehicles charge from two modules.

`make bench` runs it for about two minutes. Clients of its own listen on the vehicles' buses and on the modules' bus;
nothing of the controller's own clock is used. Hubs, listeners and controller are scheduled by the machine that runs
them: on a busy one, run it with `chrt -f 10`, as a station's unit runs the controller.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import can

from edge.can.frame import Frame
from edge.can.socketcand import open_socketcand
from edge.chademo.frames import VehicleControl, VehicleFault, VehicleFlag
from edge.control.journal import journal_path
from edge.hardware.modules.infypower import InfypowerReg
from powerctl.core.setpoint import Command
from tests.bench.table import Figure, show
from tests.integration.edge.pair import PairSite
from tests.integration.edge.site import Process, running

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


async def emergencies(site: PairSite, modules: Listener) -> list[float]:
    """Milliseconds from the manager's send to the first lower order on the modules' bus."""
    found = []
    for _ in range(EMERGENCIES):
        site.manager.grant(11_000)
        await until(lambda: all(report.power.w > 6_000 for report in site.both), 60)
        begun = time.monotonic()
        site.manager.grant(0, command=Command.EMERGENCY, settle_s=0)
        await until(lambda since=begun: lowered(modules, since, 5.0), 5)  # type: ignore[misc]
        found.append(1000.0 * ((lowered(modules, begun, 5.0) or begun) - begun))
        await asyncio.sleep(0.5)
    return found


async def faults(site: PairSite, modules: Listener) -> list[float]:
    """Milliseconds from a vehicle's fault on its bus to the first order that switches its module off.

    The energy manager is gone, and outbox and journal are locked: neither may matter.
    """
    site.manager.grant(11_000)
    await until(lambda: all(report.power.w > 6_000 for report in site.both), 60)
    await site.manager.close()
    with locked(site.outbox), locked(journal_path(site.folder / "state")):
        found = []
        for port in (site.can_port, site.second_can):
            bus = open_socketcand({"host": "127.0.0.1", "port": port, "channel": "can0"})
            fault = VehicleControl(2, 400, 20, VehicleFault.CURRENT_DEVIATION, VehicleFlag.ENABLED, 80)
            begun = time.monotonic()
            bus.send(can.Message(arbitration_id=0x102, data=fault.encode(), is_extended_id=False))
            await until(lambda since=begun: lowered(modules, since, 0.0), 5)  # type: ignore[misc]
            found.append(1000.0 * ((lowered(modules, begun, 0.0) or begun) - begun))
            bus.shutdown()
            await asyncio.sleep(0.5)
    return found


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Until the end of the block nobody else can write to this database."""
    holder = sqlite3.connect(database, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        holder.close()


def test_the_controllers_beat(tmp_path: Path) -> None:
    asyncio.run(_measure(tmp_path))


async def _measure(folder: Path) -> None:
    async with running(PairSite(folder)) as site:
        buses = {1: Listener(site.can_port), 2: Listener(site.second_can)}
        modules = Listener(site.module_port)
        await site.until(lambda: all(report.max_power.w > 10_000 for report in site.both), 30)
        site.manager.grant(11_000)
        await site.both_charge()
        for listener in (*buses.values(), modules):
            listener.start()
        used, begun, pace = cpu_s(site.edge), time.monotonic(), pace_s()
        await asyncio.sleep(CHARGING_S)
        share = 100.0 * (cpu_s(site.edge) - used) / (time.monotonic() - begun)
        pace = (pace + pace_s()) / 2
        figures = [figure for number, bus in buses.items() for figure in interval_figures(number, bus)]
        latencies = await emergencies(site, modules)
        trips = await faults(site, modules)
        for listener in (*buses.values(), modules):
            listener.is_done = True
        await site.edge.end(signal.SIGTERM)
    show(
        "Edge control, two unlike vehicles charging from two modules, black boxes on",
        [
            *figures,
            Figure("CPU of edge control, two sessions", share, "%", 8),
            Figure("A million dictionary writes beside it, for comparison with other machines", 1000 * pace, "ms"),
            Figure("Emergency setpoint to lowered module command, median", quantile(latencies, 0.5), "ms", 20),
            Figure("Emergency setpoint to lowered module command, highest", max(latencies), "ms", 20),
            Figure("Vehicle's fault to module off, no manager, disk locked, highest", max(trips), "ms", 100),
        ],
    )
    assert len(latencies) == EMERGENCIES


def pace_s() -> float:
    """CPU seconds of a fixed piece of work: how fast this machine is at this moment."""
    begun, numbers = time.process_time(), dict[int, int]()
    for number in range(1_000_000):
        numbers[number & 1023] = number
    return time.process_time() - begun


def interval_figures(connector: int, listener: Listener) -> list[Figure]:
    """What was promised of the intervals on one vehicle's bus."""
    found = []
    for identity in (0x108, 0x109):
        name = f"connector {connector}, 0x{identity:03X}"
        seen = [at for at, message in tuple(listener.seen) if message.arbitration_id == identity]
        steps = intervals_ms(seen)
        drift = 1000.0 * (seen[-1] - seen[0]) - 100.0 * round(10.0 * (seen[-1] - seen[0]))
        found += [
            Figure(f"{name}: median of the interval, off 100 ms", abs(quantile(steps, 0.5) - 100), "ms", 1),
            Figure(f"{name}: interval, p99 off 100 ms", deviation(steps, 0.99), "ms", 10),
            Figure(f"{name}: interval, p99.9 off 100 ms", deviation(steps, 0.999), "ms", 25),
            Figure(f"{name}: drift over the run", abs(drift), "ms", 25),
            Figure(f"{name}: intervals measured", len(steps), "", 500, at_least=True),
        ]
    return found
