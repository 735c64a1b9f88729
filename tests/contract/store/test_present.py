"""What is kept in memory is never older than it may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from cloud.domain.location import Station
from cloud.store import locations, retention
from cloud.store.changes import Changed
from powerctl.core.ids import SessionId, StationId
from powerctl.core.session import ConnectorState
from tests.unit.cloud.databases import Databases
from tests.unit.cloud.stories import SESSION, STATION, began, describes, live, plugged, says, telemetry, unplugged
from tests.unit.cloud.world import World, world


@asynccontextmanager
async def followed(here: World) -> AsyncIterator[None]:
    """While the feed runs."""
    feed = asyncio.create_task(here.store.feed.run())
    async with asyncio.timeout(20):
        while not here.store.present._followed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)


async def now(here: World) -> Station:
    found = await here.store.present.station(STATION)
    assert found is not None
    return found


async def test_a_station_is_read_once_until_it_changes(here: World) -> None:
    await here.reports(describes())
    async with followed(here):
        first = await now(here)
        assert await now(here) is first
        await here.reports(says(ConnectorState.FAULTED, session=None))
        assert (await now(here)).connectors[0].state is ConnectorState.FAULTED


async def test_without_the_feed_nothing_is_kept(here: World) -> None:
    await here.reports(describes())
    assert await now(here) is not await now(here)
    async with followed(here):
        await now(here)
    assert here.store.present._kept == {}


async def test_what_another_replica_commits_is_seen_after_a_moment(here: World, databases: Databases) -> None:
    await here.reports(describes())
    address = here.store.database.engine.url.render_as_string(hide_password=False)
    async with followed(here), world(address) as other:
        assert (await now(here)).connectors[0].state is None
        await other.commits([other.entry(says(ConnectorState.FAULTED, session=None), 99)])
        async with asyncio.timeout(20):
            while (await now(here)).connectors[0].state is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_what_changes_while_it_is_read_is_not_kept(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await here.reports(describes())
    async with followed(here):
        reading = locations.load

        async def slow(*arguments: object) -> Station | None:
            found = await reading(*arguments)  # type: ignore[arg-type]
            here.store.present.changed([Changed("location", STATION)])
            return found

        monkeypatch.setattr(locations, "load", slow)
        await now(here)
        assert here.store.present._kept == {}


async def test_of_a_station_that_is_not_there_nothing_is_kept(here: World) -> None:
    async with followed(here):
        assert await here.store.present.station(STATION) is None
        await here.reports(describes())
        assert await here.store.present.station(STATION) is not None


async def test_a_page_has_what_is_kept_and_what_is_read_and_says_where_it_goes_on(here: World) -> None:
    names = [StationId(f"st-{number}") for number in range(5)]
    for name in names:
        await here.reports(describes(), station=name)
    async with followed(here):
        kept = await here.store.present.station(names[1])
        first, following = await here.store.present.page(after="", size=3)
        assert [station.id for station in first] == names[:3]
        assert first[1] is kept
        assert (await here.store.present.page(after="", size=3))[0][0] is first[0]
        rest, end = await here.store.present.page(after=following, size=3)
        assert ([station.id for station in rest], end) == (names[3:], "")
        await here.reports(says(ConnectorState.FAULTED, session=None), station=names[2])
        again, _ = await here.store.present.page(after="", size=3)
        assert again[2].connectors[0].state is ConnectorState.FAULTED
        assert again[1] is kept


async def test_a_session_is_read_once_until_it_changes_here_or_elsewhere(here: World, databases: Databases) -> None:
    await here.reports(describes(), *plugged())
    assert await here.store.present.session(SESSION) is not await here.store.present.session(SessionId("none"))
    address = here.store.database.engine.url.render_as_string(hide_password=False)
    async with followed(here), world(address) as other:
        first = await here.store.present.session(SESSION)
        assert await here.store.present.session(SESSION) is first
        await here.reports(began(1_000, 1))
        started = await here.store.present.session(SESSION)
        assert started is not None
        assert started.started is not None
        await other.commits([other.entry(telemetry(live(wh=700.0)), 99)])
        async with asyncio.timeout(20):
            while (found := await here.store.present.session(SESSION)) is None or found.energy_wh < 700:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert here.store.present._sessions == {}


async def test_a_page_of_sessions_reads_only_what_is_not_kept(here: World) -> None:
    ids = [SessionId(f"session-{number}") for number in range(3)]
    for one in ids:
        await here.reports(describes(), *plugged(one))
    async with followed(here):
        first, _ = await here.store.present.sessions_page(driver=None, before=None, size=3)
        again, _ = await here.store.present.sessions_page(driver=None, before=None, size=3)
        assert all(one is other for one, other in zip(first, again, strict=True))
        await here.reports(began(1_000, 1, session=ids[1]))
        changed, _ = await here.store.present.sessions_page(driver=None, before=None, size=3)
        assert [one.started is not None for one in changed] == [False, True, False]
        assert [one is other for one, other in zip(first, changed, strict=True)] == [True, False, True]


async def test_no_memory_keeps_the_name_of_somebody_who_was_erased(here: World) -> None:
    await here.reports(describes(), *plugged(), *unplugged())
    before = await here.session()
    async with here.store.write() as writing:
        await writing.save(before, replace(before, driver="anna"))
    async with followed(here):
        known = await here.store.present.session(SESSION)
        assert known is not None
        assert known.driver == "anna"
        async with here.store.write() as writing:
            await retention.erase_person(writing.connection, "anna", writing.now)
        async with asyncio.timeout(20):
            while (found := await here.store.present.session(SESSION)) is None or found.driver is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
