"""From a real outbox through a real uplink and a real broker into a real database, with everything dying on the way."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from powerctl.app.broker import BrokerName, find
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.core.record import CommandOutcome, CommandResult, Lane, Record, Telemetry
from powerctl.core.units import Power
from powerctl.runtime.permit import permit_key_to_wire, permit_of, permit_to_wire
from powerctl.wire.batch import encode_record
from tests.broker import Broker, running

from .station import STATION, Cloud, Station, cloud

pytestmark = pytest.mark.integration

RECORDS = 500
PERMITS = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    name: BrokerName = getattr(request, "param", "nats")
    try:
        find(name)
    except ConfigError as error:
        pytest.skip(error.why)
    with running(tmp_path, name) as started:
        yield started


@pytest.fixture
def station(tmp_path: Path, broker: Broker) -> Iterator[Station]:
    begun = Station(tmp_path, broker, permit_key=permit_key_to_wire(PERMITS.public_key()))
    yield begun
    begun.stop()


@pytest.fixture
async def served(tmp_path: Path, broker: Broker) -> AsyncIterator[Cloud]:
    async with cloud(tmp_path, broker) as begun:
        yield begun


def event(number: int) -> tuple[Lane, bytes]:
    """Every third record is billing, the others are live values; each is different."""
    now = datetime.now(UTC)
    if number % 3 == 0:
        body = CommandResult(f"unknown-{number}", CommandOutcome.ACCEPTED, "")
        return Lane.BILLING, encode_record(Record(now, body))
    return Lane.TELEMETRY, encode_record(Record(now, Telemetry(Power(float(number)), None, (), True)))


async def stored(served: Cloud) -> int:
    """How many of our records are in the database, of whose sequences none is missing; the uplink adds its own."""
    async with served.store.database.read() as connection:
        query = text("SELECT sequence, kind FROM records WHERE station = :s ORDER BY sequence")
        rows = (await connection.execute(query, {"s": STATION})).all()
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return sum(row.kind in {"CommandResult", "Telemetry"} for row in rows)


async def test_a_record_is_in_the_cloud_and_gone_from_the_station_within_a_second(
    station: Station, served: Cloud
) -> None:
    station.start()
    station.outbox.append(*event(1))
    await station.until_all_is_committed()
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(5):
        began = loop.time()
        station.outbox.append(*event(3))
        await station.until_all_is_committed()
        took.append(loop.time() - began)
    assert min(took) < 1.0
    assert await stored(served) == 6
    assert station.stop() == 0


async def _havoc(dice: random.Random, station: Station, served: Cloud) -> None:
    """Kill one thing, and start it again a little later."""
    match dice.choice(["uplink", "broker", "ingest"]):
        case "uplink":
            station.stop(signal.SIGKILL)
            station.start()
        case "broker":
            await asyncio.to_thread(served.broker.stop, signal.SIGKILL)
            await asyncio.sleep(dice.uniform(0.0, 0.5))
            await asyncio.to_thread(served.broker.start)
        case _:
            await served.stop()
            await asyncio.sleep(dice.uniform(0.0, 0.5))
            await served.start()


@pytest.mark.parametrize(
    ("broker", "seed"),
    [("nats", 1), ("mosquitto", 2), *(pytest.param("nats", seed, marks=pytest.mark.slow) for seed in range(3, 8))],
    indirect=["broker"],
)
async def test_nothing_is_lost_or_counted_twice_whatever_dies(station: Station, served: Cloud, seed: int) -> None:
    dice = random.Random(seed)
    station.start()
    station.outbox.append(*event(0))
    await station.until_all_is_committed()
    producing = asyncio.create_task(_produce(random.Random(seed), station))
    while not producing.done():
        await asyncio.sleep(dice.uniform(0.2, 1.2))
        await _havoc(dice, station, served)
    await station.until_all_is_committed()
    assert await stored(served) == RECORDS + 1


async def _produce(dice: random.Random, station: Station) -> None:
    """A controller that never pauses."""
    for number in range(RECORDS):
        station.outbox.append(*event(number))
        await asyncio.sleep(dice.uniform(0.0, 0.03))


async def test_a_command_arrives_once_and_its_answer_ends_it(station: Station, served: Cloud) -> None:
    station.start()
    station.outbox.append(*event(1))
    await station.until_all_is_committed()
    assert served.publisher is not None
    command = _command("c-1", life_s=30.0)
    # The link is as the broker that was taken over has it: everything is right but the permit.
    await served.publisher.publish(STATION, replace(command, command_id="forged"))
    await served.publisher.publish(STATION, command)
    await served.publisher.publish(STATION, command)
    taken = await station.commands()
    assert [(entry.command_id, entry.expire_time) for entry in taken] == [("c-1", command.expire_time)]
    answer = CommandResult("c-1", CommandOutcome.ACCEPTED, "")
    station.outbox.append(Lane.BILLING, encode_record(Record(datetime.now(UTC), answer)))
    await station.until_all_is_committed()
    assert station.mailbox.take() == []
    assert served.publisher._on_their_way == {}


async def test_a_command_that_could_not_be_delivered_in_time_never_arrives(station: Station, served: Cloud) -> None:
    assert served.publisher is not None
    await served.publisher.publish(STATION, _command("late", life_s=0.5))
    await asyncio.sleep(1.0)
    station.start()
    station.outbox.append(*event(1))
    await station.until_all_is_committed()
    await served.publisher.publish(STATION, _command("fresh", life_s=30.0))
    assert [entry.command_id for entry in await station.commands()] == ["fresh"]


def _command(name: str, life_s: float) -> StationCommand:
    action = StartCharging(SessionId("s-1"), ConnectorId(1))
    command = StationCommand(name, datetime.now(UTC) + timedelta(seconds=life_s), action)
    return replace(command, action=replace(action, permit=permit_to_wire(permit_of(STATION, command, action), PERMITS)))


async def test_health_and_metrics_tell_what_waits(station: Station, served: Cloud) -> None:
    station.start()
    station.outbox.append(*event(3))
    await station.until_all_is_committed()
    health = json.loads(await asyncio.to_thread(_get, station, "/healthz"))
    assert health["components"]["cloud"]["ok"]
    page = (await asyncio.to_thread(_get, station, "/metrics")).decode()
    assert "edge_uplink_connected 1.0" in page
    counted = re.search(r'edge_uplink_records_total\{event="committed"\} (\d+)', page)
    assert counted is not None
    assert int(counted.group(1)) >= 1


def _get(station: Station, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{station.http_port}{path}", timeout=5) as answer:
        content: bytes = answer.read()
        return content


async def test_a_wrong_certificate_file_is_for_the_operator(station: Station) -> None:
    station.config.write_text(station.config.read_text().replace("ST-1.key", "ST-2.key"))
    station.start()
    assert station._process is not None
    assert await asyncio.to_thread(station._process.wait, 20) == 2
    assert "uplink.broker.tls" in (station.folder / "uplink.log").read_text()
