"""Commands on their way: sent at once, and again until the station has answered or the command has expired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, NoReturn

from cloud.ingest.ports import StoreUnavailable
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.ids import StationId
from powerctl.core.order import StationCommand
from powerctl.runtime import log, metrics
from powerctl.wire.batch import encode_command
from powerctl.wire.topics import Channel, topic

RESEND_S: Final = 5.0
LOOK_EVERY_S: Final = 0.25
CAPACITY: Final = 10_000
"""Commands that may be on their way; each is gone after its expiry."""

Settled = Callable[[Collection[str]], Awaitable[Collection[str]]]

_log = log.get(__name__)


@dataclass(slots=True)
class _OnItsWay:
    station: StationId
    command: StationCommand
    due: Monotonic
    tried: bool = False


class CommandPublisher:
    """Sends commands to stations.

    Args:
        send: Sends a message; False when there is no connection.
        clock: Both clocks.
        settled: Of these commands, those that a station has answered to another replica.
    """

    def __init__(
        self,
        send: Callable[[str, bytes], bool],
        clock: Clock,
        *,
        capacity: int = CAPACITY,
        settled: Settled | None = None,
    ) -> None:
        self._send = send
        self._clock = clock
        self._capacity = capacity
        self._settled = settled
        self._on_their_way: dict[str, _OnItsWay] = {}
        self._events = metrics.counter("cloud_commands_total")

    async def publish(self, station: StationId, command: StationCommand) -> None:
        """Send `command`, and again until it is answered or has expired. The same one twice is one."""
        if len(self._on_their_way) >= self._capacity:
            self._events.labels("given_up").inc()
            _log.error("command_given_up", station=station, command=command.command_id)
            return
        sent = _OnItsWay(station, command, self._clock.monotonic())
        self._on_their_way.setdefault(command.command_id, sent)
        self.send_due()

    def answered(self, command_id: str) -> None:
        """Note that the station has answered. An unknown id is nobody's fault: another replica has sent it."""
        if self._on_their_way.pop(command_id, None) is not None:
            self._events.labels("answered").inc()

    def send_due(self) -> None:
        """Send what is due, and forget what has expired."""
        now, utc = self._clock.monotonic(), self._clock.utc()
        for command_id, sent in list(self._on_their_way.items()):
            if sent.command.expire_time <= utc:
                del self._on_their_way[command_id]
                self._events.labels("expired").inc()
            elif sent.due <= now and self._send(topic(sent.station, Channel.COMMANDS), encode_command(sent.command)):
                sent.due, sent.tried = after(now, RESEND_S), True
                self._events.labels("sent").inc()

    async def run(self) -> NoReturn:
        """Send what is due until cancelled."""
        while True:
            await self._hear_of_others()
            self.send_due()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _hear_of_others(self) -> None:
        """Before anything is sent again, ask whether it was answered to another replica."""
        now = self._clock.monotonic()
        again = [number for number, sent in self._on_their_way.items() if sent.tried and sent.due <= now]
        if self._settled is None or not again:
            return
        try:
            for command_id in await self._settled(again):
                self.answered(command_id)
        except StoreUnavailable as error:
            _log.warning("answers_not_known", reason=str(error))
