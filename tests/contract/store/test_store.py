"""What the system of record promises, on both databases."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError

from cloud.domain.receipt import issue
from cloud.domain.session import SessionState
from cloud.store import changes, locations, receipts
from cloud.store.changes import Changed
from cloud.store.tables import INBOX, QUARANTINE, RECEIPTS
from cloud.store.telemetry_tables import TELEMETRY
from powerctl.core.ids import SessionId, StationId
from powerctl.core.record import Body
from powerctl.core.session import ConnectorState
from powerctl.core.units import Power
from tests.unit.cloud.stories import (
    LEFT,
    RIGHT,
    SESSION,
    STATION,
    began,
    describes,
    dso_cap,
    live,
    over,
    plugged,
    reading,
    says,
    telemetry,
    unplugged,
)
from tests.unit.cloud.world import World


class Unwritten(Exception):
    """Something else in the transaction fails."""


A_SESSION: tuple[Body, ...] = (
    describes(),
    *plugged(),
    began(1_000, 1),
    telemetry(live(wh=700.0)),
    over(reading(1_000, 1), reading(3_500, 11)),
    *unplugged(),
)


async def count(here: World, table: Table) -> int:
    async with here.store.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_a_station_appears_with_its_connectors_when_it_describes_itself(here: World) -> None:
    await here.reports(describes())
    station = await here.station()
    assert (station.display_name, station.online, station.simulated) == ("Harbour", True, True)
    assert [(plug.id, plug.position, plug.max_power) for plug in station.connectors] == [
        (LEFT, "left", Power(22_000.0)),
        (RIGHT, "right", Power(22_000.0)),
    ]


async def test_from_the_plug_to_the_receipt(here: World) -> None:
    await here.reports(*A_SESSION)
    session = await here.session()
    (receipt,) = await here.receipts()
    assert (session.state, session.energy_wh, session.receipt) == (SessionState.COMPLETED, 2_500, receipt.id)
    assert (receipt.session, receipt.energy_wh, str(receipt.total.amount)) == (SESSION, 2_500, "1.23")


async def test_a_second_delivery_changes_nothing(here: World) -> None:
    entries = [here.entry(body) for body in A_SESSION]
    first = await here.commits(entries)
    before = await here.session()
    second = await here.commits(entries)
    assert (first.duplicates, second.duplicates, second.conflicts) == (0, len(entries), [])
    assert second.committed == first.committed
    assert await here.session() == before
    assert len(await here.receipts()) == 1


async def test_a_copy_within_one_batch_is_stored_once(here: World) -> None:
    entry = here.entry(describes())
    result = await here.commits([entry, entry])
    assert (result.committed, result.duplicates) == ([entry.sequence], 1)


async def test_another_content_under_a_known_key_is_told_and_not_believed(here: World) -> None:
    await here.commits([here.entry(describes(), 1), *(here.entry(body, 2 + i) for i, body in enumerate(plugged()))])
    result = await here.commits([here.entry(began(), 1)])
    assert result.conflicts == [1]
    assert result.committed == [1]
    assert (await here.session()).state is SessionState.OPEN


async def test_a_new_outbox_counts_from_one_again(here: World) -> None:
    await here.commits([here.entry(describes(), 1)], epoch=1)
    await here.commits([here.entry(says(ConnectorState.FAULTED, session=None), 1)], epoch=2)
    assert await count(here, INBOX) == 2
    assert (await here.station()).connectors[0].state is ConnectorState.FAULTED


@pytest.mark.parametrize("seed", range(5))
async def test_shuffled_repeated_and_cut_into_batches_it_ends_the_same(here: World, seed: int) -> None:
    dice = random.Random(seed)
    entries = [here.entry(body) for body in A_SESSION]
    delivered = entries + dice.choices(entries, k=5)
    dice.shuffle(delivered)
    while delivered:
        size = dice.randint(1, 3)
        await here.commits(delivered[:size])
        delivered = delivered[size:]
    session = await here.session()
    assert (session.state, session.energy_wh) == (SessionState.COMPLETED, 2_500)
    assert session.unplug_time is not None
    assert len(await here.receipts()) == 1
    assert (await here.station()).connectors[0].state is ConnectorState.AVAILABLE


async def test_concurrent_deliveries_of_the_same_records_issue_one_receipt(here: World) -> None:
    entries = [here.entry(body) for body in A_SESSION]
    results = await asyncio.gather(*(here.commits(entries) for _ in range(4)))
    assert sum(result.duplicates for result in results) == 3 * len(entries)
    assert await count(here, RECEIPTS) == 1


async def test_the_database_itself_refuses_a_second_receipt_for_a_session(here: World) -> None:
    await here.reports(*A_SESSION)
    (receipt,) = await here.receipts()
    with pytest.raises(IntegrityError):
        async with here.store.write() as writing:
            await receipts.add(writing.connection, replace(receipt, id="second"), None)


async def test_a_receipt_that_was_not_written_leaves_no_gap_in_the_numbers(here: World) -> None:
    await here.reports(*A_SESSION)
    (receipt,) = await here.receipts()

    async def one_more(name: str, *, fails: bool) -> int:
        async with here.store.write() as writing:
            number = await receipts.add(
                writing.connection, replace(receipt, id=name, session=SessionId(f"of-{name}")), None
            )
            if fails:
                raise Unwritten
        return number

    with pytest.raises(Unwritten):
        await one_more("lost", fails=True)
    assert [await one_more(name, fails=False) for name in ("b", "c")] == [2, 3]
    async with here.store.database.read() as connection:
        assert await receipts.numbers(connection, await here.receipts()) == {receipt.id: 1, "b": 2, "c": 3}


async def test_a_doubtful_session_is_kept_for_review_without_a_receipt(here: World) -> None:
    await here.reports(describes(), *plugged(), over(None, reading(3_500, 11)), *unplugged())
    session = await here.session()
    assert (session.state, session.receipt) == (SessionState.NEEDS_REVIEW, "")
    assert await here.receipts() == []
    assert issue(session, "x", location_name="", simulated=True, now=here.clock.utc()) is None


async def test_a_batch_that_fails_leaves_nothing_behind(here: World) -> None:
    await here.starts()
    with suppress(ZeroDivisionError):
        async with here.store.write() as writing:
            await locations.heard(writing.connection, {StationId("ghost")}, writing.now)
            raise ZeroDivisionError
    async with here.store.database.read() as connection:
        assert await locations.load(connection, StationId("ghost")) is None


async def test_live_values_reach_the_connector_and_the_session(here: World) -> None:
    await here.reports(describes(), *plugged(), began())
    await here.reports(telemetry(live(kw=6.1, wh=812.0), limits=dso_cap(4.2)))
    station, session = await here.station(), await here.session()
    values = station.connectors[0].live
    assert values is not None
    assert (values.power, session.energy_wh) == (Power.from_kw(6.1), 812)
    assert station.limits == dso_cap(4.2)


async def test_older_telemetry_does_not_replace_newer(here: World) -> None:
    old, new = here.entry(telemetry(live(kw=1.0))), here.entry(telemetry(live(kw=2.0)))
    await here.commits([here.entry(describes()), new])
    await here.commits([old])
    values = (await here.station()).connectors[0].live
    assert values is not None
    assert values.power == Power.from_kw(2.0)


async def test_a_station_says_nothing_about_the_session_of_another(here: World) -> None:
    await here.reports(describes(), *plugged(), began())
    thief = StationId("thief")
    await here.reports(over(reading(1_000, 1), reading(9_000, 11)), telemetry(live(wh=5e5)), station=thief)
    session = await here.session()
    assert (session.station, session.state, session.energy_wh) == (STATION, SessionState.ACTIVE, 0)


async def test_a_station_that_falls_silent_is_offline_and_comes_back(here: World) -> None:
    await here.starts()
    here.clock.advance(91)
    await here.store.expire()
    assert not (await here.station()).online
    await here.reports(telemetry())
    assert (await here.station()).online


async def test_pages_show_every_session_once_and_newest_first(here: World) -> None:
    ids = [SessionId(f"session-{number}") for number in range(5)]
    for one in ids:
        await here.reports(*plugged(one))
    seen: list[SessionId] = []
    before: int | None = None
    while True:
        found, before = await here.store.present.sessions_page(driver=None, before=before, size=2)
        seen += [session.id for session in found]
        if before is None:
            break
    assert seen == ids[::-1]


async def test_a_page_of_sessions_has_only_the_drivers_own_and_those_at_the_owners_stations(here: World) -> None:
    ids = [SessionId(f"session-{number}") for number in range(4)]
    for number, one in enumerate(ids):
        await here.reports(*plugged(one), station=StationId(f"st-{number}"))
    async with here.store.write() as writing:
        for one, driver in ((ids[0], "anna"), (ids[1], "bert"), (ids[2], "anna")):
            before = await here.session(one)
            await writing.save(before, replace(before, driver=driver))

    async def shown(driver: str | None, *stations: str, size: int = 9) -> list[SessionId]:
        own = [StationId(each) for each in stations]
        found, _ = await here.store.present.sessions_page(driver=driver, before=None, size=size, stations=own)
        return [session.id for session in found]

    assert await shown(None) == ids[::-1]
    assert await shown("anna") == [ids[2], ids[0]]
    assert await shown("anna", "st-3") == [ids[3], ids[2], ids[0]]
    assert await shown("anna", "st-3", size=1) == [ids[3]]
    assert await shown("nobody") == []


async def test_stations_are_paged_by_name(here: World) -> None:
    for name in ("c", "a", "b"):
        await here.reports(describes(), station=StationId(name))
    async with here.store.database.read() as connection:
        first, following = await locations.page(connection, after="", size=2)
        rest, end = await locations.page(connection, after=following, size=2)
    assert [station.id for station in (*first, *rest)] == ["a", "b", "c"]
    assert end == ""


async def test_a_token_is_used_once_however_many_try(here: World) -> None:
    until = here.clock.utc() + timedelta(hours=1)
    won = await asyncio.gather(*(here.store.use_token("jti", until) for _ in range(5)))
    assert sorted(won) == [False, False, False, False, True]
    assert await here.store.is_used("jti")


async def test_every_commit_is_in_the_feed_and_a_failed_one_is_not(here: World) -> None:
    await here.reports(describes(), *plugged())
    async with here.store.database.read() as connection:
        newest, changed = await changes.since(connection, 0)
        assert set(changed) == {Changed("location", STATION), Changed("session", SESSION)}
        assert (await changes.span(connection))[1] == newest
    with suppress(ZeroDivisionError):
        async with here.store.write() as writing:
            writing.changed.append(Changed("location", "ghost"))
            raise ZeroDivisionError
    async with here.store.database.read() as connection:
        assert await changes.since(connection, newest) == (newest, [])


async def test_refused_messages_are_kept(here: World) -> None:
    await here.store.quarantine("evcs/v1/00/x/evt", b"\xff", "not a message")
    assert await count(here, QUARANTINE) == 1


async def test_old_telemetry_is_forgotten_and_billing_records_are_not(here: World) -> None:
    await here.reports(*A_SESSION)
    before = await count(here, INBOX)
    here.clock.advance(8 * 86_400)
    await here.store.forget()
    assert (await count(here, INBOX), await count(here, TELEMETRY)) == (before, 0)
    assert len(await here.receipts()) == 1
