"""What the back end asks of a station between protobuf and the domain, and the table of it.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.core.order import (
    DropReservation,
    EndFleetCap,
    KeepReservation,
    ResetConnector,
    SetFleetCap,
    StartCharging,
    StationAction,
    StationCommand,
    StopCharging,
    UnlockConnector,
    UploadBlackBox,
)
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.common import (
    STOP_REASON,
    duration_from_wire,
    duration_to_wire,
    number_from_wire,
    power_from_wire,
    time_from_wire,
    time_to_wire,
)
from powerctl.wire.ids import connector_from_wire, id_from_wire, session_from_wire

LONGEST_PERMIT: Final = 2_000
"""Characters."""
LONGEST_RETURN_S: Final = 1800.0
"""As the longest random delay that a driver may be exposed to (UK SI 2021/1467, regulation 11)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: a field of the protobuf message `StationCommand` and its domain twin."""

    field: str
    domain: type[StationAction]
    to_wire: Callable[[Any], Any]
    from_wire: Callable[[Any], StationAction]


def command_to_wire(command: StationCommand) -> pb.StationCommand:
    """`command` as a message."""
    kind = _BY_DOMAIN[type(command.action)]
    message = pb.StationCommand(command_id=command.command_id, expire_time=time_to_wire(command.expire_time))
    getattr(message, kind.field).CopyFrom(kind.to_wire(command.action))
    return message


def command_from_wire(message: pb.StationCommand) -> StationCommand:
    """The command in `message`.

    Raises:
        RemoteError: No id, no expiry, no action that this program knows, or a field is not acceptable.
    """
    if not message.HasField("expire_time"):
        raise RemoteError("command: no expiry")
    field = message.WhichOneof("action")
    if field is None:
        raise RemoteError("command: no action that this program knows")
    return StationCommand(
        command_id=id_from_wire(message.command_id, "command id"),
        expire_time=time_from_wire(message.expire_time, "command expiry"),
        action=_BY_FIELD[field].from_wire(getattr(message, field)),
    )


def _start_to_wire(action: StartCharging) -> pb.StartCharging:
    return pb.StartCharging(session=action.session, connector=action.connector, permit=action.permit)


def _start_from_wire(message: pb.StartCharging) -> StartCharging:
    if len(message.permit) > LONGEST_PERMIT:
        raise RemoteError(f"permit: {len(message.permit)} characters, at most {LONGEST_PERMIT} are taken")
    return StartCharging(session_from_wire(message.session), connector_from_wire(message.connector), message.permit)


def _stop_to_wire(action: StopCharging) -> pb.StopCharging:
    reason = STOP_REASON.to_wire(action.reason)
    return pb.StopCharging(session=action.session, connector=action.connector, reason=reason)


def _stop_from_wire(message: pb.StopCharging) -> StopCharging:
    reason = STOP_REASON.from_wire(message.reason)
    return StopCharging(session_from_wire(message.session), connector_from_wire(message.connector), reason)


def _keep_to_wire(action: KeepReservation) -> pb.KeepReservation:
    return pb.KeepReservation(
        reservation=action.reservation,
        connector=action.connector,
        start_time=time_to_wire(action.start_time),
        end_time=time_to_wire(action.end_time),
        power_w=action.power.w,
    )


def _keep_from_wire(message: pb.KeepReservation) -> KeepReservation:
    start, end = time_from_wire(message.start_time, "start"), time_from_wire(message.end_time, "end")
    if end <= start:
        raise RemoteError("reservation: ends before it begins")
    return KeepReservation(
        id_from_wire(message.reservation, "reservation"),
        connector_from_wire(message.connector),
        start,
        end,
        power_from_wire(message.power_w, "reserved power"),
    )


def _drop_to_wire(action: DropReservation) -> pb.DropReservation:
    return pb.DropReservation(reservation=action.reservation)


def _drop_from_wire(message: pb.DropReservation) -> DropReservation:
    return DropReservation(id_from_wire(message.reservation, "reservation"))


def _cap_to_wire(action: SetFleetCap) -> pb.SetFleetCap:
    message = pb.SetFleetCap(
        dispatch=action.dispatch,
        cap_w=action.cap.w,
        end_time=time_to_wire(action.end_time),
        return_within=duration_to_wire(action.return_within_s),
        ramp_up_w_s=action.ramp_up_w_s,
    )
    if action.start_time is not None:
        message.start_time.CopyFrom(time_to_wire(action.start_time))
    return message


def _cap_from_wire(message: pb.SetFleetCap) -> SetFleetCap:
    if not message.HasField("end_time"):
        raise RemoteError("fleet cap: no end")
    within_s = duration_from_wire(message.return_within, "return")
    return SetFleetCap(
        id_from_wire(message.dispatch, "dispatch"),
        power_from_wire(message.cap_w, "fleet cap"),
        time_from_wire(message.start_time, "start") if message.HasField("start_time") else None,
        time_from_wire(message.end_time, "end"),
        number_from_wire(within_s, "return", high=LONGEST_RETURN_S),
        number_from_wire(message.ramp_up_w_s, "ramp", high=1e8),
    )


def _end_to_wire(action: EndFleetCap) -> pb.EndFleetCap:
    return pb.EndFleetCap(dispatch=action.dispatch)


def _end_from_wire(message: pb.EndFleetCap) -> EndFleetCap:
    return EndFleetCap(id_from_wire(message.dispatch, "dispatch"))


def _unlock_to_wire(action: UnlockConnector) -> pb.UnlockConnector:
    return pb.UnlockConnector(connector=action.connector)


def _unlock_from_wire(message: pb.UnlockConnector) -> UnlockConnector:
    return UnlockConnector(connector_from_wire(message.connector))


def _reset_to_wire(action: ResetConnector) -> pb.ResetConnector:
    return pb.ResetConnector(connector=action.connector)


def _reset_from_wire(message: pb.ResetConnector) -> ResetConnector:
    return ResetConnector(connector_from_wire(message.connector))


def _upload_to_wire(action: UploadBlackBox) -> pb.UploadBlackBox:
    return pb.UploadBlackBox(upload=action.upload, session=action.session)


def _upload_from_wire(message: pb.UploadBlackBox) -> UploadBlackBox:
    session = session_from_wire(message.session) if message.session else ""
    return UploadBlackBox(id_from_wire(message.upload, "upload"), session)


KINDS: Final = (
    Kind("start_charging", StartCharging, _start_to_wire, _start_from_wire),
    Kind("stop_charging", StopCharging, _stop_to_wire, _stop_from_wire),
    Kind("keep_reservation", KeepReservation, _keep_to_wire, _keep_from_wire),
    Kind("drop_reservation", DropReservation, _drop_to_wire, _drop_from_wire),
    Kind("set_fleet_cap", SetFleetCap, _cap_to_wire, _cap_from_wire),
    Kind("end_fleet_cap", EndFleetCap, _end_to_wire, _end_from_wire),
    Kind("unlock_connector", UnlockConnector, _unlock_to_wire, _unlock_from_wire),
    Kind("reset_connector", ResetConnector, _reset_to_wire, _reset_from_wire),
    Kind("upload_black_box", UploadBlackBox, _upload_to_wire, _upload_from_wire),
)
_BY_DOMAIN: Final = {kind.domain: kind for kind in KINDS}
_BY_FIELD: Final = {kind.field: kind for kind in KINDS}
