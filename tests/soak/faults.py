"""What goes wrong, one thing at a time or several: seeded, and over again by itself."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

from cloud.payment.fake import Fault
from tests.soak.cell import Cell


@dataclass
class Havoc:
    """Breaks a cell.

    Args:
        cell: What is broken.
        dice: Says what, when and for how long; the same seed does the same in the same order.
    """

    cell: Cell
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)

    async def go_on(self) -> NoReturn:
        """Break one thing after the other, every kind before any comes again, until cancelled."""
        while True:
            names = list(self.kinds())
            self.dice.shuffle(names)
            for name in names:
                await asyncio.sleep(self.dice.uniform(0.2, 0.8))
                await self.kinds()[name]()
                self.done[name] += 1

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every fault by its name."""
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "line reset": self._reset,
            "blackhole": self._blackhole,
            "throttled": self._throttle,
            "uplink killed": self._uplink,
            "broker killed": self._broker,
            "cloud killed": self._cloud,
            "database killed": self._database,
            "clock stepped": self._clock,
            "payment answers lost": self._payment,
        }
        if self.cell.can_fill_disks:
            faults["disk full"] = self._disk
        return faults

    def _line(self) -> int:
        return self.dice.randrange(len(self.cell.roadsides))

    async def _reset(self) -> None:
        self.cell.roadsides[self._line()].line.reset()

    async def _blackhole(self) -> None:
        line = self.cell.roadsides[self._line()].line
        line.blackhole = True
        await asyncio.sleep(self.dice.uniform(0.5, 3.0))
        line.blackhole = False
        if self.dice.random() < 0.5:
            line.reset()

    async def _throttle(self) -> None:
        line = self.cell.roadsides[self._line()].line
        line.bytes_per_second, line.delay_s = 7_000.0, self.dice.uniform(0.1, 0.5)
        await asyncio.sleep(self.dice.uniform(1.0, 3.0))
        line.bytes_per_second, line.delay_s = None, 0.0

    async def _uplink(self) -> None:
        await asyncio.to_thread(self.cell.roadsides[self._line()].kill)

    async def _broker(self) -> None:
        await asyncio.to_thread(self.cell.broker.stop, signal.SIGKILL)
        await asyncio.sleep(self.dice.uniform(0.0, 1.0))
        await asyncio.to_thread(self.cell.broker.start)

    async def _cloud(self) -> None:
        await asyncio.to_thread(self.cell.stop)
        await asyncio.sleep(self.dice.uniform(0.0, 1.0))
        self.cell.start()

    async def _database(self) -> None:
        await asyncio.to_thread(self.cell.server.crash)
        await asyncio.sleep(self.dice.uniform(0.0, 1.0))
        await asyncio.to_thread(self.cell.server.restart)

    async def _clock(self) -> None:
        hours = self.dice.choice((-1, 1))
        self.cell.roadsides[self._line()].clock_offset = timedelta(hours=hours)
        await asyncio.sleep(self.dice.uniform(0.5, 2.0))
        for roadside in self.cell.roadsides:
            roadside.clock_offset = timedelta(0)

    async def _payment(self) -> None:
        kinds = (Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.FAILS, None)
        self.cell.provider.faults.extend(self.dice.choices(kinds, k=5))

    async def _disk(self) -> None:
        async with self.cell.roadsides[self._line()].full_disk():
            await asyncio.sleep(self.dice.uniform(0.5, 2.0))

    async def heal(self) -> None:
        """Make everything whole, and wait until it says so."""
        for roadside in self.cell.roadsides:
            roadside.line.blackhole, roadside.line.bytes_per_second, roadside.line.delay_s = False, None, 0.0
            roadside.clock_offset = timedelta(0)
            (roadside.station.folder / "state" / "filler").unlink(missing_ok=True)
        self.cell.provider.faults.clear()
        await asyncio.to_thread(self.cell.server.restart)
        if not self.cell.broker.running:
            await asyncio.to_thread(self.cell.broker.stop)
            await asyncio.to_thread(self.cell.broker.start)
        if not self.cell.running:
            await asyncio.to_thread(self.cell.stop)
            self.cell.start()
        await self.cell.until_well()
