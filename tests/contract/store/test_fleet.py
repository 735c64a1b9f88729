"""The fleet as operators look at it: found, sorted, paged and counted by the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from alembic import command

from cloud.domain.filter import parse_filter, parse_order
from cloud.domain.health import HealthIssue
from cloud.domain.refusal import Refusal
from cloud.store import alarms, fleet, operations
from cloud.store.fleet_fields import FIELDS
from cloud.store.operating import Operations
from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import StationId
from powerctl.core.record import FaultRaised, LinkReport, SignalClass
from tests.contract.store.test_schema import moved
from tests.unit.cloud.stories import LEFT, NOON, describes, plugged, telemetry
from tests.unit.cloud.world import World

WELL, LATE, GONE, ODD = map(StationId, ("a-well", "b-late", "c-gone", "d-odd"))
YEAR: Final = timedelta(days=365)


def health(waits_s: float | None = None, ends: timedelta = YEAR, offset_s: float | None = 0.0) -> StationHealth:
    oldest = NOON - timedelta(seconds=waits_s) if waits_s is not None else None
    return StationHealth("1.0", 0 if oldest is None else 3, oldest, NOON + ends, "cd" * 32, offset_s)


async def gather(here: World) -> None:
    """A station that is well, one whose records are late, one that is gone, and one with everything else."""
    await here.reports(
        describes(), *plugged(), telemetry(), health(), LinkReport(SignalClass.GOOD, -70, 20), station=WELL
    )
    await here.reports(
        describes(), telemetry(), health(waits_s=90), LinkReport(SignalClass.NONE, None, None), station=LATE
    )
    await here.reports(describes(), telemetry(), health(waits_s=5), station=GONE)
    configuration = ConfigurationReported("ef" * 32, {"station.rating_w": "22000"})
    await here.reports(describes(), health(ends=timedelta(days=3), offset_s=-2.5), configuration, station=ODD)
    await here.reports(FaultRaised(LEFT, Fault("insulation", "Too low.", latched=True)), station=ODD)
    async with here.store.write() as writing:
        await operations.said(writing.connection, ODD, {"desired": {"station.rating_w": "11000"}})
        await Operations(writing, here.store.new_id).watch_configuration(ODD)
    here.clock.advance(100)
    for station in (WELL, LATE, ODD):
        await here.reports(describes(), station=station)
    await here.store.expire()


async def found(here: World, filter_: str = "", order: str = "", **options: int) -> list[str]:
    async with here.store.database.read() as connection:
        rows, total = await fleet.page(
            connection,
            parse_filter(filter_),
            parse_order(order),
            own=None,
            now=here.clock.utc(),
            offset=options.get("offset", 0),
            size=options.get("size", 100),
        )
    assert total >= len(rows)
    return [row.id for row in rows]


async def test_every_issue_is_seen_where_it_is(here: World) -> None:
    await gather(here)
    async with here.store.database.read() as connection:
        rows, total = await fleet.page(
            connection, parse_filter(""), (), own=None, now=here.clock.utc(), offset=0, size=100
        )
        one = await fleet.load(connection, ODD, here.clock.utc())
        counted = await fleet.summary(connection, parse_filter(""), own=None, now=here.clock.utc())
        own = await fleet.summary(connection, parse_filter(""), own=[WELL, StationId("x")], now=here.clock.utc())
    issues = {row.id: row.issues for row in rows}
    assert total == 4
    assert issues == {
        WELL: (),
        LATE: (HealthIssue.OUTBOX,),
        GONE: (HealthIssue.OFFLINE, HealthIssue.ALARMS, HealthIssue.OUTBOX),
        ODD: (
            HealthIssue.ALARMS,
            HealthIssue.CERTIFICATE,
            HealthIssue.DRIFT,
            HealthIssue.MANAGER,
            HealthIssue.CLOCK,
        ),
    }
    assert one == next(row for row in rows if row.id == ODD)
    assert (counted.stations, counted.online, counted.sessions, counted.with_issues) == (4, 3, 1, 3)
    assert counted.issues == {issue: sum(issue in some for some in issues.values()) for issue in HealthIssue}
    assert counted.alarms == counted.unacknowledged == sum(row.alarms for row in rows)
    assert counted.outbox_age == timedelta(seconds=105), "the one that is gone waits on"
    assert (own.stations, own.with_issues, own.issues) == (1, 0, {})


FOUND: Final = [
    ("health:*", [LATE, GONE, ODD]),
    ("NOT health:*", [WELL]),
    ("health:OUTBOX", [LATE, GONE]),
    ("health = drift", [ODD]),
    ("health != offline online = true", [WELL, LATE, ODD]),
    ("b-la", [LATE]),
    ("C-GONE", [GONE]),
    ("software_version = 0.1.0 AND id != a-well", [LATE, GONE, ODD]),
    ("open_alarms > 0", [GONE, ODD]),
    ("open_sessions >= 1", [WELL]),
    ("online = false OR config_drift = true", [GONE, ODD]),
    ("signal_class < MARGINAL", [LATE]),
    ("NOT signal_class >= good", [LATE, GONE, ODD]),
    ("clock_offset_s < -1", [ODD]),
    ('certificate_end_time < "2026-02-01T00:00:00Z"', [ODD]),
    ('last_seen_time < "2026-01-01T12:01:00+00:00"', [GONE]),
    (f'config_digest:"{"ef" * 32}"', [ODD]),
    ("100%_", []),
    ("nowhere", []),
]


async def test_a_filter_finds(here: World) -> None:
    await gather(here)
    for asked, stations in FOUND:
        assert await found(here, asked) == stations, asked


async def test_an_order_sorts_and_pages_hold_every_station_once(here: World) -> None:
    await gather(here)
    assert (await found(here, order="health desc"))[:2] == [ODD, GONE]
    assert await found(here, order="id desc") == [ODD, GONE, LATE, WELL]
    assert (await found(here, order="certificate_end_time, id desc"))[:2] == [ODD, GONE]
    assert (await found(here, order="signal_class desc"))[:2] == [WELL, LATE], "what is not known comes last"
    assert (await found(here, order="signal_class"))[:2] == [LATE, WELL], "what is not known comes last"
    for field in FIELDS:
        pages = [await found(here, order=f"{field} desc", offset=at, size=1) for at in range(5)]
        assert sorted(one for page in pages for one in page) == [WELL, LATE, GONE, ODD], field
        assert pages[4] == []


REFUSED: Final = [
    ("colour = red", "there is no field colour; there are ac_power_w, "),
    ("health > OFFLINE", 'compare it with ":"'),
    ("health:SAD", r"there are \*, OFFLINE|there are \* and OFFLINE"),
    ("open_alarms > many", "compare it with a number"),
    ("open_alarms > nan", "compare it with a number"),
    ("online > true", 'write "= true"'),
    ("last_seen_time > 2026-01-01", "compare it with a time"),
    ("last_seen_time > yesterday", "compare it with a time"),
    ("signal_class = fine", "there are UNKNOWN, NONE"),
]


async def test_what_cannot_be_asked_is_refused_with_what_can(here: World) -> None:
    for asked, said in REFUSED:
        with pytest.raises(Refusal, match=said):
            await found(here, asked)


async def test_an_order_by_nothing_that_is_known_is_refused(here: World) -> None:
    with pytest.raises(Refusal, match="order_by: there is no field colour"):
        await found(here, order="colour")


async def test_an_acknowledged_alarm_waits_for_nobody(here: World) -> None:
    await gather(here)
    async with here.store.write() as writing:
        open_, _ = await alarms.page(writing.connection, stations=[ODD], ended=False, before=None, size=9)
        await alarms.acknowledge(writing.connection, open_[0].id, "Opal", "", here.clock.utc())
    async with here.store.database.read() as connection:
        counted = await fleet.summary(connection, parse_filter("id = d-odd"), own=None, now=here.clock.utc())
    assert counted.alarms - counted.unacknowledged == 1


async def test_a_filled_database_is_searched_after_the_migration(here: World) -> None:
    await gather(here)
    before = await found(here, order="health desc")
    issues = [await found(here, f"health:{issue.name}") for issue in HealthIssue]
    await moved(here.store.database, command.downgrade, "0006_telemetry")
    await moved(here.store.database, command.upgrade, "head")
    assert await found(here, order="health desc") == before
    assert [await found(here, f"health:{issue.name}") for issue in HealthIssue] == issues
    async with here.store.database.read() as connection:
        one = await fleet.load(connection, ODD, here.clock.utc())
    assert one is not None
    assert (one.config_digest in ("cd" * 32, "ef" * 32), one.clock_offset_s) == (True, -2.5)
