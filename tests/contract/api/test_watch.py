"""One stream per client for everything that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from cloud.api.call import Access, Call
from cloud.api.encode import Encoder
from cloud.api.watch import MOST, WatchService
from cloud.domain.refusal import Refusal
from powerctl.core.ids import StationId
from powerctl.v1 import watch_pb2
from tests.contract.api.peers import Failed, GrpcWeb, Native
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import (
    ANNA,
    BERT,
    NOON,
    OPAL,
    SESSION,
    TARIFF,
    at,
    began,
    describes,
    live,
    plugged,
    telemetry,
)

StreamPeer = Native | GrpcWeb
WATCH = "WatchService/Watch"


@pytest.fixture(params=["grpc", "grpc-web", "grpc-web-text"])
def streamer(request: pytest.FixtureRequest, api: Cloud) -> StreamPeer:
    if request.param == "grpc":
        return Native(api.grpc_port)
    return GrpcWeb(api.web, text=request.param == "grpc-web-text")


class Watcher:
    """A client that reads what it is sent, one message at a time."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    async def next(self) -> watch_pb2.WatchResponse:
        async with asyncio.timeout(10):
            response: watch_pb2.WatchResponse = await anext(self._messages)
        return response

    async def until(self, event: str) -> watch_pb2.WatchResponse:
        """The next message of this kind."""
        while (response := await self.next()).WhichOneof("event") != event:
            pass
        return response

    async def state(self) -> list[watch_pb2.WatchResponse]:
        """Everything before the first heartbeat, and that."""
        seen = [await self.next()]
        while seen[-1].WhichOneof("event") != "heartbeat":
            seen.append(await self.next())
        return seen


def kinds(responses: list[watch_pb2.WatchResponse]) -> list[str | None]:
    return [response.WhichOneof("event") for response in responses]


async def test_the_present_state_comes_first_then_every_change(api: Cloud, streamer: StreamPeer) -> None:
    await api.world.reports(describes(), *plugged())
    async with aclosing(
        streamer.stream(WATCH, watch_pb2.WatchRequest(), watch_pb2.WatchResponse, api.token(OPAL))
    ) as s:
        watcher = Watcher(s)
        assert kinds(await watcher.state()) == ["location", "session", "heartbeat"]
        await api.world.reports(began())
        assert (await watcher.until("session")).session.name == f"sessions/{SESSION}"
        await api.world.reports(telemetry(live(kw=3.3)))
        seen = (await watcher.until("location")).location
        while not seen.evses[0].connectors[0].live.power_w:
            seen = (await watcher.until("location")).location
        assert seen.evses[0].connectors[0].live.power_w == 3300


async def test_a_stream_without_a_signed_in_caller_is_refused(api: Cloud, streamer: StreamPeer) -> None:
    async with aclosing(streamer.stream(WATCH, watch_pb2.WatchRequest(), watch_pb2.WatchResponse, "")) as s:
        with pytest.raises((Failed, Exception), match=r"(?i)unauthenticated"):
            await anext(s)


# What follows is the service itself, without a transport.


def service(api: Cloud, heartbeat_s: float = 15.0) -> WatchService:
    return WatchService(api.world.store, Encoder(lambda: TARIFF), heartbeat_s)


def call(who: Any, *, until: float = 60) -> Call:
    return Call(Access(who, "s", NOON, at(until), NOON), stream_end=at(until))


def watch(api: Cloud, who: Any, request: watch_pb2.WatchRequest | None = None, **options: Any) -> AsyncIterator[Any]:
    return service(api, **options).watch(request or watch_pb2.WatchRequest(), call(who))


async def test_a_driver_sees_their_own_sessions_and_only_those(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    await api.charging.start(*_plug(), "6f2f3a0e-0000-4000-8000-000000000001", ANNA)
    assert kinds(await Watcher(watch(api, ANNA)).state()) == ["location", "session", "heartbeat"]
    assert kinds(await Watcher(watch(api, BERT)).state()) == ["location", "heartbeat"]


async def test_a_client_continues_where_it_was(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    cursor = (await Watcher(watch(api, OPAL)).state())[-1].cursor
    resumed = Watcher(watch(api, OPAL, watch_pb2.WatchRequest(resume_after=cursor)))
    assert kinds(await resumed.state()) == ["heartbeat"]
    await api.world.reports(began())
    resumed = Watcher(watch(api, OPAL, watch_pb2.WatchRequest(resume_after=cursor)))
    assert sorted(map(str, kinds(await resumed.state()))) == ["heartbeat", "location", "session"]


@pytest.mark.parametrize("cursor", ["other.1", "nonsense", "x.99999999999999999999", "…"])
async def test_a_cursor_of_another_database_means_the_state_anew(api: Cloud, cursor: str) -> None:
    await api.world.reports(describes())
    watcher = Watcher(watch(api, OPAL, watch_pb2.WatchRequest(resume_after=cursor)))
    assert kinds(await watcher.state()) == ["location", "heartbeat"]


async def test_only_the_locations_asked_for_are_sent(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    watcher = Watcher(watch(api, OPAL, watch_pb2.WatchRequest(locations=["locations/elsewhere"])))
    assert kinds(await watcher.state()) == ["heartbeat"]


async def test_the_state_of_what_is_asked_for_comes_first_however_large_the_fleet_is(api: Cloud) -> None:
    for number in range(MOST + 2):
        await api.world.reports(describes(), station=StationId(f"s-{number:03}"))
    wanted = f"locations/s-{MOST + 1:03}"
    first, _ = await Watcher(watch(api, OPAL, watch_pb2.WatchRequest(locations=[wanted]))).state()
    assert first.location.name == wanted
    with pytest.raises(Refusal, match="at most 100"):
        await Watcher(watch(api, OPAL, watch_pb2.WatchRequest(locations=[wanted] * (MOST + 1)))).state()


async def test_who_wants_only_heartbeats_gets_only_those(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    watcher = Watcher(watch(api, OPAL, watch_pb2.WatchRequest(only_heartbeats=True)))
    assert kinds(await watcher.state()) == ["heartbeat"]


async def test_a_quiet_stream_beats(api: Cloud) -> None:
    watcher = Watcher(watch(api, OPAL, heartbeat_s=0.01))
    assert kinds([*await watcher.state(), await watcher.next()]) == ["heartbeat", "heartbeat"]


async def test_a_slow_client_gets_the_latest_value_and_never_a_queue(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    with api.world.store.feed.subscribe() as subscriber:
        for power in range(1, 30):
            await api.world.reports(telemetry(live(kw=power)))
            await asyncio.sleep(0)
        changes = {change.changed: change for change in await _settled(subscriber)}
    assert {kind.kind for kind in changes} == {"location"}


async def _settled(subscriber: Any) -> list[Any]:
    """What waits once the newest value has come through."""
    async with asyncio.timeout(10):
        while True:
            assert subscriber.depth <= 2
            taken = await subscriber.take()
            assert len(taken) <= 2
            values = [one.value.connectors[0].live for one in taken if one.changed.kind == "location"]
            if values and values[-1] is not None and values[-1].power.kw == 29:
                return list(taken)


async def test_a_stream_ends_when_the_access_must_be_renewed(api: Cloud) -> None:
    stream = service(api, 0.01).watch(watch_pb2.WatchRequest(), call(OPAL, until=1))
    watcher = Watcher(stream)
    await watcher.state()
    api.world.clock.advance(61)
    assert [one async for one in stream if one.WhichOneof("event") != "heartbeat"] == []


async def test_a_cloud_that_stops_ends_its_streams_in_order(api: Cloud) -> None:
    stream = watch(api, OPAL)
    await Watcher(stream).state()
    feed = asyncio.create_task(api.world.store.feed.run())
    await asyncio.sleep(0)
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)
    assert [one async for one in stream] == []


async def test_a_stream_that_ends_is_forgotten(api: Cloud) -> None:
    stream: Any = watch(api, OPAL)
    await Watcher(stream).state()
    assert api.world.store.feed.subscribers == 1
    await stream.aclose()
    assert api.world.store.feed.subscribers == 0


def _plug() -> tuple[Any, Any]:
    return "demo-1", 1
