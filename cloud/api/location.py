"""LocationService: stations and what their connectors do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.encode import Encoder
from cloud.api.encoded import EncodedOnce
from cloud.domain.location import Wanted
from cloud.domain.pricing import Booking, plain_periods, price_use
from cloud.domain.refusal import Refusal, Why
from cloud.store import locations
from cloud.store.store import Store
from powerctl.v1 import location_pb2 as pb
from powerctl.wire.common import CONNECTOR_TYPE

_MOST_WH: Final = 1_000_000
_MOST_W: Final = 1_000_000.0
_LONGEST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LocationService:
    """Reads stations."""

    store: Store
    encoder: Encoder
    encoded: EncodedOnce = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", EncodedOnce(self.encoder))

    async def get_location(self, request: pb.GetLocationRequest, call: Call) -> pb.Location:
        """One location."""
        station = names.parse_location(request.name)
        found = await self.store.present.station(station)
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no location {request.name}.")
        return self.encoded.location(found, call.caller())

    async def list_locations(self, request: pb.ListLocationsRequest, call: Call) -> pb.ListLocationsResponse:
        """Locations by name."""
        after, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        wanted = _wanted(request)
        found, following = await self.store.present.page(after=after, size=size)
        encoded = [self.encoded.location(station, call.caller()) for station in found if wanted.at(station)]
        return pb.ListLocationsResponse(locations=encoded, next_page_token=paging.token_of(following))

    async def estimate_cost(self, request: pb.EstimateCostRequest, call: Call) -> pb.CostEstimate:
        """What charging would cost by the tariff of now."""
        station, number = names.parse_connector(request.connector)
        async with self.store.database.read() as connection:
            found = await locations.load(connection, station)
        connector = found.connector(number) if found is not None else None
        if connector is None:
            raise Refusal(Why.NOT_FOUND, f"There is no connector {request.connector}.")
        if not 0 <= request.energy_wh <= _MOST_WH:
            raise Refusal(Why.INVALID_ARGUMENT, f"energy_wh must be 0 to {_MOST_WH}.")
        charging = _duration(request, "charge_duration")
        if not request.HasField("charge_duration") and connector.max_power is not None:
            charging = timedelta(seconds=round(request.energy_wh / connector.max_power.w * 3600))
        idle, kept = _duration(request, "idle_duration"), _duration(request, "reserve_duration")
        now = self.store.clock.utc()
        used = plain_periods(now, now + charging + idle, request.energy_wh, idle)
        booking = Booking(now - kept, now) if kept else None
        return self.encoder.estimate(price_use(self.store.tariff, used, booking), charging)


def _duration(request: pb.EstimateCostRequest, field: str) -> timedelta:
    found = timedelta(seconds=getattr(request, field).seconds)
    if not timedelta() <= found <= _LONGEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"{field} must be 0 to {_LONGEST}.")
    return found


def _wanted(request: pb.ListLocationsRequest) -> Wanted:
    if not 0 <= request.min_power_w <= _MOST_W:
        raise Refusal(Why.INVALID_ARGUMENT, "min_power_w must be a number of watts.")
    types = frozenset(CONNECTOR_TYPE.from_wire(each) for each in request.connector_types)
    return Wanted(types, request.available, request.min_power_w)
