"""Telemetry is summed up once each, kept by days, and gone when its time is over, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from cloud.domain.summary import MINUTE, WHOLE_STATION, Summary
from cloud.store import partitions, summaries
from cloud.store.summaries import Entry, between
from cloud.store.telemetry_tables import HOURS, MINUTES, QUARTERS, TELEMETRY
from tests.contract.store.test_store import count
from tests.unit.cloud.stories import LEFT, NOON, STATION, describes, dso_cap, live, telemetry
from tests.unit.cloud.world import World

TIERS = (MINUTES, QUARTERS, HOURS)
REPORTS = ((0, 6.0, 10.0, 22.0), (20, 8.0, 40.0, 11.0), (70, 10.0, 200.0, 22.0), (900, 2.0, 900.0, 22.0))
"""Seconds after noon, kW, Wh, kW that may be drawn."""


async def tell(here: World, reports: tuple[tuple[float, float, float, float], ...] = REPORTS) -> None:
    began = here.clock.utc()
    for second, kw, wh, cap in reports:
        here.clock.advance((began + timedelta(seconds=second) - here.clock.utc()).total_seconds())
        await here.reports(telemetry(live(kw=kw, wh=wh, limit_kw=cap), limits=dso_cap(cap)))


async def sums(here: World, table: object, connector: int = LEFT) -> list[tuple[datetime, Summary]]:
    async with here.store.database.read() as connection:
        found: list[Entry] = await between(
            connection,
            table,  # type: ignore[arg-type]
            STATION,
            NOON - timedelta(days=30),
            NOON + timedelta(days=30),
            10_000,
        )
    return [(slot.start, summary) for slot, summary in found if slot.connector == connector]


async def test_power_energy_and_cap_by_minute_quarter_and_hour(here: World) -> None:
    await here.reports(describes())
    await tell(here)
    await here.store.summarise()
    assert await sums(here, MINUTES) == [
        (NOON, Summary(2, 14_000.0, 8_000.0, 40.0, 11_000.0)),
        (NOON + MINUTE, Summary(1, 10_000.0, 10_000.0, 200.0, 22_000.0)),
        (NOON + 15 * MINUTE, Summary(1, 2_000.0, 2_000.0, 900.0, 22_000.0)),
    ]
    assert await sums(here, QUARTERS) == [
        (NOON, Summary(3, 24_000.0, 10_000.0, 200.0, 11_000.0)),
        (NOON + 15 * MINUTE, Summary(1, 2_000.0, 2_000.0, 900.0, 22_000.0)),
    ]
    assert await sums(here, HOURS) == [(NOON, Summary(4, 26_000.0, 10_000.0, 900.0, 11_000.0))]
    assert await sums(here, HOURS, WHOLE_STATION) == [(NOON, Summary(4, 28_000.0, 7_000.0, 0.0, 11_000.0))]


@pytest.mark.parametrize("table", TIERS, ids=lambda table: table.name)
async def test_summed_up_in_steps_and_again_it_is_the_same(
    here: World, table: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.reports(describes())
    await tell(here)
    await here.store.summarise()
    at_once = await sums(here, table)
    monkeypatch.setattr(summaries, "AT_ONCE", 1)
    await here.store.summarise()
    assert await sums(here, table) == at_once
    async with here.store.database.write() as connection:
        for name in ("telemetry_progress", *(tier.name for tier in TIERS)):
            await connection.execute(text(f"DELETE FROM {name}"))
    await here.store.summarise()
    assert await sums(here, table) == at_once


async def test_a_second_delivery_counts_once_and_a_late_record_in_its_own_minute(here: World) -> None:
    await here.reports(describes())
    late = here.entry(telemetry(live(kw=4.0, wh=5.0)))
    here.clock.advance(3 * 86_400)
    now = here.entry(telemetry(live(kw=6.0, wh=50.0)))
    await here.commits([now])
    await here.store.summarise()
    assert (await here.commits([late, now])).duplicates == 1
    assert (await here.commits([late, now])).duplicates == 2
    await here.store.summarise()
    found = await sums(here, MINUTES)
    assert [(start, one.samples, one.energy_wh) for start, one in found] == [
        (NOON, 1, 5.0),
        (NOON + timedelta(days=3), 1, 50.0),
    ]


async def test_another_content_under_a_known_key_and_time_is_told(here: World) -> None:
    first = here.entry(telemetry(live()))
    assert (await here.commits([first])).conflicts == []
    forged = here.entry(telemetry(live(kw=1.0)), first.sequence)
    assert (await here.commits([forged])).conflicts == [first.sequence]
    assert await count(here, TELEMETRY) == 1


async def test_the_sums_outlive_what_they_are_made_of_and_each_has_its_time(here: World) -> None:
    await here.reports(describes())
    await tell(here)
    seen = []
    for days in (9, 400, 3700):
        here.clock.advance(days * 86_400)
        await here.store.forget()
        seen.append([await count(here, table) > 0 for table in (TELEMETRY, *TIERS)])
    assert seen == [[False, True, True, True], [False, False, True, True], [False, False, False, False]]


async def test_after_a_silent_fortnight_records_go_on(here: World) -> None:
    await here.reports(describes())
    here.clock.advance(14 * 86_400)
    await tell(here)
    await here.store.forget()
    await tell(here)
    assert await count(here, TELEMETRY) == 2 * len(REPORTS)
    await here.store.summarise()
    assert sum(one.samples for _, one in await sums(here, MINUTES)) == 2 * len(REPORTS)


async def test_postgresql_keeps_each_day_in_a_table_and_drops_it_whole(here: World) -> None:
    if here.store.database.is_sqlite:
        pytest.skip("SQLite has no partitions")
    await here.reports(describes())
    await tell(here)
    await here.store.forget()
    where = text("SELECT DISTINCT tableoid::regclass::text FROM telemetry")
    async with here.store.database.read() as connection:
        assert list((await connection.execute(where)).scalars()) == [partitions.name_of(NOON.date())]
        days = set((await connection.execute(partitions._PARTITIONS)).scalars())
        needed = {partitions.name_of(NOON.date() + timedelta(days=n)) for n in range(-7, partitions.AHEAD + 1)}
        assert needed | {partitions.OTHER} <= days, "a week, today, the days ahead, and the rest"
        assert (await connection.execute(text(f"SELECT count(*) FROM {partitions.OTHER}"))).scalar_one() == 0
        kinds = "SELECT count(*) FROM pg_indexes WHERE tablename = :name AND indexdef LIKE '%USING brin%'"
        name = partitions.name_of(NOON.date())
        assert (await connection.execute(text(kinds), {"name": name})).scalar_one() == 1
    here.clock.advance(9 * 86_400)
    await here.store.forget()
    async with here.store.database.read() as connection:
        later = set((await connection.execute(partitions._PARTITIONS)).scalars())
        assert name not in later
        gone = await connection.execute(text("SELECT to_regclass(:name)"), {"name": name})
        assert gone.scalar_one() is None
        assert (await connection.execute(select(func.count()).select_from(TELEMETRY))).scalar_one() == 0


async def test_sums_of_sessions_alone_and_their_registers_before(here: World) -> None:
    await here.reports(describes())
    async with here.store.database.read() as connection:
        assert await summaries.first(connection, QUARTERS, STATION, (1, 2)) is None
    await tell(here)
    await here.store.summarise()
    later = NOON + 15 * MINUTE
    async with here.store.database.read() as connection:
        assert await summaries.first(connection, QUARTERS, STATION, (1, 2)) == NOON
        found = await summaries.of_sessions(connection, QUARTERS, STATION, (1, 2), NOON, later + MINUTE)
        assert [(slot.connector, slot.start, one.energy_wh) for slot, one in found] == [
            (LEFT, NOON, 200.0),
            (LEFT, later, 900.0),
        ]
        sessions = {slot.session for slot, _ in found}
        assert await summaries.registers(connection, QUARTERS, STATION, (1, 2), sessions, later) == dict.fromkeys(
            sessions, 200.0
        )
        assert await summaries.registers(connection, QUARTERS, STATION, (1, 2), (), later) == {}
