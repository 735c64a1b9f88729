"""Feeders, stations and phases between the grid connection and the connectors: one station and fifty by one code."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerctl.allocation.allocator import Rules, Snapshot, State, decide
from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import Ledger, confirmed, granted, opened
from powerctl.allocation.shares import Fairness, Share, shares
from powerctl.allocation.sharing import fill, fill_within
from powerctl.allocation.tree import Node, Tree, tree_of
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.session import Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from tests.unit.allocation.station import CURVE, LEFT, RIGHT, Bench, capability, dso, rated, report
from tests.unit.allocation.test_shares import demand, demands

LOSSLESS = Conversion()
NOW = Monotonic(1.0)


def _ids(*numbers: int) -> tuple[ConnectorId, ...]:
    return tuple(ConnectorId(number) for number in numbers)


def _feeder(limit_kw: float, *connectors: int, **how: object) -> Node:
    return replace(Node("The feeder", connectors=_ids(*connectors), limit_w=1000.0 * limit_kw), **how)  # type: ignore[arg-type]


def test_a_feeder_bounds_those_behind_it_and_the_others_take_what_they_leave() -> None:
    given_ = shares([demand(n, 22000.0) for n in (1, 2, 3)], 40000.0, LOSSLESS, tree=tree_of([_feeder(10, 1, 2)]))
    assert [given_[ConnectorId(n)].limit_w for n in (1, 2, 3)] == pytest.approx([5000.0, 5000.0, 22000.0])


def test_a_chain_of_feeders_holds_at_every_floor() -> None:
    nodes = [
        Node("Site", limit_w=30000.0),
        Node("North", parent="Site", limit_w=20000.0),
        Node("Station 1", parent="North", connectors=_ids(1, 2), limit_w=12000.0),
        Node("Station 2", parent="North", connectors=_ids(3, 4), limit_w=22000.0),
        Node("Station 3", parent="Site", connectors=_ids(5)),
    ]
    given_ = shares([demand(n, 22000.0) for n in range(1, 6)], 99000.0, LOSSLESS, tree=tree_of(nodes))
    assert [round(given_[ConnectorId(n)].limit_w) for n in range(1, 6)] == [5000, 5000, 5000, 5000, 10000]


def test_what_hangs_on_one_phase_loads_that_phase_alone() -> None:
    nodes = [
        Node("Main", phase_limit_w=8000.0, other_w=3000.0),
        Node("Three phases", parent="Main", connectors=_ids(1)),
        Node("One phase", parent="Main", connectors=_ids(2), phases=("L2",)),
    ]
    tree = tree_of(nodes)
    assert [bound.parts for bound in tree.bounds] == [{1: 1 / 3}, {1: 1 / 3, 2: 1.0}, {1: 1 / 3}]
    given_ = shares([demand(1, 22000.0), demand(2, 3500.0)], 99000.0, LOSSLESS, tree=tree)
    assert given_[RIGHT].limit_w == pytest.approx(3500.0)
    assert given_[LEFT].limit_w == pytest.approx((7000.0 - 3500.0) * 3.0)


def test_two_minimums_that_do_not_fit_on_a_feeder_pause_the_later_one() -> None:
    some = [demand(1, 22000.0, min_w=2000.0, minute=5), demand(2, 22000.0, min_w=2000.0, minute=1)]
    given_ = shares(some, 99000.0, LOSSLESS, tree=tree_of([_feeder(3, 1, 2)]))
    assert given_[LEFT].command is Command.PAUSE
    assert given_[RIGHT].limit_w == pytest.approx(3000.0)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([Node("A"), Node("A")], "same name"),
        ([Node("A", parent="B")], "no node B"),
        ([Node("A", parent="B"), Node("B", parent="A")], "feeds itself"),
        ([Node("A", connectors=_ids(1)), Node("B", connectors=_ids(1))], "two nodes"),
    ],
)
def test_what_is_no_tree_is_refused(nodes: list[Node], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tree_of(nodes)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Up to four nodes over up to six connectors; limits on some, phases of some."""
    places = draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
    nodes = []
    for number in range(4):
        parent = draw(st.integers(-1, number - 1))
        nodes.append(
            Node(
                f"node {number}",
                parent=f"node {parent}" if parent >= 0 else "",
                connectors=_ids(*(c for c, place in enumerate(places, 1) if place == number)),
                limit_w=draw(st.none() | st.floats(1, 40000)),
                phase_limit_w=draw(st.none() | st.floats(1, 12000)),
                other_w=draw(st.floats(0, 2000)),
                phases=draw(st.sampled_from([("L1", "L2", "L3"), ("L1",), ("L2", "L3")])),
            )
        )
    return tree_of(nodes)


def _room_w(tree: Tree, given_: dict[ConnectorId, Share], conversion: Conversion) -> list[float]:
    return [
        bound.capacity_w
        - sum(part * conversion.ac_w(given_[c].limit_w) for c, part in bound.parts.items() if c in given_)
        for bound in tree.bounds
    ]


@settings(deadline=None)
@given(demands, st.floats(0, 60000), trees(), st.sampled_from(Fairness), st.randoms())
def test_shares_fit_everywhere_waste_nothing_and_depend_on_no_order(
    some: list[Demand], usable_w: float, tree: Tree, fairness: Fairness, order: object
) -> None:
    conversion = Conversion(CURVE)
    given_ = dict(shares(some, usable_w, conversion, fairness, tree))
    assert sum(conversion.ac_w(share.limit_w) for share in given_.values()) <= usable_w + 1e-4
    rooms = _room_w(tree, given_, conversion)
    assert min(rooms, default=0.0) >= -1e-4
    free_w = usable_w - sum(conversion.ac_w(share.limit_w) for share in given_.values())
    for one in some:
        runs = given_[one.connector].command in (Command.RUN, Command.HOLD_MIN)
        assert given_[one.connector].limit_w >= one.min_w if runs else given_[one.connector].limit_w == 0.0
        if runs and given_[one.connector].limit_w < one.want_w - 1.0:
            mine = [room for bound, room in zip(tree.bounds, rooms, strict=True) if one.connector in bound.parts]
            assert min([free_w, *mine]) < 1.0
    shuffled = list(some)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shares(shuffled, usable_w, conversion, fairness, tree) == given_


parties = st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 20000), st.floats(0.05, 20)), min_size=1, max_size=6)


@given(parties, st.floats(0, 60000))
def test_one_bound_over_all_is_the_plain_filling(some: list[tuple[float, float, float]], room_w: float) -> None:
    floors, ceilings = [floor for floor, _, _ in some], [floor + more for floor, more, _ in some]
    weights = [weight for _, _, weight in some]
    capacity_w = sum(floors) + room_w
    alone = fill(capacity_w, floors, ceilings, weights)
    assert fill_within(
        [(capacity_w, dict.fromkeys(range(len(some)), 1.0))], floors, ceilings, weights
    ) == pytest.approx(alone, abs=1e-5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 22), st.sampled_from(Flexibility), st.floats(0, 22)), min_size=6, max_size=6),
    trees(),
    st.floats(0, 60),
)
def test_no_decision_raises_a_feeder_above_what_it_carries(
    cars: list[tuple[float, Flexibility, float]], tree: Tree, cap_kw: float
) -> None:
    """Also while limits are on their way: each bound holds what all behind it can still draw."""
    capabilities = tuple(capability(n) for n in range(1, 7))
    ledger, reports = opened(Ledger(), capabilities, Monotonic(0.0)), {}
    for number, (committed_kw, flexibility, flying_kw) in enumerate(cars, 1):
        one = report(number, committed_kw=committed_kw, flexibility=flexibility)
        reports[one.connector] = one
        ledger = confirmed(ledger, one.connector, 0, one.committed.w)
        ledger = granted(ledger, one.connector, 1, 1000.0 * flying_kw, 2.0)
    conversion = Conversion(CURVE)
    snapshot = Snapshot(dso(cap_kw), Power.from_kw(60.0), capabilities, reports, ledger)
    outcome = decide(State(conversion), snapshot, Rules(tree=tree), NOW)
    after = ledger
    for decision in outcome.decisions:
        after = granted(after, decision.connector, 99, decision.limit.w, decision.settle_s)
    for bound in tree.bounds:
        was, now = (
            sum(part * conversion.ac_w(book.bound_w(c, NOW)) for c, part in bound.parts.items())
            for book in (ledger, after)
        )
        assert now <= max(was, bound.capacity_w) + 1e-4


def test_fifty_connectors_share_by_the_same_code_and_each_knows_its_feeder() -> None:
    nodes = [Node(f"Feeder {n}", limit_w=66000.0 + 1000.0 * n) for n in range(5)]
    nodes += [
        Node(f"Station {n}", parent=f"Feeder {n % 5}", connectors=_ids(2 * n + 1, 2 * n + 2), limit_w=22000.0)
        for n in range(25)
    ]
    capabilities = tuple(capability(n) for n in range(1, 51))
    reports = {ConnectorId(n): report(n, committed_kw=1.0) for n in range(1, 51)}
    ledger = opened(Ledger(), capabilities, Monotonic(0.0))
    for one in reports.values():
        ledger = confirmed(ledger, one.connector, 0, one.committed.w)
    budget = rated(500.0)
    snapshot = Snapshot(budget, Power.from_kw(500.0), capabilities, reports, ledger)
    rules = Rules(tree=tree_of(nodes), ramp_up_w_s=1e9)
    outcome = decide(State(LOSSLESS), snapshot, rules, NOW)
    assert sum(decision.limit.w for decision in outcome.decisions) == pytest.approx(5 * 68000.0)
    first = outcome.decisions[0]
    assert first.limit.w == pytest.approx(6600.0)
    assert (first.reasons[0].source, first.reasons[0].detail) == (
        LimitSource.SHARE,
        "Feeder 0 carries 66.0 kW, shared by 10 vehicles.",
    )
    assert first.reasons[1].limit.w == pytest.approx(10000.0)


def test_a_feeder_for_one_is_named_as_equipment_and_a_vehicle_it_cannot_serve_is_told() -> None:
    bench = Bench(report(1, committed_kw=1.0), report(2, committed_kw=1.0), rules=Rules(tree=tree_of([_feeder(4, 1)])))
    decisions = bench.settle()
    assert (decisions[LEFT].reasons[0].source, decisions[LEFT].reasons[0].detail) == (
        LimitSource.HARDWARE,
        "The feeder carries 4.0 kW.",
    )
    assert decisions[RIGHT].limit.w == pytest.approx(18000.0)
    bench = Bench(report(1, committed_kw=1.0), report(2), rules=Rules(tree=tree_of([_feeder(2, 1)])))
    bench.settle()
    bench.passes(11.0)
    told = bench.decide()[LEFT]
    assert told.command is Command.PAUSE
    assert told.reasons[0].detail == "The feeder carries 2.0 kW: too little for this vehicle, which needs 2.4 kW."
