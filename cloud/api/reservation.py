"""ReservationService: connectors kept for drivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.reserving import Reserving, Window
from cloud.api.session import only
from cloud.domain.refusal import Refusal, Why
from cloud.domain.reservation import Reservation, ReservationState
from cloud.store import reservations
from cloud.store.store import Store
from powerctl.core.units import Power
from powerctl.v1 import reservation_pb2 as pb
from powerctl.wire.common import EnumCodec, time_from_wire, time_to_wire

STATE: Final = EnumCodec(ReservationState, pb.ReservationState, "RESERVATION_STATE")


@dataclass(frozen=True, slots=True)
class ReservationService:
    """Reads, makes and cancels reservations."""

    store: Store
    reserving: Reserving

    async def create_reservation(self, request: pb.CreateReservationRequest, call: Call) -> pb.Reservation:
        """Keeps a connector for the caller."""
        station, connector = names.parse_connector(request.connector)
        if not 0 <= request.power_w <= 1e6:
            raise Refusal(Why.INVALID_ARGUMENT, "power_w must be a number of watts.")
        window = Window(
            station,
            connector,
            time_from_wire(request.start_time, "start_time"),
            time_from_wire(request.end_time, "end_time"),
            Power(request.power_w),
        )
        return _encoded(await self.reserving.create(window, request.request_id, call.caller()))

    async def get_reservation(self, request: pb.GetReservationRequest, call: Call) -> pb.Reservation:
        """One reservation; another driver's does not exist for the caller."""
        name = names.parse_reservation(request.name)
        async with self.store.database.read() as connection:
            found = await reservations.load(connection, name)
        if found is None or not call.caller().sees(found.user, found.station):
            raise Refusal(Why.NOT_FOUND, f"There is no reservation {request.name}.")
        return _encoded(found)

    async def list_reservations(self, request: pb.ListReservationsRequest, call: Call) -> pb.ListReservationsResponse:
        """Reservations, the latest window first, as far as the caller may see them."""
        before, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        caller = call.caller()
        async with self.store.database.read() as connection:
            found, following = await reservations.page(
                connection, user=only(caller), stations=caller.stations, before=before, size=size
            )
        encoded = [_encoded(one) for one in found]
        return pb.ListReservationsResponse(reservations=encoded, next_page_token=paging.token_of(following))

    async def cancel_reservation(self, request: pb.CancelReservationRequest, call: Call) -> pb.Reservation:
        """Gives a reservation up."""
        name = names.parse_reservation(request.name)
        return _encoded(await self.reserving.cancel(name, call.caller()))


def _encoded(value: Reservation) -> pb.Reservation:
    return pb.Reservation(
        name=names.reservation_name(value.id),
        connector=names.connector_name(value.station, value.connector),
        start_time=time_to_wire(value.start_time),
        end_time=time_to_wire(value.end_time),
        power_w=value.power.w,
        state=STATE.to_wire(value.state),
        session=names.session_name(value.session),
        create_time=time_to_wire(value.create_time),
        lapse_time=time_to_wire(value.lapse_time),
        confirmed=value.confirmed,
        detail=value.detail,
    )
