"""What one control room costs the cloud while it looks at a fleet of 5,000 stations: bytes and processor time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from cloud.api.call import Access, Call
from cloud.api.fleet import FleetService
from cloud.api.ordering import Ordering
from cloud.ingest.ports import StationBatch
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import StationId
from powerctl.core.record import LinkReport, SignalClass
from powerctl.v1 import fleet_pb2 as pb
from tests.bench.table import Figure, show
from tests.unit.cloud.api_world import cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import NOON, OPAL, describes, plugged, telemetry
from tests.unit.cloud.world import EPOCH, World

STATIONS: Final = 5_000
EVERY_S: Final = 3.0
ROUNDS: Final = 10
SETTINGS: Final = {f"controller.setting_{number}": str(number) for number in range(100)}


async def seeded(world: World) -> None:
    """A fleet in which every tenth station has something to look at."""
    for first in range(0, STATIONS, 500):
        await world.store.commit([one(world, number) for number in range(first, first + 500)])


def one(world: World, number: int) -> StationBatch:
    health = StationHealth("1.0", 0, None, NOON + timedelta(days=60 if number % 10 else 3), "ab" * 32, 0.01)
    configuration = ConfigurationReported("ab" * 32, SETTINGS)
    told = (describes(), telemetry(), health, configuration, LinkReport(SignalClass.GOOD, -70, 20))
    bodies = (*told, *plugged()) if number == 0 else told
    return StationBatch(StationId(f"s-{number:04}"), EPOCH, [world.entry(body) for body in bodies])


async def everything(service: FleetService, call: Call) -> list[Message]:
    """Every station, page after page: how a fleet is copied, and how the control room once looked at it."""
    found: list[Message] = []
    token = ""
    while not found or token:
        answer = await service.list_stations(pb.ListStationsRequest(page_size=100, page_token=token), call)
        found, token = [*found, answer], answer.next_page_token
    return found


async def a_page(service: FleetService, call: Call) -> list[Message]:
    """What the page asks: 50 stations, the worst first, and the fleet in numbers."""
    request = pb.ListStationsRequest(page_size=50, order_by="health desc")
    summary = pb.GetFleetSummaryRequest()
    return [await service.list_stations(request, call), await service.get_fleet_summary(summary, call)]


async def cost(look: Callable[[FleetService, Call], Awaitable[list[Message]]], service: FleetService) -> Any:
    call = Call(Access(OPAL, "s", NOON, NOON + timedelta(hours=1), NOON))
    await look(service, call)
    began, size = time.process_time(), 0
    for _ in range(ROUNDS):
        size += sum(len(answer.SerializeToString()) for answer in await look(service, call))
    return size / ROUNDS / EVERY_S, (time.process_time() - began) / ROUNDS / EVERY_S


async def test_a_control_room_over_5000_stations(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address) as api:
        await seeded(api.world)
        store = api.world.store
        service = FleetService(store, api.charging, Ordering(store, api.notebook, api.charging.new_id))
        figures = []
        for name, look in (("every station", everything), ("a page and the summary", a_page)):
            bytes_s, share = await cost(look, service)
            figures += [Figure(f"{name}: bytes/s", bytes_s, "B/s"), Figure(f"{name}: core", share * 100, "%")]
        show(f"a control room over {STATIONS} stations, looked at every {EVERY_S:g} s", figures)
