from __future__ import annotations

from powerctl.core.ids import ConnectorId
from powerctl.dispatch.outbox import StreamOutbox
from powerctl.dispatch.records import UnstoredRecords
from powerctl.v1 import common_pb2 as common
from powerctl.v1 import dispatch_pb2 as pb

LEFT, RIGHT = ConnectorId(1), ConnectorId(2)


async def test_the_newest_setpoint_of_each_connector_wins() -> None:
    outbox = StreamOutbox()
    for sequence in range(1, 100):
        outbox.put_setpoint(LEFT, pb.Setpoint(connector=1, sequence=sequence))
        outbox.put_setpoint(RIGHT, pb.Setpoint(connector=2, sequence=sequence))
    assert [message.setpoint.sequence for message in await outbox.take()] == [99, 99]


async def test_setpoints_leave_before_limits_and_records() -> None:
    outbox = StreamOutbox()
    outbox.put_record(pb.ManagerRecord(record_id="r"))
    outbox.put_limits(common.StationLimits(cap_w=1.0))
    outbox.put_limits(common.StationLimits(cap_w=2.0))
    outbox.put_setpoint(LEFT, pb.Setpoint(connector=1))
    messages = await outbox.take()
    assert [message.WhichOneof("message") for message in messages] == ["setpoint", "station_limits", "manager_record"]
    assert messages[1].station_limits.cap_w == 2.0


async def test_an_alarm_reset_is_asked_once() -> None:
    outbox = StreamOutbox()
    outbox.put_alarm_reset()
    outbox.put_alarm_reset()
    outbox.put_setpoint(LEFT, pb.Setpoint(connector=1))
    assert [message.WhichOneof("message") for message in await outbox.take()] == ["setpoint", "alarm_reset"]
    outbox.put_setpoint(LEFT, pb.Setpoint(connector=1))
    assert [message.WhichOneof("message") for message in await outbox.take()] == ["setpoint"]


def test_a_record_is_kept_until_it_is_stored() -> None:
    records = UnstoredRecords()
    records.add(pb.ManagerRecord(record_id="a"))
    records.add(pb.ManagerRecord(record_id="b"))
    assert records.stored("a")
    assert not records.stored("a")
    assert [record.record_id for record in records.waiting()] == ["b"]


def test_when_nobody_stores_records_the_oldest_is_lost_and_counted() -> None:
    records = UnstoredRecords(capacity=2)
    for name in "abc":
        records.add(pb.ManagerRecord(record_id=name))
    assert ([record.record_id for record in records.waiting()], records.lost) == (["b", "c"], 1)
