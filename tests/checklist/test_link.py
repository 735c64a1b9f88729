"""What travels between a station and the cloud: once, fresh, sparingly, and from whom it says."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.check import inspect
from cloud.store import audit
from edge.uplink.disk import Disk
from edge.uplink.shipper import GATHER_S, Shipper
from powerctl.core.clock import ManualClock
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.core.record import Lane, Record, SecurityEvent, lane_of
from powerctl.runtime.outbox import Draft, Outbox
from powerctl.v1 import uplink_pb2
from powerctl.wire.batch import MAX_MESSAGE_BYTES, batch_from_wire, batch_to_wire, encode_record
from powerctl.wire.topics import Channel, topic
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import NOON, STATION, describes, live, telemetry
from tests.unit.wire.strategies import RECORDS

ST_1, ST_2 = StationId("ST-1"), StationId("ST-2")
LIVE = encode_record(Record(NOON, telemetry(live(wh=1_000.0), live(wh=2_000.0))))


@given(st.lists(RECORDS, min_size=1, max_size=8))
def test_compressed_records_are_the_same_records(records: list[Record]) -> None:
    rows = [(number, encode_record(record)) for number, record in enumerate(records, 1)]
    plain, packed = (batch_from_wire(batch_to_wire(ST_1, 7, rows, compress=packed)) for packed in (False, True))
    assert plain == packed


def test_a_minute_of_live_values_is_a_quarter_of_the_bytes_on_a_weak_link() -> None:
    rows = [
        (number, encode_record(Record(NOON, telemetry(live(kw=5 + number / 10, wh=10.0 * number)))))
        for number in range(1, 61)
    ]
    one_by_one = sum(len(batch_to_wire(ST_1, 7, [row])) for row in rows)
    assert len(batch_to_wire(ST_1, 7, rows, compress=True)) < one_by_one / 4


@pytest.mark.parametrize("content", [b"no zlib", zlib.compress(b"\x1a\x00" * 5_000_000), zlib.compress(b"\xff")[:-2]])
def test_row_25_compressed_records_take_no_memory_and_break_nothing(content: bytes) -> None:
    batch = uplink_pb2.RecordBatch(station=ST_1, epoch=1, compressed_records=content)
    assert batch.ByteSize() < MAX_MESSAGE_BYTES
    with pytest.raises(RemoteError):
        batch_from_wire(batch.SerializeToString())


class Ship:
    """A shipper over a real outbox."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.outbox = Outbox(folder / "outbox.sqlite")
        self.disk = Disk(folder / "outbox.sqlite")
        self.sent: list[tuple[str, bytes]] = []
        self.shipper = Shipper(ST_1, self.disk, self.clock, self._publish)
        self.shipper.connected(True)

    def _publish(self, name: str, data: bytes) -> bool:
        self.sent.append((name, data))
        return True

    def close(self) -> None:
        self.disk.close()
        self.outbox.close()


async def test_a_weak_link_gathers_live_values_and_lets_everything_else_go_at_once(tmp_path: Path) -> None:
    ship = Ship(tmp_path)
    with contextlib.closing(ship):
        ship.shipper.set_weak(True)
        await ship.shipper.turn()
        ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)])
        await ship.shipper.turn()
        assert len(ship.sent) == 1
        for _ in range(30):
            ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)])
            ship.clock.advance(1)
            await ship.shipper.turn()
        ship.outbox.append_all([Draft(Lane.BILLING, LIVE)])
        await ship.shipper.turn()
        first = ship.sent[0][1]
        fresh = [name for name, data in ship.sent if data != first]
        assert topic(ST_1, Channel.EVENTS) in fresh
        assert topic(ST_1, Channel.TELEMETRY) not in fresh
        ship.clock.advance(GATHER_S)
        await ship.shipper.turn()
        name, data = ship.sent[-1]
        assert name == topic(ST_1, Channel.TELEMETRY)
        assert uplink_pb2.RecordBatch.FromString(data).compressed_records
        assert len(batch_from_wire(data).records) >= 30


async def test_row_4_a_station_that_speaks_for_another_is_refused() -> None:
    forged = batch_to_wire(ST_2, 1, [(1, LIVE)])
    with pytest.raises(RemoteError, match="speaks for"):
        inspect(topic(ST_1, Channel.TELEMETRY), forged)


async def entries(api: Cloud) -> list[Any]:
    async with api.world.store.database.read() as connection:
        found, _ = await audit.page(connection, before=None, size=100)
    return found


async def test_row_5_two_stations_with_one_identity_raise_an_alarm_once(api: Cloud) -> None:
    world = api.world
    for turn in range(10):
        await world.commits([world.entry(telemetry(live()))], epoch=1 + turn % 2)
        world.clock.advance(5)
    alarms = [one for one in await entries(api) if one.method == "station/duplicate_identity"]
    assert [(one.user, one.result) for one in alarms] == [(STATION, "alarm")]


async def test_row_5_an_outbox_that_was_replaced_is_no_alarm(api: Cloud) -> None:
    world = api.world
    for epoch in (1, 1, 2, 1, 2, 2, 2, 3):
        await world.commits([world.entry(telemetry(live()))], epoch=epoch)
        world.clock.advance(1)
    assert not await entries(api)


async def test_row_27_a_record_counts_once_whatever_is_played_again(api: Cloud) -> None:
    world = api.world
    played = [world.entry(describes()), world.entry(telemetry(live()))]
    first = await world.commits(played)
    again = await world.commits(played)
    assert (first.duplicates, again.duplicates) == (0, 2)
    changed = [world.entry(telemetry(live(wh=9e9)), sequence=played[1].sequence)]
    assert (await world.commits(changed)).conflicts == [played[1].sequence]


async def test_row_47_what_a_station_sees_of_an_attack_arrives_once_and_in_order(api: Cloud) -> None:
    world = api.world
    bodies = [SecurityEvent(code, "", NOON) for code in ("certificate_rolled_back", "time_jump", "tamper")]
    assert {lane_of(body) for body in bodies} == {Lane.BILLING}
    reported = [world.entry(body) for body in bodies]
    await world.commits(reported)
    await world.commits(reported)
    codes = [one.method for one in reversed(await entries(api))]
    assert codes == ["station/certificate_rolled_back", "station/time_jump", "station/tamper"]


async def test_row_47_the_uplink_writes_its_own_events_where_they_survive(tmp_path: Path) -> None:
    ship = Ship(tmp_path)
    with contextlib.closing(ship):
        await ship.disk.append(Record(NOON, SecurityEvent("tamper", "", NOON)))
        assert ship.outbox.depth()[Lane.BILLING] == 1
        await ship.shipper.turn()
        assert ship.sent
