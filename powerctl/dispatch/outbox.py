"""What waits to be written to one stream: bounded, newest first where only the newest matters."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Final

from powerctl.core.ids import ConnectorId
from powerctl.v1 import common_pb2 as common
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1 import uplink_pb2 as uplink

MOST_RESULTS: Final = 128


class StreamOutbox:
    """Messages for one stream. `put_*` never blocks: a slow peer sees fewer, newer messages."""

    def __init__(self) -> None:
        self._setpoints: OrderedDict[ConnectorId, pb.Setpoint] = OrderedDict()
        self._limits: common.StationLimits | None = None
        self._records: dict[str, pb.ManagerRecord] = {}
        self._alarm_reset = False
        self._results: deque[uplink.CommandResult] = deque(maxlen=MOST_RESULTS)
        self._ready = asyncio.Event()

    def put_setpoint(self, connector: ConnectorId, setpoint: pb.Setpoint) -> None:
        """Queue a setpoint; one that waits for the same connector gives way."""
        self._setpoints[connector] = setpoint
        self._ready.set()

    def put_limits(self, limits: common.StationLimits) -> None:
        """Queue the station's limits; older ones give way."""
        self._limits = limits
        self._ready.set()

    def put_record(self, record: pb.ManagerRecord) -> None:
        """Queue a record, once. As many may wait as `UnstoredRecords` keeps."""
        self._records[record.record_id] = record
        self._ready.set()

    def put_alarm_reset(self) -> None:
        """Queue a request to release latched faults, once."""
        self._alarm_reset = True
        self._ready.set()

    def put_result(self, result: uplink.CommandResult) -> None:
        """Queue what became of a command. Of too many the oldest is lost: the controller asks again."""
        self._results.append(result)
        self._ready.set()

    async def take(self) -> list[pb.ConnectResponse]:
        """Everything that waits, setpoints first. Waits until there is something."""
        await self._ready.wait()
        self._ready.clear()
        messages = [pb.ConnectResponse(setpoint=setpoint) for setpoint in self._setpoints.values()]
        if self._limits is not None:
            messages.append(pb.ConnectResponse(station_limits=self._limits))
        messages += [pb.ConnectResponse(manager_record=record) for record in self._records.values()]
        if self._alarm_reset:
            messages.append(pb.ConnectResponse(alarm_reset=pb.AlarmReset()))
        self._alarm_reset = False
        messages += [pb.ConnectResponse(command_result=result) for result in self._results]
        self._results.clear()
        self._setpoints.clear()
        self._limits = None
        self._records.clear()
        return messages
