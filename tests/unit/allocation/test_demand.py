from __future__ import annotations

from dataclasses import replace

from powerctl.allocation.demand import Appetite, DemandRules, demand_of, observed
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.session import ConnectorState
from tests.unit.allocation.station import capability, report

RULES = DemandRules()
STEP_S = 0.1


def _watched(*stretches: tuple[float, ConnectorReport]) -> Appetite:
    """The appetite after reports that repeat for so many seconds each."""
    appetite, now = Appetite(session=stretches[0][1].session), 0.0
    for seconds, seen in stretches:
        for _ in range(round(seconds / STEP_S)):
            now += STEP_S
            appetite = observed(appetite, seen, RULES, Monotonic(now))
    return appetite


def test_a_session_that_has_not_drawn_yet_wants_all() -> None:
    assert _watched((10.0, report(1, target_kw=0.0, committed_kw=11.0))).want_w is None


def test_a_tapering_vehicle_releases_what_it_leaves_after_a_while() -> None:
    full = report(1, target_kw=11.0, committed_kw=11.0)
    tapering = report(1, target_kw=5.2, committed_kw=11.0)
    want_w = _watched((1.0, full), (6.0, tapering)).want_w
    assert want_w is not None
    assert 5200.0 < want_w <= 6100.0


def test_a_short_dip_releases_nothing() -> None:
    full = report(1, target_kw=11.0, committed_kw=11.0)
    dip = report(1, target_kw=2.0, committed_kw=11.0)
    want_w = _watched((1.0, full), (3.0, dip)).want_w
    assert want_w is None or want_w >= 11000.0


def test_a_vehicle_at_its_offer_may_want_more_at_once() -> None:
    tapering = report(1, target_kw=5.2, committed_kw=11.0)
    at_the_offer = report(1, target_kw=5.8, committed_kw=6.0)
    assert _watched((6.0, tapering), (STEP_S, at_the_offer)).want_w is None


def test_a_small_change_of_the_wish_changes_nothing() -> None:
    first = _watched((6.0, report(1, target_kw=5.2, committed_kw=11.0)))
    second = _watched(
        (6.0, report(1, target_kw=5.2, committed_kw=11.0)), (6.0, report(1, target_kw=5.0, committed_kw=6.0))
    )
    assert first.want_w == second.want_w


def test_a_new_session_starts_with_a_clean_sheet() -> None:
    appetite = _watched((6.0, report(1, target_kw=5.2, committed_kw=11.0)))
    assert observed(appetite, report(1, session="other"), RULES, Monotonic(9.0)).want_w is None


def test_idle_connectors_demand_nothing() -> None:
    for state in ConnectorState:
        active = state in (ConnectorState.STARTING, ConnectorState.CHARGING, ConnectorState.PAUSED)
        assert (demand_of(capability(1), report(1, state), Appetite()) is not None) is active


def test_bounds_are_those_of_vehicle_and_connector() -> None:
    demand = demand_of(capability(1, max_kw=11.0), report(1, min_kw=2.4), Appetite())
    assert demand is not None
    assert (demand.min_w, demand.want_w, demand.tapers) == (2400.0, 11000.0, False)


def test_a_wish_below_the_minimum_is_the_minimum() -> None:
    demand = demand_of(capability(1), report(1, min_kw=2.4), Appetite(want_w=800.0))
    assert demand is not None
    assert (demand.min_w, demand.want_w, demand.tapers) == (2400.0, 2400.0, True)


def test_a_vehicle_that_wanted_more_has_time_to_take_it() -> None:
    tapering = report(1, target_kw=5.2, committed_kw=11.0)
    at_the_offer = report(1, target_kw=6.0, committed_kw=6.0)
    follows_slowly = report(1, target_kw=6.4, committed_kw=11.0)
    assert _watched((6.0, tapering), (STEP_S, at_the_offer), (4.0, follows_slowly)).want_w is None


def test_a_vehicle_held_at_its_minimum_wants_all_it_can_get() -> None:
    # Amperes are announced whole: at its minimum a vehicle asks for less watts than it was promised, and is not sated.
    held = replace(report(1, target_kw=1.9, committed_kw=2.46), wants_more=True)
    assert _watched((60.0, held)).want_w is None
    assert _watched((60.0, replace(held, wants_more=False))).want_w is not None
