from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.chademo.events import LinesRead, Tick
from edge.chademo.frames import BatteryLimits, VehicleFlag
from edge.chademo.session import idle, status
from edge.chademo.status import Status
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from tests.unit.edge.chademo.story import CONFIG, NOW, PLUGGED, charging, control, fed, frame, measured, offer


def now_of(session_kw: float = 20.0, *, amperes: float = 0.0) -> Status:
    return status(fed(charging(kw=session_kw), measured(400.0, amperes))[0])


def test_an_idle_connector_promises_what_it_was_offered() -> None:
    session, _ = fed(idle(CONFIG), PLUGGED, offer(5.0))
    assert status(session).committed == Power(5000.0)
    session, _ = fed(session, offer(0.0, Command.PAUSE))
    assert status(session).committed == ZERO_POWER


def test_an_offer_above_the_rating_promises_the_rating() -> None:
    session, _ = fed(idle(CONFIG), offer(50.0))
    assert status(session).committed == CONFIG.max_power


@pytest.mark.parametrize("command", [Command.PAUSE, Command.STOP, Command.EMERGENCY])
def test_commands_that_mean_zero_promise_zero_whatever_limit_they_carry(command: Command) -> None:
    session, _ = fed(idle(CONFIG), offer(9.0, command))
    assert status(session).committed == ZERO_POWER


def test_what_is_measured_counts_while_it_is_clearly_above_the_promise() -> None:
    assert now_of(4.0, amperes=10.4).committed == Power(4000.0)
    assert now_of(4.0, amperes=20.0).committed == Power(8000.0)


def test_plugged_follows_the_lines() -> None:
    session, _ = fed(idle(CONFIG), PLUGGED)
    assert status(session).plugged is True
    session, _ = fed(session, LinesRead(k=False, prox=False, lock_feedback=False, pe=True))
    assert (status(session).plugged, status(session).state) == (False, ConnectorState.AVAILABLE)


def test_limits_of_our_own_come_lowest_first() -> None:
    session, _ = fed(charging(), frame(control(20)))
    assert [limit.source for limit in status(session).own_limits] == [
        LimitSource.VEHICLE,
        LimitSource.MODULES,
        LimitSource.CABLE,
    ]


def test_the_minimum_counts_vehicle_and_power_stage() -> None:
    assert now_of().min_power == Power(6 * 410.0)
    config = replace(CONFIG, min_power=Power(3000.0))
    assert status(charging(config)).min_power.w == pytest.approx(3000.0)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(VehicleFlag.ENABLED, Flexibility.SLOW), (VehicleFlag.ENABLED | VehicleFlag.LEGACY_DYNAMIC, Flexibility.FAST)],
)
def test_flexibility_begins_with_what_the_vehicle_says(flags: VehicleFlag, expected: Flexibility) -> None:
    session, _ = fed(charging(), frame(control(20, flags=flags)))
    assert status(session).flexibility is expected


@pytest.mark.parametrize(("reference", "percent"), [(100, 55.0), (200, 27.5), (50, 100.0), (0, None)])
def test_state_of_charge_is_a_share_of_the_reference(reference: int, percent: float | None) -> None:
    session, _ = fed(charging(), frame(BatteryLimits(6, 0, 0, 435, reference)))
    assert status(session).soc_percent == percent


steps = st.tuples(
    st.floats(0.0, 24.0),
    st.sampled_from([Command.RUN, Command.RUN, Command.HOLD_MIN, Command.PAUSE, Command.EMERGENCY]),
    st.none() | st.floats(0.0, 6.0),
    st.integers(0, 25),
    st.integers(0, 130),
    st.floats(320.0, 409.0),
)


@settings(deadline=None)
@given(story=st.lists(steps, min_size=1, max_size=6))
def test_what_is_commanded_never_exceeds_promise_request_or_settled_offer(
    story: list[tuple[float, Command, float | None, int, int, float]],
) -> None:
    """Output is command times measured voltage. The promise falls, and rises with a higher offer only."""
    session, now = charging(), float(NOW)
    due: list[tuple[float, float]] = []
    for kw, command, settle_s, periods, request_a, volts in story:
        zero = command in {Command.PAUSE, Command.EMERGENCY}
        limit_w = 0.0 if zero else min(kw * 1000.0, CONFIG.max_power.w)
        promised_w = status(session).committed.w
        session, _ = fed(session, offer(kw, command, None if settle_s is None else now + settle_s), now=now)
        due = [(max(limit, limit_w), at) for limit, at in due] + [(limit_w, now + (settle_s or 0.0))]
        for period in range(periods + 1):
            seen = status(session)
            flowing_w = session.output.voltage_v * session.output.current_a
            assert seen.committed.w <= max(promised_w, flowing_w, limit_w if period == 0 else 0.0) + 1e-6
            promised_w = seen.committed.w
            watts = session.commanded_a * session.voltage_v
            assert watts <= promised_w + 1e-6
            assert session.commanded_a <= seen.requested_current.a
            assert all(watts <= limit + 1e-6 for limit, at in due if now >= at)
            now += 0.1
            amperes = min(session.commanded_a, promised_w / volts)
            alive = LinesRead(k=True, prox=True, lock_feedback=True, pe=True)
            session, _ = fed(session, alive, frame(control(request_a)), measured(volts, amperes), Tick(), now=now)
            assert session.live
