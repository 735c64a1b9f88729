"""How far the station's clock can be trusted: who sets it, whether it has jumped, how far it is from the cloud's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from powerctl.core.clock import Clock
from powerctl.core.record import Record, SecurityEvent
from powerctl.runtime import log, metrics
from powerctl.runtime.clock_quality import Quality, clock_quality, kernel_offset_s
from powerctl.runtime.outbox import OutboxFull

LOOK_EVERY_S: Final = 5.0
JUMP_S: Final = 2.0
"""A time service moves a clock by less than this between two looks, unless it steps it."""

_log = log.get(__name__)


@dataclass(slots=True)
class Timekeeper:
    """Watches the clock.

    Args:
        clock: Both clocks: what one of them does and the other does not is a jump.
        append: Adds a record to the outbox.
        cloud_offset_s: Our clock ahead of the cloud's. None: not known.
        quality: What the operating system says about its clock.
        kernel_offset_s: What the time service still has to correct. None: there is none.
    """

    clock: Clock
    append: Callable[[Record], Awaitable[None]]
    cloud_offset_s: Callable[[], float | None]
    quality: Callable[[], Quality] = clock_quality
    kernel_offset_s: Callable[[], float | None] = kernel_offset_s
    _base_s: float | None = None

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    @property
    def offset_s(self) -> float | None:
        """Our clock ahead of its source: the time service, or the cloud where there is none. None: not known."""
        behind = self.kernel_offset_s()
        return self.cloud_offset_s() if behind is None else -behind

    async def look(self) -> None:
        """Look once."""
        base_s = self.clock.utc().timestamp() - self.clock.monotonic()
        jump_s = 0.0 if self._base_s is None else base_s - self._base_s
        self._base_s = base_s
        metrics.gauge("edge_clock_synchronised").set(self.quality() >= Quality.NTP)
        if (offset_s := self.offset_s) is not None:
            metrics.gauge("edge_clock_offset_seconds").set(offset_s)
        if abs(jump_s) >= JUMP_S:
            await self._tell(jump_s)

    async def _tell(self, jump_s: float) -> None:
        _log.error("time_jump", jump_s=round(jump_s, 3))
        now = self.clock.utc()
        try:
            await self.append(Record(now, SecurityEvent("time_jump", f"The clock was set by {jump_s:+.1f} s.", now)))
        except OutboxFull as error:
            _log.error("time_jump_not_stored", reason=str(error))
