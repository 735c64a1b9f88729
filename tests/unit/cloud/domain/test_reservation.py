"""What can be promised to a driver."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.location import Connector, Station
from cloud.domain.refusal import Refusal, Why
from cloud.domain.reservation import (
    GRACE,
    Reservation,
    ReservationState,
    canceled,
    lapsed,
    left,
    promised,
    require_free,
    require_possible,
)
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power
from tests.unit.cloud.stories import LEFT, NOON, RIGHT, STATION, at, dso_cap

KW22 = Power(22_000.0)
PLUGS = tuple(Connector(number, ConnectorType.CHADEMO, KW22, "left") for number in (LEFT, RIGHT))
PLACE = Station(STATION, connectors=PLUGS)


def wish(
    start: float, end: float, *, kw: float = 10, connector: ConnectorId = LEFT, user: str = "anna", name: str = "r"
) -> Reservation:
    return Reservation(name, user, STATION, connector, at(start), at(end), Power.from_kw(kw), NOON)


def refusal(wanted: Reservation, *others: Reservation) -> Refusal:
    with pytest.raises(Refusal) as refused:
        require_possible(wanted, PLACE, others, NOON)
    return refused.value


def test_windows_of_one_connector_do_not_overlap() -> None:
    known = wish(60, 120, user="bert")
    for start, end in ((30, 61), (60, 120), (119, 200), (90, 100)):
        assert refusal(wish(start, end), known).why is Why.FAILED_PRECONDITION
    for start, end in ((0, 60), (120, 180)):
        require_possible(wish(start, end), PLACE, [known], NOON)
    require_possible(wish(60, 120), PLACE, [canceled(known)], NOON)


def test_the_stations_power_is_promised_once() -> None:
    known = wish(60, 120, kw=15, connector=RIGHT, user="bert")
    require_possible(wish(60, 120, kw=7), PLACE, [known], NOON)
    assert "7.0 kW" in refusal(wish(60, 120, kw=8), known).message
    require_possible(wish(120, 180, kw=22), PLACE, [known], NOON)
    assert left(wish(60, 120), PLACE, [known]) == Power.from_kw(7)


def test_a_smaller_hardware_limit_is_what_can_be_promised() -> None:
    hardware = Limit(LimitSource.HARDWARE, Power.from_kw(11), "")
    limited = replace(PLACE, limits=replace(dso_cap(5), sources=(hardware,)))
    assert left(wish(0, 60), limited, []) == Power.from_kw(11)


@pytest.mark.parametrize(("start", "end"), [(10, 10), (20, 10), (-5, 60), (0, 241), (60 * 24 * 15, 60 * 24 * 15 + 60)])
def test_windows_are_within_reason(start: float, end: float) -> None:
    assert refusal(wish(start, end)).why is Why.INVALID_ARGUMENT


@pytest.mark.parametrize("kw", [0, 22.1])
def test_a_connector_gives_only_what_it_can(kw: float) -> None:
    assert refusal(wish(0, 60, kw=kw)).why is Why.INVALID_ARGUMENT


def test_nobody_reserves_everything() -> None:
    mine = [wish(start, start + 30, name=f"r{start}") for start in (60, 120, 180)]
    assert refusal(wish(0, 30), *mine).why is Why.RESOURCE_EXHAUSTED


def test_only_its_driver_starts_while_a_connector_is_kept() -> None:
    kept = wish(0, 60)
    require_free(kept, "anna", at(1))
    require_free(kept, "bert", at(61))
    require_free(None, "bert", at(1))
    with pytest.raises(Refusal, match="reserved for somebody else"):
        require_free(kept, "bert", at(1))


def test_who_does_not_come_loses_the_connector() -> None:
    kept = wish(0, 60)
    in_time, late = NOON + GRACE, NOON + GRACE * 2
    assert lapsed(kept, at(1)) == kept
    assert lapsed(kept, in_time).state is ReservationState.NO_SHOW
    with pytest.raises(Refusal, match="over"):
        canceled(lapsed(kept, late))


windows = st.tuples(st.integers(0, 300), st.integers(1, 240), st.integers(1, 22), st.sampled_from([LEFT, RIGHT]))


@given(st.lists(windows, max_size=12))
def test_no_instant_is_promised_more_than_there_is(asked: list[tuple[int, int, int, ConnectorId]]) -> None:
    given_out: list[Reservation] = []
    for number, (start, length, kw, connector) in enumerate(asked):
        wanted = wish(start, start + length, kw=kw, connector=connector, user=f"u{number}", name=f"r{number}")
        try:
            require_possible(wanted, PLACE, given_out, NOON)
        except Refusal:
            continue
        given_out.append(wanted)
    for minute in range(0, 560, 7):
        now = at(minute)
        assert promised(given_out, now) <= KW22
        holders = [one.connector for one in given_out if one.covers(now)]
        assert len(holders) == len(set(holders))
