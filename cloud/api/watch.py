"""WatchService: one stream per client for everything that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.api import names
from cloud.api.call import Call
from cloud.api.encode import Encoder
from cloud.api.encoded import EncodedOnce
from cloud.api.session import only
from cloud.domain.location import Station
from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session
from cloud.store import changes, locations, sessions
from cloud.store.feed import Change, Subscriber, load
from cloud.store.store import Store
from powerctl.core.ids import StationId
from powerctl.v1 import location_pb2, session_pb2
from powerctl.v1 import watch_pb2 as pb
from powerctl.wire.common import time_to_wire

HEARTBEAT_S: Final = 15.0
RECENT: Final = timedelta(hours=24)
"""Sessions that ended longer ago are not part of the present state; they are listed."""
SHARED: Final = 1_000
MOST: Final = 100
"""So many locations can be asked for by name, and so many sessions are part of the present state."""
PRESENT: Final = 1_000
"""So many locations are part of the present state; the others are sent when they change."""


@dataclass(frozen=True, slots=True)
class WatchService:
    """Streams changes. A client that reads slowly receives the latest value of each resource and never a queue."""

    store: Store
    encoder: Encoder
    heartbeat_s: float = HEARTBEAT_S
    encoded: EncodedOnce = field(init=False)
    _shared: dict[tuple[str, int], tuple[pb.WatchResponse, Message]] = field(init=False, default_factory=dict)
    """Responses that several clients are sent alike, by cursor and address of what is in them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", EncodedOnce(self.encoder))

    async def watch(self, request: pb.WatchRequest, call: Call) -> AsyncIterator[pb.WatchResponse]:
        """The present state, or what changed since the client's cursor; then every change."""
        if len(request.locations) > MOST:
            raise Refusal(Why.INVALID_ARGUMENT, f"locations: at most {MOST}; empty: all.")
        view = _View(call.caller(), _shown(request))
        with self.store.feed.subscribe() as subscriber:
            async with self.store.database.read() as connection:
                feed = await changes.feed_id(connection)
                _, position = await changes.span(connection)
                values = await self._missed(connection, view, _position(request.resume_after, feed))
            for value in filter(view.shows, values):
                # A client that loses the stream in here asks again from where it was.
                yield self._response(request.resume_after, view, value)
            yield self._response(f"{feed}.{position}", view, None)
            while not (subscriber.ended or self._over(call)):
                changed = [one for one in await self._next(subscriber, call) if one.cursor > position]
                before, position = position, max([position, *(one.cursor for one in changed)])
                shown = [one.value for one in changed if view.shows(one.value)]
                for value in shown[:-1]:
                    yield self._response(f"{feed}.{before}", view, value)
                yield self._response(f"{feed}.{position}", view, shown[-1] if shown else None)

    async def _next(self, subscriber: Subscriber, call: Call) -> list[Change]:
        """What changed; empty after a while in which nothing did."""
        try:
            async with asyncio.timeout(self._patience(call)):
                return await subscriber.take()
        except TimeoutError:
            return []

    def _patience(self, call: Call) -> float:
        if call.stream_end is None:
            return self.heartbeat_s
        left = (call.stream_end - self.store.clock.utc()).total_seconds()
        return min(self.heartbeat_s, max(left, 0.0))

    def _over(self, call: Call) -> bool:
        return call.stream_end is not None and self.store.clock.utc() >= call.stream_end

    async def _missed(self, connection: AsyncConnection, view: _View, after: int | None) -> list[Station | Session]:
        oldest, newest = await changes.span(connection)
        if after is None or not oldest - 1 <= after <= newest:
            return await self._present(connection, view)
        _, changed = await changes.since(connection, after)
        found = [await load(connection, one) for one in changed]
        return [value for value in found if value is not None]

    async def _present(self, connection: AsyncConnection, view: _View) -> list[Station | Session]:
        caller, since = view.caller, self.store.clock.utc() - RECENT
        if view.locations is None:
            stations, _ = await locations.page(connection, after="", size=PRESENT)
        else:
            stations = await locations.load_all(connection, view.locations)
        recent = await sessions.current(connection, only(caller), since, MOST, caller.stations)
        return [*stations, *reversed(recent)]

    def _response(self, cursor: str, view: _View, value: Station | Session | None) -> pb.WatchResponse:
        now = self.store.clock.utc()
        match value:
            case Station():
                return self._alike(cursor, self.encoded.location(value, view.caller), now)
            case Session():
                return self._alike(cursor, self.encoded.session(value, view.caller, now), now)
        response = pb.WatchResponse(cursor=cursor, send_time=time_to_wire(now))
        response.heartbeat.SetInParent()
        return response

    def _alike(
        self, cursor: str, value: location_pb2.Location | session_pb2.Session, now: datetime
    ) -> pb.WatchResponse:
        """One response for every client that sees the same of a resource; nobody may change it."""
        key = (cursor, id(value))
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) >= SHARED:
                self._shared.clear()
            response = pb.WatchResponse(cursor=cursor, send_time=time_to_wire(now))
            if isinstance(value, location_pb2.Location):
                response.location.CopyFrom(value)
            else:
                response.session.CopyFrom(value)
            found = self._shared[key] = (response, value)
        return found[0]


@dataclass(frozen=True, slots=True)
class _View:
    """What one client asked for and may see."""

    caller: Principal
    locations: frozenset[StationId] | None
    """None: all."""

    def shows(self, value: Station | Session) -> bool:
        """True when the client is to receive it."""
        station = value.id if isinstance(value, Station) else value.station
        if self.locations is not None and station not in self.locations:
            return False
        return isinstance(value, Station) or self.caller.sees(value.driver, value.station)


def _shown(request: pb.WatchRequest) -> frozenset[StationId] | None:
    if not request.locations and not request.only_heartbeats:
        return None
    return frozenset(names.parse_location(one) for one in request.locations if not request.only_heartbeats)


def _position(cursor: str, feed: str) -> int | None:
    """The place in the feed that `cursor` names. None: of no use with this feed."""
    name, _, number = cursor.rpartition(".")
    usable = name == feed and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if usable else None
