"""Simulated stations around a real one, for a map that is worth looking at: they report, and sell nothing.

Each speaks to the broker with a certificate of its own, as every station does, and says that it is simulated. Nobody
plugs in at them: their connectors change between free and in use by the clock. They keep reservations, because those
need no vehicle, and refuse everything else.

    python -m powerctl.app.demo.neighbourhood SETTINGS.json
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import secrets
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from powerctl.core.clock import Clock
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, StationId, station_id
from powerctl.core.order import DropReservation, KeepReservation, StationCommand
from powerctl.core.record import (
    Body,
    CommandOutcome,
    CommandResult,
    ConnectorDescription,
    ConnectorStatusChanged,
    ConnectorTelemetry,
    Record,
    StationStarted,
    Telemetry,
)
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Current, Energy, Power, Voltage
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.mqtt import Message, MqttLink, MqttSettings, Terms
from powerctl.runtime.service import run_service
from powerctl.wire.batch import batch_to_wire, decode_command, encode_record
from powerctl.wire.topics import Channel, topic

REPORT_EVERY_S: Final = 20.0
TURN_S: Final = 300.0
"""About so long a connector is free or in use."""
REFUSAL: Final = "A simulated neighbour: no vehicle can be charged here."
VOLTAGE: Final = Voltage(380.0)
MOST_WAITING: Final = 200
"""Records that wait for a connection; the oldest gives way, for the newest says how things are."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One simulated station."""

    station: StationId
    display_name: str
    address: str
    latitude: float
    longitude: float
    power: Power
    types: tuple[ConnectorType, ...]
    """From left to right."""


def state_at(station: StationId, connector: int, seconds: float) -> ConnectorState:
    """What the connector does at this time: the same at every run, and different at every connector."""
    turn = int((seconds + zlib.crc32(f"{station}/{connector}".encode()) % TURN_S) // TURN_S)
    busy = zlib.crc32(f"{station}/{connector}/{turn}".encode()) % 3 == 0
    return ConnectorState.CHARGING if busy else ConnectorState.AVAILABLE


def describes(one: Neighbour, boot_id: str) -> StationStarted:
    """What the station says of itself."""
    places = ("left", "right")
    plugs = tuple(
        ConnectorDescription(ConnectorId(number), kind, one.power, place)
        for number, (kind, place) in enumerate(zip(one.types, places, strict=False), 1)
    )
    return StationStarted(
        boot_id, "simulated", plugs, one.display_name, one.address, one.latitude, one.longitude, simulated=True
    )


def report(one: Neighbour, seconds: float) -> Telemetry:
    """Live values at this time."""
    plugs = tuple(_live(one, number, seconds) for number in range(1, len(one.types) + 1))
    return Telemetry(Power(sum(plug.power.w for plug in plugs)), None, plugs, manager_connected=True)


def _live(one: Neighbour, number: int, seconds: float) -> ConnectorTelemetry:
    state = state_at(one.station, number, seconds)
    power = Power(one.power.w / 2) if state is ConnectorState.CHARGING else Power(0.0)
    return ConnectorTelemetry(
        connector=ConnectorId(number),
        session=None,
        state=state,
        voltage=VOLTAGE if power.w else Voltage(0.0),
        current=power.at(VOLTAGE) if power.w else Current(0.0),
        power=power,
        soc_percent=None,
        session_energy=Energy(0.0),
        limit=Power(one.power.w / 2),
        reasons=(),
        target=power,
        command=Command.RUN,
        remaining_s=None,
    )


def answer(command: StationCommand) -> CommandResult:
    """Reservations are kept; nothing else can be done here."""
    if isinstance(command.action, KeepReservation | DropReservation):
        return CommandResult(command.command_id, CommandOutcome.ACCEPTED, "")
    return CommandResult(command.command_id, CommandOutcome.REJECTED, REFUSAL)


@dataclass(slots=True)
class Speaker:
    """One neighbour at the broker."""

    neighbour: Neighbour
    clock: Clock
    epoch: int
    link: MqttLink | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _waiting: deque[tuple[int, Body]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    _said: dict[int, ConnectorState] = field(default_factory=dict)

    def connected(self, state: bool) -> None:
        """Say everything anew at every connection: records are not kept here."""
        if state:
            self._said.clear()
            self._say(describes(self.neighbour, f"{self.epoch:x}"))
            self.turn()

    def heard(self, message: Message) -> None:
        """Answer a command; anything else is nothing to a station that keeps no records."""
        if message.topic == topic(self.neighbour.station, Channel.COMMANDS):
            try:
                self._say(answer(decode_command(message.payload)))
            except RemoteError:
                return

    def turn(self) -> None:
        """Report states that have changed, and live values."""
        now = self.clock.utc().timestamp()
        for number in range(1, len(self.neighbour.types) + 1):
            state = state_at(self.neighbour.station, number, now)
            if self._said.get(number) is not state:
                self._said[number] = state
                self._say(ConnectorStatusChanged(ConnectorId(number), state, None, ""))
        self._say(report(self.neighbour, now))

    def _say(self, body: Body) -> None:
        self._waiting.append((next(self._numbers), body))
        while self._waiting and self._send(*self._waiting[0]):
            self._waiting.popleft()

    def _send(self, number: int, body: Body) -> bool:
        channel = Channel.TELEMETRY if isinstance(body, Telemetry) else Channel.EVENTS
        station = self.neighbour.station
        rows = ((number, encode_record(Record(self.clock.utc(), body))),)
        return self.link is not None and self.link.publish(
            topic(station, channel), batch_to_wire(station, self.epoch, rows)
        )

    async def run(self) -> NoReturn:
        """Report for ever."""
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self.turn()


def neighbours(table: Sequence[dict[str, Any]]) -> list[tuple[Neighbour, MqttSettings]]:
    """What a settings file says."""
    return [(_neighbour(row), MqttSettings(**row["broker"])) for row in table]


def _neighbour(row: dict[str, Any]) -> Neighbour:
    types = tuple(ConnectorType(kind) for kind in row["types"])
    power = Power(float(row["power_w"]))
    place = (float(row["latitude"]), float(row["longitude"]))
    return Neighbour(station_id(row["station"]), row["display_name"], row["address"], *place, power, types)


async def run(known: Sequence[tuple[Neighbour, MqttSettings]]) -> None:
    """Play every neighbour until SIGTERM."""
    tasks = []
    for one, settings in known:
        speaker = Speaker(one, SystemClock(), secrets.randbits(62))
        down = [topic(one.station, Channel.COMMITTED), topic(one.station, Channel.COMMANDS)]
        terms = Terms(one.station, down, speaker.heard, speaker.connected)
        speaker.link = MqttLink(settings, terms, setting="broker")
        tasks += [speaker.link.run(), speaker.run()]
    await run_service("neighbours", *tasks)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", type=Path)
    settings: Path = parser.parse_args().settings
    asyncio.run(run(neighbours(json.loads(settings.read_text()))))


if __name__ == "__main__":
    main()
