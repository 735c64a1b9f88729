"""Stations for load and chaos: the real link and the real messages, the rest in memory, with a history to compare."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NoReturn

from powerctl.core.ids import SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.core.record import (
    Body,
    ClockStatus,
    CommandOutcome,
    CommandResult,
    MeterReading,
    Record,
    SessionClosed,
    SessionOpened,
    TransactionEnded,
    TransactionStarted,
    lane_of,
)
from powerctl.core.session import ConnectorState, StopReason
from powerctl.runtime.mqtt import Message, MqttLink, MqttSettings, Terms
from powerctl.wire.batch import batch_to_wire, committed_from_wire, decode_command, encode_record
from powerctl.wire.topics import DOWN, Channel, topic
from tests.unit.cloud.stories import LEFT, describes, live, says, telemetry

AT_ONCE: Final = 50
RESEND_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Charged:
    """A session that a station has ended, as its meter saw it."""

    session: SessionId
    begin_wh: int
    end_wh: int


@dataclass
class RoadsideStation:
    """A station that keeps what it sends until the cloud has committed it, and remembers everything for ever."""

    name: StationId
    settings: MqttSettings
    dice: random.Random
    epoch: int = field(default_factory=lambda: uuid.uuid4().int >> 65)
    history: dict[int, bytes] = field(default_factory=dict)
    """Everything it ever said, by sequence."""
    waiting: dict[int, bytes] = field(default_factory=dict)
    """What the cloud has not committed."""
    charged: list[Charged] = field(default_factory=list)
    commands: list[StationCommand] = field(default_factory=list)
    """Each command once."""
    register_wh: int = 1_000
    connections: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._heard: set[str] = set()
        terms = Terms(
            client_id=self.name,
            subscriptions=[topic(self.name, channel) for channel in DOWN],
            on_message=self._hear,
            on_state=self._is_up,
        )
        self.link = MqttLink(self.settings, terms, setting="test.mqtt")

    def tell(self, *bodies: Body) -> None:
        """Say something to the cloud."""
        fresh = {}
        for body in bodies:
            number = next(self._numbers)
            fresh[number] = encode_record(Record(datetime.now(UTC), body))
            self.history[number] = self.waiting[number] = fresh[number]
            if isinstance(body, TransactionStarted | TransactionEnded):
                self.register_wh = body.reading.register_wh
        self._send(fresh, bodies)

    def _send(self, records: dict[int, bytes], bodies: tuple[Body, ...] = ()) -> None:
        urgent = any(lane_of(body).name != "TELEMETRY" for body in bodies) or not bodies
        channel = Channel.EVENTS if urgent else Channel.TELEMETRY
        rows = list(records.items())
        for start in range(0, len(rows), AT_ONCE):
            self.link.publish(
                topic(self.name, channel), batch_to_wire(self.name, self.epoch, rows[start : start + AT_ONCE])
            )

    async def run(self) -> NoReturn:
        """Hold the link, and send again what the cloud has not committed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._insist())
            await self.link.run()

    async def _insist(self) -> NoReturn:
        while True:
            await asyncio.sleep(RESEND_S)
            if self.link.connected:
                self._send(dict(self.waiting))

    def _is_up(self, state: bool) -> None:
        if state:
            self.connections += 1
            self._send(dict(self.waiting))

    def _hear(self, message: Message) -> None:
        if message.topic == topic(self.name, Channel.COMMANDS):
            self._obey(decode_command(message.payload))
            return
        word = committed_from_wire(message.payload)
        if word.epoch == self.epoch:
            for first, last in word.ranges:
                for number in range(first, last + 1):
                    self.waiting.pop(number, None)

    def _obey(self, command: StationCommand) -> None:
        if command.command_id in self._heard:
            return
        self._heard.add(command.command_id)
        self.commands.append(command)
        self.tell(CommandResult(command.command_id, CommandOutcome.ACCEPTED, ""))
        if isinstance(command.action, StartCharging):
            reading = MeterReading(
                "M1", self.register_wh, datetime.now(UTC), valid=True, clock=ClockStatus.SYNCHRONISED
            )
            self.tell(TransactionStarted(command.action.session, LEFT, reading, command.command_id))

    async def charge(self, pause_s: float) -> None:
        """One session from the plug to the unplugging, with the meter's two readings."""
        session = SessionId(str(uuid.uuid4()))
        began, energy = datetime.now(UTC) - timedelta(minutes=10), self.dice.randint(100, 2_000)
        self.tell(SessionOpened(session, LEFT), says(ConnectorState.OCCUPIED, session=session))
        begin = MeterReading("M1", self.register_wh, began, valid=True, clock=ClockStatus.SYNCHRONISED)
        self.tell(TransactionStarted(session, LEFT, begin, ""))
        for step in range(1, 4):
            await asyncio.sleep(self.dice.uniform(0, pause_s))
            self.tell(telemetry(live(session=session, wh=energy * step / 4)))
        end = MeterReading(
            "M1", begin.register_wh + energy, began + timedelta(minutes=10), valid=True, clock=ClockStatus.SYNCHRONISED
        )
        self.tell(TransactionEnded(session, LEFT, end, StopReason.DRIVER, "", begin, begin.read_time, idle_s=0))
        self.tell(SessionClosed(session, LEFT), says(ConnectorState.AVAILABLE, session=None))
        self.charged.append(Charged(session, begin.register_wh, end.register_wh))

    async def live(self, pause_s: float = 0.3) -> NoReturn:
        """Describe itself, then charge one vehicle after the other, until cancelled."""
        self.tell(describes())
        while True:
            await self.charge(pause_s)
            await asyncio.sleep(self.dice.uniform(0, pause_s))
