"""Ships records until the cloud has them, and hands its commands to the controller."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from edge.uplink.batches import batches
from edge.uplink.disk import Disk
from edge.uplink.hints import Hints
from edge.uplink.permits import NOT_PERMITTED, Gate
from edge.uplink.window import Window
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandOutcome, CommandResult, Lane, Record, SecurityEvent
from powerctl.runtime import log, metrics
from powerctl.runtime.mqtt import Message
from powerctl.runtime.outbox import Entry, OutboxFull
from powerctl.wire.batch import Committed, batch_to_wire, committed_from_wire, decode_command, ranges_of
from powerctl.wire.topics import Channel, topic

LOOK_EVERY_S: Final = 0.05
"""How often the outbox is looked at: a record leaves within a tenth of a second."""
GATHER_S: Final = 60.0
"""How long live values wait for each other on a weak link: a batch of a minute is a quarter of the bytes."""
REFUSE_EVERY_S: Final = 1.0
"""How often a command that is not believed is answered; the back end sends its own again every five seconds."""
INBOX: Final = 1_000
"""Messages of the cloud that may wait for the disk; the oldest gives way, for the cloud sends it again."""

_log = log.get(__name__)


class Shipper:
    """The station's end of the link.

    Args:
        station: Who we are.
        disk: What waits, and where commands go.
        clock: For the waits.
        publish: Sends a message; False when it was not sent.
        gate: Why a command is not believed, as a sentence, or None: it is. Called in a thread.
    """

    def __init__(
        self,
        station: StationId,
        disk: Disk,
        clock: Clock,
        publish: Callable[[str, bytes], bool] = lambda *_: False,
        *,
        gate: Gate = lambda _: None,
    ) -> None:
        self._gate = gate
        self._refused_at: Monotonic | None = None
        self._station = station
        self._disk = disk
        self._clock = clock
        self._publish = publish
        self._window = Window()
        self._connected = False
        self._look = True
        self._awake = asyncio.Event()
        self.weak = False
        self.hints = Hints()
        self.cloud_offset_s: float | None = None
        """Our clock ahead of the cloud's, the way of a message included. None: not known yet."""
        self._telemetry_at = clock.monotonic()
        self._inbox: deque[Message] = deque(maxlen=INBOX)
        self._records = metrics.counter("edge_uplink_records_total")
        self._commands = metrics.counter("edge_uplink_commands_total")

    def attach(self, publish: Callable[[str, bytes], bool]) -> None:
        """Send through `publish` from now on."""
        self._publish = publish

    def connected(self, state: bool) -> None:
        """Note that the connection is there, or is not."""
        self._connected = state
        if state:
            self._window.reconnected(self._clock.monotonic())
            self._look = True
            self._awake.set()

    def set_weak(self, weak: bool) -> None:
        """Note whether the link is weak: then live values are gathered and compressed."""
        self.weak, self._look = weak, True

    def received(self, message: Message) -> None:
        """Note a message of the cloud."""
        self._inbox.append(message)
        self._awake.set()

    async def run(self) -> NoReturn:
        """Ship until cancelled."""
        while True:
            await self.turn()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), LOOK_EVERY_S)
            self._awake.clear()

    async def turn(self) -> None:
        """Do what is to be done now: hear the cloud, send again what is overdue, send what is new."""
        while self._inbox:
            await self._hear(self._inbox.popleft())
        self._look = await self._disk.changed() or self._look
        if not self._connected:
            return
        self._send(self._window.due(self._clock.monotonic()), "sent_again")
        if (self._look or self._telemetry_is_due()) and self._window.room > 0:
            await self._send_new()

    async def _send_new(self) -> None:
        room = self._window.room
        pending = await self._disk.pending(room, frozenset(self._window.sequences))
        admitted = self._window.admit([one for one in pending if self._may_go(one)])
        self._look = len(pending) == room
        if admitted and not self._send(admitted, "sent"):
            self._look = True
        elif any(one.lane is Lane.TELEMETRY for one in admitted):
            self._telemetry_at = after(self._clock.monotonic(), self._gather_s)

    @property
    def _gather_s(self) -> float:
        """How long live values wait for each other; 0: not at all."""
        return max(GATHER_S if self.weak else 0.0, self.hints.gather_s(self._clock.monotonic()))

    def _telemetry_is_due(self) -> bool:
        """True when gathered live values have waited long enough."""
        return self._gather_s > 0 and self._clock.monotonic() >= self._telemetry_at

    def _may_go(self, entry: Entry) -> bool:
        return entry.lane is not Lane.TELEMETRY or self._gather_s == 0 or self._telemetry_is_due()

    def _send(self, entries: Sequence[Entry], event: str) -> bool:
        """Send `entries`; False when the connection does not take all of them."""
        for name, batch in batches(self._station, entries):
            rows = ((one.sequence, one.payload) for one in batch)
            data = batch_to_wire(self._station, self._disk.epoch, rows, compress=self.weak and len(batch) > 1)
            if not self._publish(name, data):
                return False
            self._window.sent(batch, self._clock.monotonic())
            self._records.labels(event).inc(len(batch))
        return True

    async def _hear(self, message: Message) -> None:
        try:
            if message.topic == topic(self._station, Channel.COMMITTED):
                await self._confirm(committed_from_wire(message.payload))
            elif message.topic == topic(self._station, Channel.COMMANDS):
                await self._accept(message.payload)
            else:
                raise RemoteError(f"topic {message.topic[:100]!r}: not for us")
        except RemoteError as error:
            self._commands.labels("refused").inc()
            _log.warning("message_refused", topic=message.topic[:100], reason=str(error))

    async def _confirm(self, word: Committed) -> None:
        """Delete what the cloud has committed."""
        now = self._clock.monotonic()
        before = self._gather_s
        self.hints.take(word.hint, now)
        self._look = self._look or self._gather_s < before
        if word.send_time is not None:
            self.cloud_offset_s = (self._clock.utc() - word.send_time).total_seconds()
        if word.epoch != self._disk.epoch:
            return
        sequences = self._window.confirmed(word.ranges)
        if sequences:
            await self._disk.delete(ranges_of(sequences))
            self._records.labels("committed").inc(len(sequences))
            self._look = True

    async def _accept(self, payload: bytes) -> None:
        """Hand a command that is believed to the controller, which refuses it when it is late; one that is known is
        dropped."""
        command = decode_command(payload)
        try:
            refusal = await asyncio.to_thread(self._gate, command)
            if refusal is not None:
                await self._refuse(command, refusal)
                return
            new = await self._disk.put(command)
        except (OutboxFull, ConfigError) as error:
            self._commands.labels("not_stored").inc()
            _log.error("command_not_stored", command=command.command_id, reason=str(error))
            return
        self._commands.labels("stored" if new else "known").inc()
        if new:
            _log.info("command_received", command=command.command_id, action=type(command.action).__name__)

    async def _refuse(self, command: StationCommand, refusal: str) -> None:
        """Answer a command that is not believed, and raise an alarm; once in a while only, for the disk's sake."""
        self._commands.labels("refused").inc()
        _log.warning("command_not_believed", command=command.command_id, reason=refusal)
        now = self._clock.monotonic()
        if self._refused_at is not None and now - self._refused_at < REFUSE_EVERY_S:
            return
        self._refused_at, utc = now, self._clock.utc()
        detail = f"{refusal} Command {command.command_id}."
        await self._disk.append(Record(utc, CommandResult(command.command_id, CommandOutcome.REJECTED, refusal)))
        await self._disk.append(Record(utc, SecurityEvent(NOT_PERMITTED, detail, utc)))
