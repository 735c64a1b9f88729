"""Commands on their way: sent at once, and again until the station has answered or the command has expired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.ids import StationId
from powerctl.core.record import StationCommand
from powerctl.runtime import log, metrics
from powerctl.wire.batch import encode_command
from powerctl.wire.topics import Channel, topic

RESEND_S: Final = 5.0
LOOK_EVERY_S: Final = 0.25
CAPACITY: Final = 10_000
"""Commands that may be on their way; each is gone after its expiry."""

_log = log.get(__name__)


@dataclass(slots=True)
class _OnItsWay:
    station: StationId
    command: StationCommand
    due: Monotonic


class CommandPublisher:
    """Sends commands to stations.

    Args:
        send: Sends a message; False when there is no connection.
        clock: Both clocks.
    """

    def __init__(self, send: Callable[[str, bytes], bool], clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._send = send
        self._clock = clock
        self._capacity = capacity
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
                sent.due = after(now, RESEND_S)
                self._events.labels("sent").inc()

    async def run(self) -> NoReturn:
        """Send what is due until cancelled."""
        while True:
            self.send_due()
            await asyncio.sleep(LOOK_EVERY_S)
