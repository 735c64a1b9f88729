"""LocationService: stations and what their connectors do."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.encode import Encoder
from cloud.domain.refusal import Refusal, Why
from cloud.store import locations
from cloud.store.store import Store
from powerctl.v1 import location_pb2 as pb


@dataclass(frozen=True, slots=True)
class LocationService:
    """Reads stations."""

    store: Store
    encoder: Encoder

    async def get_location(self, request: pb.GetLocationRequest, call: Call) -> pb.Location:
        """One location."""
        station = names.parse_location(request.name)
        async with self.store.database.read() as connection:
            found = await locations.load(connection, station)
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no location {request.name}.")
        return self.encoder.location(found, call.caller())

    async def list_locations(self, request: pb.ListLocationsRequest, call: Call) -> pb.ListLocationsResponse:
        """Locations by name."""
        after, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await locations.page(connection, after=after, size=size)
        encoded = [self.encoder.location(station, call.caller()) for station in found]
        return pb.ListLocationsResponse(locations=encoded, next_page_token=paging.token_of(following))
