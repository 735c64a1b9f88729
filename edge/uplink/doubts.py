"""What looks like an attack on the link: a broker that does not prove itself, or that refuses the station's topics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from powerctl.runtime import log, metrics
from powerctl.runtime.mqtt import CONNECTED, REFUSED, UNTRUSTED
from powerctl.runtime.outbox import OutboxFull

TELLS: Final = {
    UNTRUSTED: ("broker_not_trusted", "Who answers for the broker does not prove its name; nothing was said to it."),
    REFUSED: ("access_denied", "The broker refuses this station, or one of its topics."),
}
"""By the outcome of an attempt: code and sentence of the event."""
RETRY_S: Final = 10.0

_log = log.get(__name__)


class Doubts:
    """Turns outcomes of attempts to connect into security events: one of each kind until a connection stands.

    Args:
        alarm: Records an event; raises OutboxFull.
    """

    def __init__(self, alarm: Callable[[str, str], Awaitable[None]]) -> None:
        self._alarm = alarm
        self._told: set[str] = set()
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(len(TELLS))

    def attempted(self, outcome: str) -> None:
        """An attempt to connect has come to this."""
        metrics.counter("edge_uplink_connections_total").labels(outcome).inc()
        if outcome == CONNECTED:
            self._told.clear()
        elif outcome in TELLS and outcome not in self._told and not self._waiting.full():
            self._told.add(outcome)
            self._waiting.put_nowait(TELLS[outcome])

    async def run(self) -> NoReturn:
        """Record until cancelled."""
        while True:
            await self._insist(*await self._waiting.get())

    async def _insist(self, code: str, detail: str) -> None:
        while True:
            try:
                return await self._alarm(code, detail)
            except OutboxFull as error:
                _log.error("security_event_waits", code=code, reason=str(error))
                await asyncio.sleep(RETRY_S)
