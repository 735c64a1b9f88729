"""A station with a real outbox and a real uplink process behind a bad line, and the controller's part in memory."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from powerctl.core.ids import SessionId
from powerctl.core.order import StartCharging, StationCommand, StopCharging
from powerctl.core.record import (
    Body,
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
from powerctl.runtime.outbox import CommandEntry, OutboxFull
from powerctl.wire.batch import decode_command, encode_record
from tests.integration.link.station import Station
from tests.proxy import Proxy
from tests.unit.cloud.stories import LEFT, describes, live, says, telemetry

LOOK_S: Final = 0.1
WATT_HOURS: Final = 50
"""Between two telemetry messages."""


@dataclass(frozen=True, slots=True)
class Charged:
    """A session that the station has ended, as its meter saw it."""

    session: SessionId
    begin_wh: int
    end_wh: int


@dataclass
class Roadside:
    """One station: what its controller does, and everything that it ever said."""

    station: Station
    line: Proxy
    dice: random.Random
    history: dict[int, bytes] = field(default_factory=dict)
    charged: list[Charged] = field(default_factory=list)
    state: ConnectorState = ConnectorState.AVAILABLE
    refused: int = 0
    """What its full disk did not take: it never counts as said."""
    clock_offset: timedelta = timedelta(0)
    register_wh: int = 1_000
    _commands: list[StationCommand] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its id."""
        return self.station.name

    async def tell(self, *bodies: Body) -> None:
        """Write to the outbox; billing records are insisted on, as the controller does."""
        for body in bodies:
            payload = encode_record(Record(datetime.now(UTC) + self.clock_offset, body))
            while True:
                try:
                    number = await asyncio.to_thread(self.station.outbox.append, lane_of(body), payload)
                except OutboxFull:
                    self.refused += 1
                    if lane_of(body).name == "TELEMETRY":
                        break
                    await asyncio.sleep(0.2)
                else:
                    self.history[number] = payload
                    break

    async def supervise(self) -> NoReturn:
        """Start the uplink again when it has ended, as systemd does."""
        while True:
            if not self.station.running:
                await asyncio.to_thread(self.station.stop)
                self.station.start()
            await asyncio.sleep(0.5)

    async def plug_in(self) -> SessionId:
        """A vehicle arrives."""
        session = SessionId(str(uuid.uuid4()))
        await self.tell(SessionOpened(session, LEFT), says(ConnectorState.OCCUPIED, session=session))
        self.state = ConnectorState.OCCUPIED
        return session

    async def unplug(self, session: SessionId) -> None:
        """It leaves."""
        await self.tell(SessionClosed(session, LEFT), says(ConnectorState.AVAILABLE, session=None))
        self.state = ConnectorState.AVAILABLE

    async def command(self, session: SessionId, within_s: float) -> StationCommand | None:
        """The next command for this session that came in time; answers every command."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    for entry in await asyncio.to_thread(self._taken):
                        command = decode_command(entry.payload)
                        mine = isinstance(command.action, StartCharging | StopCharging)
                        late = entry.expire_time <= datetime.now(UTC)
                        outcome = CommandOutcome.EXPIRED if late else CommandOutcome.ACCEPTED
                        if not mine or getattr(command.action, "session", None) != session:
                            outcome = CommandOutcome.REJECTED
                        await self.tell(CommandResult(command.command_id, outcome, ""))
                        if outcome is CommandOutcome.ACCEPTED:
                            return command
                    await asyncio.sleep(LOOK_S)
        return None

    def _taken(self) -> list[CommandEntry]:
        """What is in the mailbox; while the disk is full it stays there, as at the controller."""
        try:
            return self.station.mailbox.take()
        except OutboxFull:
            self.refused += 1
            return []

    async def charge(self, session: SessionId, command_id: str, messages: int) -> None:
        """From the start to the end of metering; the driver's stop ends it early."""
        began = datetime.now(UTC)
        begin = MeterReading("M1", self.register_wh, began, valid=True)
        await self.tell(
            TransactionStarted(session, LEFT, begin, command_id), says(ConnectorState.CHARGING, session=session)
        )
        self.state = ConnectorState.CHARGING
        reason = StopReason.DRIVER
        for number in range(1, messages + 1):
            self.register_wh += WATT_HOURS
            await self.tell(telemetry(live(session=session, wh=float(number * WATT_HOURS))))
            command = await self.command(session, self.dice.uniform(0.1, 0.5))
            if command is not None and isinstance(command.action, StopCharging):
                break
        # Durations come from the monotonic clock: a step of the other one does not change what is billed.
        end = MeterReading("M1", self.register_wh, began + timedelta(minutes=messages), valid=True)
        await self.tell(TransactionEnded(session, LEFT, end, reason, "", begin, began, idle_s=0))
        self.charged.append(Charged(session, begin.register_wh, end.register_wh))

    def kill(self) -> None:
        """Kill the uplink; `supervise` starts it again."""
        self.station.stop(signal.SIGKILL)

    @contextlib.asynccontextmanager
    async def full_disk(self) -> AsyncIterator[None]:
        """Leave no room on the station's disk until the block ends."""
        filler = self.station.folder / "state" / "filler"
        await asyncio.to_thread(_fill, filler)
        try:
            yield
        finally:
            filler.unlink()


def _fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def introduce(roadside: Roadside) -> None:
    """The station says what it is."""
    await roadside.tell(describes(), says(ConnectorState.AVAILABLE, session=None))
