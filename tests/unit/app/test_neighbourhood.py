"""Simulated neighbours: what they say, how their connectors change, what they answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import cast

from powerctl.app.demo.neighbourhood import REFUSAL, TURN_S, Neighbour, Speaker, answer, report, state_at
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId, SessionId, station_id
from powerctl.core.order import DropReservation, KeepReservation, StartCharging, StationAction, StationCommand
from powerctl.core.record import CommandOutcome, CommandResult, ConnectorStatusChanged, StationStarted, Telemetry
from powerctl.core.session import ConnectorState
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power
from powerctl.runtime.mqtt import Message, MqttLink
from powerctl.wire.batch import batch_from_wire, encode_command
from powerctl.wire.topics import Channel, topic

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
HANKO = Neighbour(
    station_id("sim-hanko"), "Hanko", "Pier", 59.8, 23.0, Power(11_000.0), (ConnectorType.CHADEMO, ConnectorType.CCS2)
)


@dataclass
class Broker:
    """Remembers what was published while it is up."""

    up: bool = True
    said: list[object] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def publish(self, name: str, payload: bytes) -> bool:
        if not self.up:
            return False
        for record in batch_from_wire(payload).records:
            body = record.parse().body
            channel = Channel.TELEMETRY if isinstance(body, Telemetry) else Channel.EVENTS
            assert name == topic(HANKO.station, channel)
            self.numbers.append(record.sequence)
            self.said.append(body)
        return True


def speaker(broker: Broker, clock: ManualClock) -> Speaker:
    return Speaker(HANKO, clock, epoch=7, link=cast(MqttLink, broker))


def command(action: StationAction) -> StationCommand:
    return StationCommand("c-1", NOON, action)


def test_it_introduces_itself_as_simulated_and_says_what_its_connectors_do() -> None:
    broker = Broker()
    speaker(broker, ManualClock(utc=NOON)).connected(state=True)
    started, *statuses, telemetry = broker.said
    assert isinstance(started, StationStarted)
    assert started.simulated
    assert [(plug.type, plug.position) for plug in started.connectors] == [
        (ConnectorType.CHADEMO, "left"),
        (ConnectorType.CCS2, "right"),
    ]
    assert [status.connector for status in statuses if isinstance(status, ConnectorStatusChanged)] == [1, 2]
    assert isinstance(telemetry, Telemetry)


def test_a_state_is_said_once_until_it_changes() -> None:
    broker, clock = Broker(), ManualClock(utc=NOON)
    one = speaker(broker, clock)
    one.connected(state=True)
    one.turn()
    before = len([body for body in broker.said if isinstance(body, ConnectorStatusChanged)])
    for _ in range(40):
        clock.advance(TURN_S / 2)
        one.turn()
    after = [body for body in broker.said if isinstance(body, ConnectorStatusChanged)][before:]
    assert before == 2
    assert after
    for number in (1, 2):
        states = [body.state for body in after if body.connector == number]
        assert all(first is not second for first, second in pairwise(states))


def test_what_could_not_be_sent_goes_later_in_its_order() -> None:
    broker, clock = Broker(up=False), ManualClock(utc=NOON)
    one = speaker(broker, clock)
    one.turn()
    broker.up = True
    one.turn()
    assert broker.numbers == sorted(set(broker.numbers))
    assert broker.numbers[0] == 1


def test_about_a_third_of_the_time_a_connector_is_in_use() -> None:
    states = Counter(state_at(HANKO.station, 1, turn * TURN_S) for turn in range(3_000))
    assert 0.28 < states[ConnectorState.CHARGING] / 3_000 < 0.38
    assert set(states) == {ConnectorState.CHARGING, ConnectorState.AVAILABLE}


def test_power_flows_where_somebody_charges_and_nowhere_else() -> None:
    for turn in range(50):
        values = report(HANKO, turn * TURN_S)
        for plug in values.connectors:
            assert (plug.power.w > 0) == (plug.state is ConnectorState.CHARGING)
        assert values.ac_power == Power(sum(plug.power.w for plug in values.connectors))


def test_reservations_are_kept_and_nobody_is_charged() -> None:
    keep = KeepReservation("r-1", ConnectorId(1), NOON, NOON, Power(5_000.0))
    assert answer(command(keep)) == CommandResult("c-1", CommandOutcome.ACCEPTED, "")
    assert answer(command(DropReservation("r-1"))).outcome is CommandOutcome.ACCEPTED
    start = StartCharging(SessionId("s-1"), ConnectorId(1))
    assert answer(command(start)) == CommandResult("c-1", CommandOutcome.REJECTED, REFUSAL)


def test_a_command_is_answered_and_noise_is_not() -> None:
    broker = Broker()
    one = speaker(broker, ManualClock(utc=NOON))
    place = topic(HANKO.station, Channel.COMMANDS)
    one.heard(Message(place, b"\xff noise", 1, 1))
    one.heard(Message(topic(HANKO.station, Channel.COMMITTED), b"", 2, 1))
    assert broker.said == []
    one.heard(Message(place, encode_command(command(DropReservation("r-1"))), 3, 1))
    assert broker.said == [CommandResult("c-1", CommandOutcome.ACCEPTED, "")]
