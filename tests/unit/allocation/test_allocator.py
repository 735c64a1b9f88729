from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerctl.allocation.allocator import Rules, Snapshot, State, decide
from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import Ledger, confirmed, granted, opened
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power, Voltage
from tests.unit.allocation.station import CURVE, LEFT, RIGHT, Bench, capability, dso, rated, report

IDLE = ConnectorState.AVAILABLE


def test_one_vehicle_takes_all() -> None:
    decisions = Bench(report(1), report(2, IDLE)).settle()
    assert decisions[LEFT].limit == Power.from_kw(22.0)
    assert (decisions[RIGHT].command, decisions[RIGHT].limit) == (Command.RUN, ZERO_POWER)


def test_two_vehicles_share_evenly() -> None:
    decisions = Bench(report(1), report(2)).settle()
    assert decisions[LEFT].limit == decisions[RIGHT].limit == Power.from_kw(11.0)
    assert decisions[LEFT].reasons[0].source is LimitSource.SHARE


def test_the_second_vehicle_waits_until_the_first_has_released() -> None:
    bench = Bench(report(1, committed_kw=22.0), report(2, ConnectorState.STARTING))
    first = bench.decide()
    assert (first[LEFT].limit, first[RIGHT].limit) == (Power.from_kw(11.0), ZERO_POWER)
    assert first[RIGHT].reasons[0].source is LimitSource.HANDOVER
    bench.obey(first, LEFT)
    assert bench.decide()[RIGHT].limit == Power.from_kw(11.0)


def test_the_second_vehicle_is_given_no_part_of_its_minimum_while_it_waits() -> None:
    bench = Bench(report(1, committed_kw=21.0), report(2, ConnectorState.CHARGING, min_kw=3.0))
    first = bench.decide()
    assert first[LEFT].limit == Power.from_kw(11.0)
    assert first[RIGHT].limit == ZERO_POWER
    bench.obey(first, LEFT)
    assert bench.decide()[RIGHT].limit == Power.from_kw(11.0)


def test_a_cap_is_shared_and_says_who_set_it() -> None:
    bench = Bench(report(1, committed_kw=11.0), report(2, committed_kw=11.0), budget=dso(8.0))
    decisions = bench.decide()
    assert decisions[LEFT].limit == decisions[RIGHT].limit == Power.from_kw(4.0)
    assert decisions[LEFT].settle_s == 2.0
    first = decisions[LEFT].reasons[0]
    assert (first.source, first.limit) == (LimitSource.DSO, Power.from_kw(4.0))
    assert first.detail == "The grid operator limits the station to 8.0 kW, shared by 2 vehicles."


def test_a_cap_too_low_for_two_pauses_one_and_says_so() -> None:
    bench = Bench(
        report(1, committed_kw=11.0, minutes_ago=5), report(2, committed_kw=11.0, minutes_ago=20), budget=dso(4.2)
    )
    decisions = bench.decide()
    assert (decisions[LEFT].command, decisions[LEFT].limit) == (Command.PAUSE, ZERO_POWER)
    assert decisions[RIGHT].limit == Power.from_kw(4.2)
    assert "needs at least 2.4 kW" in decisions[LEFT].reasons[0].detail


def test_a_cap_includes_losses_and_auxiliaries() -> None:
    bench = Bench(report(1, committed_kw=11.0), report(2, IDLE), budget=dso(4.2))
    bench.state = State(Conversion(CURVE, auxiliary_w=150.0))
    limit = bench.decide()[LEFT].limit
    assert 150.0 + CURVE.ac_w(limit.w) == pytest.approx(4200.0)


def test_a_lifted_cap_comes_back_on_a_ramp() -> None:
    bench = Bench(report(1, committed_kw=4.2), report(2, IDLE), budget=dso(4.2), rules=Rules(ramp_up_w_s=1000.0))
    bench.settle()
    bench.budget = rated()
    bench.passes(0.0)
    seen = []
    for _ in range(22):
        bench.passes(1.0)
        decisions = bench.decide()
        bench.obey(decisions)
        seen.append(decisions[LEFT])
    assert all(after.limit.w - before.limit.w <= 1000.0 + 1e-6 for before, after in pairwise(seen))
    assert seen[3].reasons[0].source is LimitSource.RAMP
    assert seen[-1].limit == Power.from_kw(22.0)


def test_on_a_ramp_nothing_waits_for_the_other_connector() -> None:
    bench = Bench(report(1, committed_kw=4.2), report(2, IDLE), budget=dso(4.2), rules=Rules())
    bench.settle()
    bench.budget = rated()
    for _ in range(50):
        bench.passes(0.013)
        decisions = bench.decide()
        bench.obey(decisions)
        assert decisions[LEFT].reasons[0].source is LimitSource.RAMP


def test_a_slower_ramp_of_the_grid_holds() -> None:
    bench = Bench(report(1, committed_kw=4.2), report(2, IDLE), budget=dso(4.2))
    bench.settle()
    bench.budget = replace(rated(), ramp_up_w_s=100.0)
    bench.passes(2.0)
    assert bench.decide()[LEFT].limit.w == pytest.approx(4400.0)
    assert bench.outcome is not None
    assert bench.outcome.next_at is not None


def test_a_paused_session_comes_back_after_a_while_and_only_with_its_minimum() -> None:
    bench = Bench(report(1, committed_kw=5.0), report(2, IDLE), budget=dso(1.0), rules=Rules(ramp_up_w_s=1e9))
    bench.settle()
    bench.budget = rated()
    bench.passes(5.0)
    early = bench.decide()
    assert early[LEFT].command is Command.PAUSE
    assert "in a few seconds" in early[LEFT].reasons[0].detail
    bench.passes(5.0)
    assert bench.decide()[LEFT].command is Command.RUN


def test_a_tapering_vehicle_leaves_the_rest_and_gets_it_back() -> None:
    bench = Bench(report(1, committed_kw=11.0, target_kw=11.0), report(2, committed_kw=11.0))
    for _ in range(70):
        bench.reports_again(replace(bench.reports[LEFT], target=Power.from_kw(5.2)))
        bench.obey(bench.decide())
        bench.passes(0.1)
    decisions = bench.decide()
    assert decisions[LEFT].limit.w == pytest.approx(6000.0, abs=100)
    assert decisions[RIGHT].limit.w == pytest.approx(16000.0, abs=100)
    assert decisions[LEFT].reasons[0].source is LimitSource.VEHICLE
    bench.reports_again(replace(bench.reports[LEFT], target=decisions[LEFT].limit))
    assert bench.settle()[LEFT].limit == Power.from_kw(11.0)


def test_the_cable_is_named_while_charging_and_not_while_the_output_is_tested() -> None:
    low = replace(report(1), voltage=Voltage(100.0))
    charging = Bench(low, report(2, IDLE)).decide()[LEFT]
    starting = Bench(replace(low, state=ConnectorState.STARTING), report(2, IDLE)).decide()[LEFT]
    assert charging.reasons[0].detail == "The cable carries 60.0 A, which is 6.0 kW at 100 V."
    assert LimitSource.CABLE not in {limit.source for limit in starting.reasons}


def test_weights_shape_the_shares() -> None:
    bench = Bench(report(1), report(2))
    bench.weights = {LEFT: 3.0, RIGHT: 1.0}
    decisions = bench.settle()
    assert decisions[LEFT].limit == Power.from_kw(16.5)
    assert decisions[RIGHT].reasons[0].source is LimitSource.PLAN


def test_an_emergency_stops_every_connector_at_once() -> None:
    budget = Budget(ZERO_POWER, LimitSource.EMERGENCY, "Emergency.", command=Command.EMERGENCY)
    decisions = Bench(report(1, committed_kw=11.0), report(2, IDLE), budget=budget).decide()
    assert {d.command for d in decisions.values()} == {Command.EMERGENCY}
    assert {d.settle_s for d in decisions.values()} == {0.0}


def test_a_pause_of_the_station_pauses_flexible_and_stops_firm_sessions_for_good() -> None:
    budget = Budget(ZERO_POWER, LimitSource.DSO, "The grid operator asks for a pause.", command=Command.PAUSE)
    bench = Bench(report(1, committed_kw=5.0), report(2, committed_kw=5.0, flexibility=Flexibility.FIRM), budget=budget)
    decisions = bench.settle()
    assert (decisions[LEFT].command, decisions[RIGHT].command) == (Command.PAUSE, Command.STOP)
    bench.budget = rated()
    bench.passes(60.0)
    assert bench.settle()[RIGHT].command is Command.STOP
    bench.reports_again(report(2, session="next"))
    assert bench.settle()[RIGHT].command is Command.RUN


def test_tiny_increases_wait_for_the_renewal() -> None:
    bench = Bench(report(1, committed_kw=8.0), report(2, IDLE), budget=dso(8.0), rules=Rules(ramp_up_w_s=1e9))
    bench.settle()
    for cap_kw, after_s, limit_kw in [(8.05, 0.5, 8.0), (8.2, 0.1, 8.2), (8.25, 0.9, 8.2), (8.25, 0.1, 8.25)]:
        bench.budget = dso(cap_kw)
        bench.passes(after_s)
        assert bench.decide()[LEFT].limit == Power.from_kw(limit_kw)


reports = st.builds(
    report,
    st.just(1),
    st.sampled_from(ConnectorState),
    target_kw=st.floats(0, 30),
    committed_kw=st.floats(0, 30),
    min_kw=st.floats(0, 5),
    flexibility=st.sampled_from(Flexibility),
    minutes_ago=st.integers(0, 3),
)
flights = st.lists(st.tuples(st.sampled_from([LEFT, RIGHT]), st.floats(0, 25000)), max_size=4)


def _snapshot(
    left: ConnectorReport, right: ConnectorReport, flying: list[tuple[int, float]], cap_kw: float
) -> Snapshot:
    capabilities = (capability(1), capability(2))
    right = replace(right, connector=RIGHT)
    ledger = opened(Ledger(), capabilities, Monotonic(0.0))
    for one in (left, right):
        ledger = confirmed(ledger, one.connector, 0, one.committed.w)
    for sequence, (connector, limit_w) in enumerate(flying, 1):
        ledger = granted(ledger, LEFT if connector == 1 else RIGHT, sequence, limit_w, 2.0)
    return Snapshot(dso(cap_kw), Power.from_kw(22.0), capabilities, {LEFT: left, RIGHT: right}, ledger)


@settings(deadline=None)
@given(reports, reports, flights, st.floats(0, 30), st.floats(0.97, 1.1))
def test_no_decision_raises_the_station_above_the_cap(
    left: ConnectorReport, right: ConnectorReport, flying: list[tuple[int, float]], cap_kw: float, factor: float
) -> None:
    conversion = Conversion(CURVE, auxiliary_w=150.0, factor=factor)
    snapshot = _snapshot(left, right, flying, cap_kw)
    now = Monotonic(1.0)
    outcome = decide(State(conversion), snapshot, Rules(), now)
    before_w = snapshot.ledger.committed_w(conversion, now)
    ledger = snapshot.ledger
    for decision in outcome.decisions:
        ledger = granted(ledger, decision.connector, 99, decision.limit.w, decision.settle_s)
        if decision.command not in (Command.RUN, Command.HOLD_MIN):
            assert decision.limit == ZERO_POWER
    limits_w = conversion.station_w(decision.limit.w for decision in outcome.decisions)
    assert limits_w <= max(min(cap_kw, 22.0) * 1000, conversion.auxiliary_w) + 1e-4
    assert ledger.committed_w(conversion, now) <= max(before_w, min(cap_kw, 22.0) * 1000) + 1e-4


@settings(deadline=None)
@given(reports, reports, st.floats(0, 30), st.randoms())
def test_the_order_of_the_connectors_changes_nothing(
    left: ConnectorReport, right: ConnectorReport, cap_kw: float, order: Random
) -> None:
    snapshot = _snapshot(left, right, [], cap_kw)
    turned = replace(
        snapshot,
        capabilities=snapshot.capabilities[::-1],
        reports=dict(reversed(list(snapshot.reports.items()))),
        ledger=Ledger(dict(reversed(list(snapshot.ledger.accounts.items())))),
    )
    state = State(Conversion(CURVE))
    assert decide(state, snapshot, Rules(), Monotonic(1.0)) == decide(state, turned, Rules(), Monotonic(1.0))


@settings(deadline=None)
@given(reports, reports, flights, st.floats(0, 30))
def test_every_decision_has_a_reason_and_the_first_one_binds(
    left: ConnectorReport, right: ConnectorReport, flying: list[tuple[int, float]], cap_kw: float
) -> None:
    outcome = decide(State(Conversion(CURVE)), _snapshot(left, right, flying, cap_kw), Rules(), Monotonic(1.0))
    for decision in outcome.decisions:
        limits = [limit.limit for limit in decision.reasons]
        assert limits == sorted(limits)
        assert decision.reasons[0].detail.endswith(".")
        assert decision.limit.w <= limits[0].w + 1.0
