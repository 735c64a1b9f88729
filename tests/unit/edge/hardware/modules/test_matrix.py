"""Moving modules: only whole ones, only at zero current, only to a cable that is dead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.modules.matrix import MatrixConfig, Move, at_home, possible, retiring, stepped, wanted
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.control.rig import in_virtual_time
from tests.unit.edge.hardware.modules.story import BATTERY, LEFT, RIGHT, CabinetStory

HOME = {1: LEFT, 2: LEFT, 3: RIGHT, 4: RIGHT}
FIXED, MOVABLE = MatrixConfig(HOME, None), MatrixConfig(HOME, 3.0)
ALL = (1, 2, 3, 4)
RATED = Power(5500.0)


def test_a_lone_vehicle_gets_everything() -> None:
    assert set(wanted(MOVABLE, {RIGHT}).values()) == {RIGHT}
    assert wanted(MOVABLE, {LEFT, RIGHT}) == HOME
    assert wanted(MOVABLE, set()) == HOME
    assert wanted(FIXED, {RIGHT}) == HOME


def test_a_move_takes_the_contactors_time() -> None:
    matrix, moves = stepped(MOVABLE, at_home(MOVABLE), {LEFT}, (), ALL, Monotonic(10.0))
    assert moves == (Move(3, RIGHT, arrives=False), Move(4, RIGHT, arrives=False))
    assert sorted(matrix.at) == [1, 2]
    matrix, moves = stepped(MOVABLE, matrix, {LEFT}, (), ALL, Monotonic(12.9))
    assert moves == ()
    matrix, moves = stepped(MOVABLE, matrix, {LEFT}, (), ALL, Monotonic(13.0))
    assert moves == (Move(3, LEFT, arrives=True), Move(4, LEFT, arrives=True))
    assert set(matrix.at.values()) == {LEFT}


@given(st.lists(st.tuples(st.sets(st.sampled_from([LEFT, RIGHT])), st.sets(st.sampled_from(ALL)), st.booleans())))
def test_no_module_is_lost_or_moved_under_current(story: list[tuple[set[ConnectorId], set[int], bool]]) -> None:
    matrix, now = at_home(MOVABLE), 0.0
    for occupied, idle, live in story:
        now += 1.0
        before = dict(matrix.at)
        matrix, moves = stepped(MOVABLE, matrix, occupied, {LEFT} if live else (), idle, Monotonic(now))
        assert sorted({*matrix.at, *matrix.moving}) == sorted(HOME)
        assert not set(matrix.at) & set(matrix.moving)
        assert all(move.address in idle for move in moves if not move.arrives)
        assert all(address in matrix.moving or matrix.at[address] == before[address] for address in before)


def test_a_cable_that_is_live_gains_nothing() -> None:
    _, moves = stepped(MOVABLE, at_home(MOVABLE), {LEFT}, (LEFT,), ALL, Monotonic(0.0))
    assert moves == ()


def test_modules_that_should_leave_are_named() -> None:
    assert retiring(MOVABLE, at_home(MOVABLE), {LEFT}) == {3, 4}
    assert retiring(FIXED, at_home(FIXED), {LEFT}) == frozenset()


def test_possible_powers_of_a_matrix() -> None:
    splits = possible(MOVABLE, dict.fromkeys(ALL, RATED))
    assert [(split[LEFT].kw, split[RIGHT].kw) for split in splits] == [
        (0, 22.0), (5.5, 16.5), (11.0, 11.0), (16.5, 5.5), (22.0, 0),
    ]  # fmt: skip


def test_possible_powers_without_a_matrix_and_with_a_lost_module() -> None:
    assert possible(FIXED, dict.fromkeys(ALL, RATED)) == ({LEFT: Power(11_000.0), RIGHT: Power(11_000.0)},)
    assert possible(FIXED, dict.fromkeys((1, 3, 4), RATED)) == ({LEFT: RATED, RIGHT: Power(11_000.0)},)


def test_the_second_vehicle_gets_its_share_back() -> None:
    async def story() -> None:
        async with CabinetStory(switch_s=3.0) as world:
            world.occupied = {LEFT}
            await world.passes(5.0)
            assert len(world.left.bank.modules) == 4
            assert len(world.cabinet.possible()) == 5
            assert world.cabinet.switch_s == 3.0
            assert world.left.capability().max_power == Power(44_000.0)
            world.left.command(Voltage(410.0), Current(50.0))
            await world.passes(0.5)
            world.occupied = {LEFT, RIGHT}
            await world.passes(0.2)
            present = world.left.capability()
            assert present.max_power == Power(22_000.0)
            assert present.settle_s == pytest.approx(5.0, abs=0.3)
            assert world.stages[RIGHT].capability().max_power == Power(0.0)
            world.left.command(Voltage(410.0), Current(30.0))
            await world.passes(4.0)
            assert len(world.left.bank.modules) == 2
            assert world.stages[RIGHT].capability().max_power == Power(22_000.0)

    in_virtual_time(story())


def test_a_vehicle_that_does_not_follow_is_cut_to_the_remaining_modules_in_time() -> None:
    async def story() -> None:
        async with CabinetStory(switch_s=3.0) as world:
            world.occupied = {LEFT}
            await world.passes(5.0)
            world.loads[LEFT] = BATTERY
            world.left.command(Voltage(410.0), Current(100.0))
            await world.passes(1.0)
            world.occupied = {LEFT, RIGHT}
            await world.passes(4.5)
            assert sum(order.current_a for order, _ in world.left._sent.values()) > 90.0
            await world.passes(1.5)
            assert sum(order.current_a for order, _ in world.left._sent.values()) <= 60.0

    in_virtual_time(story())
