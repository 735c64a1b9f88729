from __future__ import annotations

import pytest

from edge.chademo import effects as fx
from edge.chademo.phase import Phase
from edge.chademo.timing import ANSWER_S, K_TO_D2_S
from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from powerctl.core.setpoint import Command
from powerctl.core.units import Energy, Voltage
from tests.scenarios.chademo.rig import ORDERLY, Rig

pytestmark = pytest.mark.parametrize("model", ORDERLY)


def test_a_car_plugs_in_starts_and_draws_what_it_may(model: str) -> None:
    rig = Rig(model).charging(kw=15)
    assert rig.states() == [State.OCCUPIED, State.STARTING, State.CHARGING]
    assert rig.gives(15000)
    assert rig.faults == set()


def test_the_status_bits_are_those_of_every_good_recorded_session(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED)
    assert [int(flag) for flag in rig.flags()] == [0x20, 0x24, 0x05, 0x25, 0x24, 0x20]


def test_the_order_of_the_start_is_that_of_the_protocol(model: str) -> None:
    rig = Rig(model).charging()
    kinds = (fx.SwitchD1, fx.Lock, fx.TestInsulation, fx.OutputOff, fx.SwitchD2, fx.TransactionBegan)
    assert [effect for _, effect in rig.effects if isinstance(effect, kinds)] == [
        fx.SwitchD1(on=True),
        fx.Lock(on=True),
        fx.TestInsulation(Voltage(500.0)),
        fx.OutputOff(urgent=False),
        fx.SwitchD2(on=True),
        fx.TransactionBegan("command-1"),
    ]


def test_the_station_is_silent_until_the_car_has_spoken(model: str) -> None:
    rig = Rig(model).plug().start().until(lambda rig: bool(rig.heard), within=5)
    assert rig.sent == []
    assert len(rig.passes(0.1).sent) == 2


def test_the_cars_time_windows_are_kept(model: str) -> None:
    rig = Rig(model).charging()
    permitted = next(at for at, frame in rig.heard if frame.flags & 1)
    standing_a = MODELS[model].standing_a
    requested = next(at for at, frame in rig.heard if frame.requested_current_a > standing_a)
    answered = next(at for at, frame in rig.sent if getattr(frame, "flags", 0) & 1)
    assert rig.at(fx.SwitchD2(on=True)) - permitted <= K_TO_D2_S
    assert answered - requested <= ANSWER_S


def test_no_current_flows_before_the_transaction_has_begun(model: str) -> None:
    rig = Rig(model).charging()
    began = rig.at(fx.TransactionBegan("command-1"))
    assert max(watts for at, watts in rig.watt_log if at <= began) == 0.0


def test_state_of_charge_and_capacity_show_only_when_they_mean_something(model: str) -> None:
    rig = Rig(model, soc=40).plug().start().passes(2)
    assert (rig.status.soc_percent, rig.status.capacity) == (None, None)
    rig.offer(22).until_state(State.CHARGING)
    legacy = MODELS[model].protocol_number < 2
    capacity = None if legacy else Energy(MODELS[model].usable_kwh * 1000)
    assert (rig.status.soc_percent, rig.status.capacity) == (40, capacity)


def test_a_session_that_may_draw_nothing_yet_starts_paused_and_goes_on(model: str) -> None:
    rig = Rig(model).plug().offer(0, command=Command.PAUSE).start().until_state(State.PAUSED)
    assert rig.done(fx.TransactionBegan) == [fx.TransactionBegan("command-1")]
    rig.passes(20).offer(8).passes(10)
    assert rig.status.state is State.CHARGING
    assert rig.gives(8000)


def test_a_start_without_a_plug_or_in_a_running_session_changes_nothing(model: str) -> None:
    assert Rig(model).passes(0.2).start().passes(2).states() == []
    rig = Rig(model).charging()
    assert rig.start().passes(1).status.state is State.CHARGING
    assert len(rig.done(fx.TransactionBegan)) == 1


def test_a_stopped_session_can_be_started_again(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED).start().until_state(State.CHARGING)
    assert len(rig.done(fx.TransactionBegan)) == 2


@pytest.mark.parametrize("phase", [Phase.WAKING, Phase.AGREEING, Phase.TESTING, Phase.CLOSING, Phase.REQUESTING])
def test_a_stop_during_the_start_ends_it_without_a_transaction(model: str, phase: Phase) -> None:
    if phase is Phase.REQUESTING and MODELS[model].standing_a:
        pytest.skip("this car asks for current before its contactor is closed")
    rig = Rig(model).plug().offer(22).start().until(lambda rig: rig.station.phase is phase, within=30)
    rig.stop().until_state(State.FINISHED, within=20)
    assert rig.done(fx.TransactionBegan) == []
    assert rig.done(fx.TransactionOver) == []
    assert (rig.d1, rig.d2, rig.locked, rig.faults) == (False, False, False, set())
