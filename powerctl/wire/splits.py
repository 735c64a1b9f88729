"""How a cabinet's power can be divided, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.wire.common import power_from_wire
from powerctl.wire.ids import connector_from_wire

MOST_SPLITS: Final = 1024
MOST_CONNECTORS: Final = 64


def splits_to_wire(report: StationReport, message: pb.Report) -> None:
    """Fill in what `report` says of divisions."""
    for split in report.possible_splits:
        powers = [pb.ConnectorPower(connector=number, max_power_w=power.w) for number, power in split.items()]
        message.possible_splits.append(pb.PowerSplit(connectors=powers))
    if report.switch_s is not None:
        message.switch_s = report.switch_s


def splits_from_wire(message: pb.Report) -> tuple[Mapping[ConnectorId, Power], ...]:
    """The divisions in `message`.

    Raises:
        RemoteError: There are too many, or one names a connector twice.
    """
    if len(message.possible_splits) > MOST_SPLITS:
        raise RemoteError(f"{len(message.possible_splits)} divisions of power: too many")
    return tuple(_split(split) for split in message.possible_splits)


def _split(message: pb.PowerSplit) -> Mapping[ConnectorId, Power]:
    if len(message.connectors) > MOST_CONNECTORS:
        raise RemoteError(f"{len(message.connectors)} connectors in a division of power: too many")
    split = {
        connector_from_wire(entry.connector): power_from_wire(entry.max_power_w, "power")
        for entry in message.connectors
    }
    if len(split) != len(message.connectors):
        raise RemoteError("a division of power names a connector twice")
    return split
