"""What the events of a server ask of the station."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.ids import SessionId
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Energy, Power
from powerctl.signals.arbitration import Contribution, GridState, arbitrate
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.openadr import MAX_EVENTS, OpenAdrRules, OpenAdrSource
from powerctl.signals.sources.source import Foreseen
from tests.unit.signals.sources.test_openadr_events import NOON, event
from tests.unit.signals.test_telemetry import REPORT

RATING = Power(22_000)
RULES = OpenAdrRules(RATING, (None, Power(11_000), Power(4_200), Power(0)), emergency=Power(0))


def at(minutes: float) -> Stamp:
    return Stamp(Monotonic(10_000 + 60 * minutes), NOON + timedelta(minutes=minutes))


def source(*events: dict[str, Any], rules: OpenAdrRules = RULES, minutes: float = 0) -> OpenAdrSource:
    made = OpenAdrSource(rules, lambda: 0.5)
    assert made.received([one | {"id": f"e{n}"} for n, one in enumerate(events)], at(minutes)) == []
    return made


def state(made: OpenAdrSource, minutes: float) -> GridState:
    return arbitrate(RATING, made.contributions(at(minutes)))


def test_a_capacity_limit_holds_in_its_interval() -> None:
    made = source(event(("IMPORT_CAPACITY_LIMIT", 9), ("IMPORT_CAPACITY_LIMIT", 5)))
    assert [state(made, minutes).cap.kw for minutes in (-1, 0, 14, 15, 29, 30)] == [22, 9, 9, 5, 5, 22]
    assert state(made, 0).source is LimitSource.AGGREGATOR
    assert state(made, 0).until == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(("level", "kw"), [(0, 22), (1, 11), (2, 4.2), (3, 0)])
def test_a_level_means_what_was_commissioned(level: int, kw: float) -> None:
    assert state(source(event(("SIMPLE", level))), 1).cap.kw == kw


def test_an_emergency_of_the_grid_stops_or_limits_as_commissioned() -> None:
    alert = event(("ALERT_GRID_EMERGENCY", "Islanded."))
    stopped = state(source(alert), 1)
    assert (stopped.cap.w, stopped.command, stopped.source) == (0, Command.EMERGENCY, LimitSource.EMERGENCY)
    limited = state(source(alert, rules=replace(RULES, emergency=Power(4_200))), 1)
    assert (limited.cap.w, limited.command, limited.settle_s) == (4_200, Command.RUN, 0)


def test_of_two_setpoints_that_of_higher_priority_counts() -> None:
    low, high = event(("DISPATCH_SETPOINT", 3), priority=5), event(("DISPATCH_SETPOINT", 8), priority=1)
    assert state(source(low, high), 1).cap.kw == 8


def test_a_setpoint_lifts_no_cap() -> None:
    made = source(event(("DISPATCH_SETPOINT", 8), priority=0), event(("IMPORT_CAPACITY_LIMIT", 5), priority=9))
    assert state(made, 1).cap.kw == 5


def test_an_energy_is_spread_over_its_interval() -> None:
    descriptors = [{"payloadType": "CHARGE_STATE_SETPOINT", "units": "KWH"}]
    made = source(event(("CHARGE_STATE_SETPOINT", 2), payloadDescriptors=descriptors))
    assert state(made, 1).cap.kw == 8


def test_a_charge_state_is_reached_by_the_end_of_its_interval() -> None:
    made = source(event(("CHARGE_STATE_SETPOINT", 60)))
    assert state(made, 1).cap == RATING
    (vehicle,) = REPORT.connectors
    vehicle = replace(vehicle, session=SessionId("S"))
    vehicles = (replace(vehicle, soc_percent=None), replace(vehicle, soc_percent=50.0, capacity=Energy(40_000)))
    made.reported(replace(REPORT, connectors=vehicles), Monotonic(0))
    assert state(made, 0).cap.kw == 16
    full = (replace(vehicle, soc_percent=61.0, capacity=Energy(40_000)),)
    made.reported(replace(REPORT, connectors=full), Monotonic(0))
    assert state(made, 5).cap.kw == 0


def test_prices_go_to_the_plan_only() -> None:
    cheap = event(("PRICE", 0.05), ("PRICE", 0.30), priority=2)
    better = event(("PRICE", 0.99), priority=1)
    made = source(cheap, better)
    assert list(made.contributions(at(1))) == []
    assert [made.foreseen(at(m).utc).price for m in (-1, 1, 16, 31)] == [None, Decimal("0.99"), Decimal("0.3"), None]
    assert made.foreseen(at(16).utc) == Foreseen(None, Decimal("0.3"), "")


def test_limits_are_foreseen() -> None:
    made = source(event(("IMPORT_CAPACITY_LIMIT", 9), ("SIMPLE", 2)))
    assert [made.foreseen(at(m).utc) for m in (1, 16)] == [Foreseen(Power(9_000)), Foreseen(Power(4_200))]


def test_an_event_that_the_server_withdraws_is_over() -> None:
    made = source(event(("SIMPLE", 3)))
    assert state(made, 1).cap.w == 0
    made.received([], at(2))
    assert state(made, 2).cap == RATING


def test_a_broken_update_leaves_what_was_known_and_a_broken_event_leaves_the_others() -> None:
    made = source(event(("SIMPLE", 2)))
    refused = made.received([event(("SIMPLE", 9), id="e0"), event(("SIMPLE", 1), id="e1"), 7], at(1))
    assert len(refused) == 2
    assert state(made, 1).cap.kw == 4.2


def test_an_event_that_starts_at_once_does_not_start_again_with_every_poll() -> None:
    period = {"start": "0001-01-01T00:00:00Z", "duration": "PT10M"}
    one = event(("SIMPLE", 2), id="e0", intervalPeriod=period)
    made = OpenAdrSource(RULES, lambda: 0.5)
    for minutes in range(12):
        made.received([one], at(minutes))
    assert state(made, 9).cap.kw == 4.2
    assert state(made, 11).cap == RATING


def test_more_events_than_anyone_needs_are_not_kept() -> None:
    made = OpenAdrSource(RULES, lambda: 0.5)
    refused = made.received([event(("SIMPLE", 1), id=f"e{n}") for n in range(MAX_EVENTS + 1)], at(0))
    assert [str(error) for error in refused] == [f"{MAX_EVENTS + 1} events; the first {MAX_EVENTS} are taken"]


def test_silence_is_a_failsafe_only_where_it_was_commissioned() -> None:
    made = source(event(("SIMPLE", 0)), rules=replace(RULES, failsafe=Power(4_200), silence_s=300))
    assert state(made, 4.9).cap == RATING
    assert (state(made, 5).cap.w, state(made, 5).source) == (4_200, LimitSource.FAILSAFE)
    assert state(source(event(("SIMPLE", 0))), 500).cap == RATING


def test_before_the_server_has_spoken_the_failsafe_holds() -> None:
    made = OpenAdrSource(replace(RULES, failsafe=Power(4_200), silence_s=300), lambda: 0.5)
    assert state(made, 0).cap.w == 4_200


def test_the_station_looks_again_when_a_signal_starts_or_ends_or_the_server_is_overdue() -> None:
    made = source(event(("SIMPLE", 1)), rules=replace(RULES, failsafe=Power(4_200), silence_s=600), minutes=-20)
    assert [made.deadline(at(m)) for m in (-20, -5, 1, 16)] == [at(-10).now, at(0).now, at(15).now, None]


def test_the_contribution_of_a_setpoint_carries_its_rank() -> None:
    (asked,) = source(event(("DISPATCH_SETPOINT", 8), priority=4)).contributions(at(0))
    assert isinstance(asked, Contribution)
    assert asked.rank == (3, 4)
