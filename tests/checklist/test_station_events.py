"""What a station sees of attacks, from the trigger to the operator: at once, also offline; once, and in order."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloud.domain.alarm import STATION
from cloud.ingest.check import inspect
from cloud.ingest.ports import StationBatch
from cloud.store import alarms, audit
from cloud.store.migrate import migrate
from edge.control.door import OPENED, DoorWatch
from edge.hardware.door import LINE, WiredDoor
from edge.hardware.lines import MemoryLines
from edge.update.manifest import Refused
from edge.update.slots import Slots
from edge.uplink.doubts import TELLS, Doubts
from edge.uplink.timekeeping import Timekeeper
from powerctl.core.record import Body, Lane, Record, SecurityEvent
from powerctl.runtime.clock_quality import Quality
from powerctl.runtime.mqtt import CONNECTED, REFUSED, UNTRUSTED
from powerctl.runtime.outbox import Draft, OutboxFull
from powerctl.wire.batch import decode_record, encode_record
from tests.checklist.test_link import Ship
from tests.checklist.test_station_link import LIVE, deliver
from tests.checklist.vendor import Vendor, flipped
from tests.integration.edge.site import Site, running
from tests.unit.cloud.stories import NOON
from tests.unit.cloud.world import World, world


@pytest.fixture
def ship(tmp_path: Path) -> Iterator[Ship]:
    made = Ship(tmp_path)
    with contextlib.closing(made):
        made.shipper.connected(False)
        yield made


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(f"sqlite:///{tmp_path / 'cloud.db'}") as made:
        await migrate(made.store.database)
        yield made


async def seen(here: World) -> tuple[list[str], set[str]]:
    """Codes in the audit log, oldest first, and of alarms."""
    async with here.store.database.read() as connection:
        entries, _ = await audit.page(connection, before=None, size=100)
        found, _ = await alarms.page(connection, stations=None, ended=False, before=None, size=100)
    assert {alarm.connector for alarm in found} <= {STATION}
    return [one.method.removeprefix("station/") for one in reversed(entries)], {alarm.code for alarm in found}


async def test_row_36_a_door_opened_offline_is_stored_at_once_and_an_alarm_later(ship: Ship, here: World) -> None:
    wires = MemoryLines([LINE])

    def record(body: Body) -> None:
        ship.outbox.append(Lane.BILLING, encode_record(Record(ship.clock.utc(), body)))

    watch = DoorWatch(WiredDoor(wires), record, ship.clock)
    watch.look()
    wires.show(door_station=True)
    watch.look()
    opened_at = ship.clock.utc()
    assert ship.outbox.depth()[Lane.BILLING] == 1
    ship.clock.advance(72 * 3600)
    await ship.shipper.turn()
    assert not ship.sent
    here.clock.step_utc((ship.clock.utc() - here.clock.utc()).total_seconds())
    await deliver(ship, here, random.Random(36))
    assert await seen(here) == ([OPENED], {OPENED})
    sent = [record.record.body for name, data in ship.sent for record in inspect(name, data).good]
    assert {body.event_time for body in sent if isinstance(body, SecurityEvent)} <= {opened_at}


class OpenDoor(Site):
    """A station whose plant says that the door is open."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b'{"door": 1}\n')
                await writer.drain()
                await asyncio.sleep(0.1)


@pytest.mark.integration
async def test_row_36_and_47_the_running_controller_tells_its_start_and_its_door(tmp_path: Path) -> None:
    site = OpenDoor(tmp_path)
    server = await asyncio.start_server(site.serve, "127.0.0.1", site.plant_port)
    async with server, running(site):
        await site.until(lambda: len(site.records(SecurityEvent)) >= 2, 30)
        assert [event.code for event in site.records(SecurityEvent)] == ["controller_started", OPENED]


async def _see_all(ship: Ship, folder: Path, vendor: Vendor) -> list[str]:
    """Every trigger, one after the other; returns their codes."""

    async def alarm(code: str, detail: str) -> None:
        await ship.disk.append(Record(ship.clock.utc(), SecurityEvent(code, detail, ship.clock.utc())))

    def report(code: str, detail: str) -> None:
        event = SecurityEvent(code, detail, ship.clock.utc())
        ship.outbox.append(Lane.BILLING, encode_record(Record(ship.clock.utc(), event)))

    doubts = Doubts(alarm)
    recording = asyncio.create_task(doubts.run())
    for outcome in (UNTRUSTED, REFUSED):
        for _ in range(3):
            doubts.attempted(outcome)
        while ship.outbox.depth()[Lane.BILLING] < 1 + (outcome == REFUSED):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the disk has a thread of its own
    recording.cancel()
    keeper = Timekeeper(ship.clock, ship.disk.append, lambda: None, lambda: Quality.NTP, lambda: 0.0)
    await keeper.look()
    ship.clock.step_utc(3600)
    await keeper.look()
    bundle = flipped(vendor.release(1), 200)
    (folder / "slots").mkdir()
    with pytest.raises(Refused):
        Slots(folder / "slots", report).install(bundle, [vendor.public])
    report("controller_started", "Boot 1.")
    wires = MemoryLines([LINE])
    wires.show(door_station=True)
    DoorWatch(WiredDoor(wires), lambda body: report(getattr(body, "code", ""), ""), ship.clock).look()
    return ["broker_not_trusted", "access_denied", "time_jump", "update_rejected", "controller_started", OPENED]


async def test_row_47_every_trigger_arrives_once_and_in_order_before_live_values(
    ship: Ship, here: World, tmp_path: Path
) -> None:
    ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)] * 500)
    codes = await _see_all(ship, tmp_path, Vendor(tmp_path / "vendor"))
    first = ship.outbox.pending(limit=len(codes))
    assert {entry.lane for entry in first} == {Lane.BILLING}
    assert [getattr(decode_record(entry.payload).body, "code", "") for entry in first] == codes
    began = ship.clock.monotonic()
    arrived = await deliver(ship, here, random.Random(47))
    assert max(arrived.values()) > 1, "nothing was sent twice: the link lost nothing"
    assert ship.clock.monotonic() - began <= 60
    assert await seen(here) == (codes, set(codes) - {"controller_started"})


async def test_row_47_a_broker_that_is_not_trusted_is_told_once_until_a_connection_stands() -> None:
    told: list[str] = []
    full = [True]

    async def alarm(code: str, detail: str) -> None:
        if full:
            full.clear()
            raise OutboxFull("no room")
        told.append(code)

    doubts = Doubts(alarm)
    for outcome in (UNTRUSTED, UNTRUSTED, "failed", CONNECTED, UNTRUSTED):
        doubts.attempted(outcome)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("edge.uplink.doubts.RETRY_S", 0.0)
        running_ = asyncio.create_task(doubts.run())
        async with asyncio.timeout(30):
            while len(told) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
        running_.cancel()
    assert told == [TELLS[UNTRUSTED][0]] * 2


async def test_row_47_the_cloud_acknowledges_every_event_only_after_it_is_stored(here: World) -> None:
    event = SecurityEvent(OPENED, "", NOON)
    entry = here.entry(event)
    batch = StationBatch("ST-1", 1, [entry])  # type: ignore[arg-type]
    await here.store.commit([batch])
    await here.store.commit([batch])
    assert await seen(here) == ([OPENED], {OPENED})
