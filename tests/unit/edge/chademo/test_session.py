from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.chademo import effects as fx
from edge.chademo.events import (
    EmergencyStop,
    Event,
    FaultReleased,
    FrameReceived,
    LinesRead,
    Measured,
    Offer,
    OfferChanged,
    StartRequested,
    StopRequested,
    Tick,
)
from edge.chademo.frames import VehicleFlag
from edge.chademo.phase import ENDING, IDLE, LIVE, LOOKS, Phase
from edge.chademo.session import _rule, advance, frames_due, idle, status
from edge.chademo.state import Session
from edge.chademo.table import When
from edge.chademo.timing import Time
from powerctl.core.clock import Monotonic
from powerctl.core.fault import Fault
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.chademo.story import (
    CONFIG,
    LIMITS,
    NOW,
    PLUGGED,
    after_test,
    charging,
    control,
    fed,
    frame,
    measured,
    offer,
    waking,
)


def test_wrong_lengths_and_unknown_identifiers_are_counted_and_ignored() -> None:
    before = waking()
    session, effects = fed(
        before, FrameReceived(0x102, bytes(7)), FrameReceived(0x123, bytes(8)), FrameReceived(0x102, b"")
    )
    assert session.rejected == 3
    assert (session.phase, session.heard, effects) == (before.phase, before.heard, [])


def test_frames_that_vehicles_send_beside_the_sequence_are_not_counted() -> None:
    session, _ = fed(waking(), *(FrameReceived(frame_id, bytes(8)) for frame_id in (0x200, 0x201, 0x202, 0x700)))
    assert session.rejected == 0


def test_frames_before_the_start_are_not_taken_for_a_session() -> None:
    session, _ = fed(idle(CONFIG), PLUGGED, frame(control()), Tick())
    assert session.heard.at is None
    assert frames_due(session) == ()


def test_a_command_is_the_least_of_request_announcement_and_power() -> None:
    session = charging(kw=4.2, request_a=125)
    for period in range(1, 20):
        now = NOW + period * 0.1
        session, effects = fed(session, measured(400.0), frame(control(125)), lines(), Tick(), now=now)
    assert fx.CommandOutput(Voltage(410.0), Current(10.5)) in effects


def lines(*, k: bool = True, prox: bool = True) -> LinesRead:
    return LinesRead(k=k, prox=prox, lock_feedback=True, pe=True)


def test_a_command_rises_on_ticks_by_two_amperes_and_falls_at_once() -> None:
    session, effects = fed(charging(), Tick(), now=NOW + 0.1)
    assert session.commanded_a == 2.0
    session, effects = fed(session, frame(control(1)), now=NOW + 0.11)
    assert effects == [fx.CommandOutput(Voltage(410.0), Current(1.0))]


def test_a_request_alone_never_raises_the_command() -> None:
    session, effects = fed(charging(), frame(control(125)), measured(400.0), lines())
    assert (session.commanded_a, effects) == (0.0, [])


def test_more_voltage_means_less_current_before_the_next_tick() -> None:
    session = charging(kw=4.0)
    for period in range(1, 10):
        session, _ = fed(session, measured(400.0), frame(control(125)), lines(), Tick(), now=NOW + period * 0.1)
    session, _ = fed(session, measured(420.0), now=NOW + 0.95)
    assert session.commanded_a * 420.0 <= 4000.0


def test_an_offer_without_settle_time_is_commanded_in_the_same_advance() -> None:
    assert loaded().commanded_a == 18.0
    session, effects = fed(loaded(), offer(2.8), now=NOW + 0.95)
    assert effects == [fx.CommandOutput(Voltage(410.0), Current(7.0))]
    assert frames_due(session)[0][1][3] == 7


def loaded() -> Session:
    """In charging, 18 A commanded."""
    session = charging()
    for period in range(1, 10):
        session, _ = fed(session, measured(400.0, 18.0), frame(control(125)), lines(), Tick(), now=NOW + period * 0.1)
    return session


def test_the_line_alone_takes_the_current_away_in_the_same_advance() -> None:
    session, effects = fed(loaded(), lines(k=False), now=NOW + 0.95)
    assert fx.CommandOutput(Voltage(410.0), Current(0.0)) in effects
    assert session.ending is not None
    assert session.ending.reason is StopReason.VEHICLE


def test_a_stop_of_ours_ramps_until_the_vehicle_withdraws_its_permission() -> None:
    session, _ = fed(loaded(), StopRequested(StopReason.DRIVER), Tick(), now=NOW + 0.95)
    assert session.commanded_a == 13.0
    _, effects = fed(session, frame(control(18, flags=VehicleFlag(0))), now=NOW + 0.96)
    assert effects == [fx.CommandOutput(Voltage(410.0), Current(0.0))]


def test_less_voltage_than_a_battery_has_is_not_taken_for_room() -> None:
    """A glitch of the measurement must not let the current rise."""
    session, _ = fed(charging(kw=4.0), measured(30.0), frame(control(125)), lines())
    for period in range(1, 12):
        session, _ = fed(session, measured(30.0), frame(control(125)), lines(), Tick(), now=NOW + period * 0.1)
    assert session.commanded_a * 410.0 <= 4000.0


def test_hold_min_shows_in_the_next_frame() -> None:
    before = loaded()
    session, _ = fed(before, offer(20.0, Command.HOLD_MIN), now=NOW + 0.95)
    assert frames_due(session)[0][1][3] < frames_due(before)[0][1][3]


def test_the_target_voltage_is_that_of_d2() -> None:
    def saying(volts: int) -> FrameReceived:
        return FrameReceived(0x102, bytes((2, volts & 255, volts >> 8)) + control(9).encode()[3:])

    session, _ = fed(waking(), frame(LIMITS), saying(410), lines(), measured(0.0), measured(500.0))
    session, _ = fed(after_test(session, saying(400)), measured(0.0), offer(20.0), saying(430))
    session, _ = fed(session, measured(380.0), Tick())
    assert session.phase is Phase.CHARGING
    assert status(session).min_power == Power(6 * 400.0)


def test_a_second_fault_trips_again() -> None:
    session, _ = fed(loaded(), EmergencyStop("Button."), now=NOW + 0.95)
    session, effects = fed(session, LinesRead(k=True, prox=True, lock_feedback=True, pe=False), now=NOW + 0.96)
    assert fx.OutputOff(urgent=True) in effects
    assert session.phase is Phase.TRIPPING


def test_a_start_that_is_asked_for_twice_keeps_the_first_command() -> None:
    session, _ = fed(waking(), StartRequested("c2"))
    assert session.start == "c1"


def test_silent_lines_are_a_pulled_plug() -> None:
    session, effects = fed(charging(), measured(400.0), frame(control(9)), Tick(), now=NOW + 0.6)
    assert fx.OutputOff(urgent=True) in effects
    assert session.ending is not None
    assert session.ending.reason is StopReason.UNPLUGGED


def test_a_silent_measurement_is_a_fault() -> None:
    _, effects = fed(charging(), lines(), frame(control(9)), Tick(), now=NOW + 0.6)
    assert [effect.fault.code for effect in effects if isinstance(effect, fx.FaultSeen)] == ["measurement"]


def test_a_vehicle_that_leaves_park_ends_charging() -> None:
    flags = VehicleFlag.ENABLED | VehicleFlag.NOT_PARKED
    session, _ = fed(charging(), frame(control(9, flags=flags)))
    assert session.ending is not None
    assert session.ending.reason is StopReason.VEHICLE


def test_a_vehicle_of_protocol_0_9_says_nothing_about_its_contactor() -> None:
    old = FrameReceived(0x102, bytes((1,)) + control().encode()[1:])
    session, _ = fed(waking(), frame(LIMITS), old, lines(k=True), measured(500.0))
    session, _ = fed(session, lines(), measured(500.0))
    session, _ = fed(after_test(session, old), measured(0.0))
    assert session.phase is Phase.CLOSING
    session, _ = fed(session, measured(380.0))
    assert session.phase is Phase.REQUESTING


def test_a_vehicle_of_1_0_that_never_shows_its_contactor_open_is_treated_as_an_older_one() -> None:
    session = charging()
    assert session.pact is not None
    assert (session.pact.protocol_number, session.pact.says_contactor) == (2, False)


def test_values_of_an_older_protocol_are_not_read_from_fields_that_it_does_not_have() -> None:
    old = FrameReceived(0x102, bytes((1,)) + control().encode()[1:])
    session, _ = fed(waking(), frame(LIMITS), old, lines(k=True))
    assert session.pact is not None
    assert session.pact.min_current_a == 0


def test_a_request_of_255_is_looked_up_elsewhere_only_with_high_current_control() -> None:
    plain, high = (FrameReceived(0x110, bytes((bits, 44, 1, 0, 0, 0, 0, 0))) for bits in (1, 3))
    session, _ = fed(waking(), frame(control(255)), plain)
    assert session.heard.request_a == 255
    session, _ = fed(session, high)
    assert session.heard.request_a == 300


def test_the_steps_between_permission_and_d2_share_twenty_seconds() -> None:
    config = replace(CONFIG, times={Time.LOCK: 15.0, Time.TEST: 15.0})
    session, _ = fed(waking(config), frame(LIMITS), frame(control()), LinesRead(True, True, False, True))
    late = Monotonic(NOW + 14)
    session = replace(session, heard=replace(session.heard, at=late), output=replace(session.output, at=late))
    session, _ = fed(session, lines(), now=late)
    assert session.phase is Phase.TESTING
    assert session.deadline == NOW + 20


def test_latched_faults_survive_a_restart_of_the_controller() -> None:
    session, effects = fed(idle(CONFIG, [Fault("insulation", "Low.", latched=True)]), PLUGGED)
    assert session.phase is Phase.FAULTED
    assert fx.StateChanged(ConnectorState.FAULTED, "Low.") in effects
    session, effects = fed(session, FaultReleased())
    assert session.phase is Phase.OCCUPIED


def test_a_release_of_one_code_leaves_the_others() -> None:
    standing = [Fault("insulation", "Low.", latched=True), Fault("power_stage", "Hot.", latched=True)]
    session, _ = fed(idle(CONFIG, standing), PLUGGED, FaultReleased(frozenset({"power_stage"})))
    assert [fault.code for fault in session.faults] == ["insulation"]


def test_a_release_does_not_hide_a_fault_that_still_stands() -> None:
    session, _ = fed(idle(CONFIG), LinesRead(k=False, prox=True, lock_feedback=False, pe=False), FaultReleased())
    assert session.phase is Phase.FAULTED


def test_a_fault_is_told_once() -> None:
    _, effects = fed(charging(), EmergencyStop("Button."), Tick(), Tick(), EmergencyStop("Button."))
    assert len([effect for effect in effects if isinstance(effect, fx.FaultSeen)]) == 1
    assert len([effect for effect in effects if effect == fx.OutputOff(urgent=True)]) == 1


def test_the_same_event_twice_gives_the_same_result() -> None:
    session = charging()
    assert advance(session, Tick(), NOW) == advance(session, Tick(), NOW)


volts = st.floats(0.0, 600.0)
amperes = st.floats(-5.0, 200.0)
frames = st.builds(
    FrameReceived, st.sampled_from([0x100, 0x101, 0x102, 0x102, 0x102, 0x110, 0x200, 0x555]), st.binary(max_size=9)
)
likely = st.sampled_from(
    [
        frame(LIMITS),
        *(frame(control(request_a)) for request_a in (0, 9, 125)),
        frame(control(flags=VehicleFlag(0))),
        frame(control(flags=VehicleFlag.ENABLED | VehicleFlag.CONTACTOR_OPEN)),
        frame(control(faults=4)),
        lines(),
        lines(k=False),
        lines(prox=False),
        PLUGGED,
        measured(0.0),
        measured(500.0),
        measured(390.0, 10.0),
        measured(500.0, kohm=3.0),
        StartRequested("c"),
    ]
)
events: st.SearchStrategy[Event] = st.one_of(
    likely,
    likely,
    likely,
    frames,
    st.builds(LinesRead, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    st.builds(Measured, st.builds(Voltage, volts), st.builds(Current, amperes), st.none() | st.floats(0, 1e4)),
    st.builds(StopRequested, st.sampled_from(StopReason)),
    st.just(EmergencyStop("Button.")),
    st.just(FaultReleased()),
    st.just(Tick()),
    st.builds(
        OfferChanged,
        st.builds(
            Offer,
            st.builds(Power, st.floats(0, 50000)),
            st.sampled_from(Command),
            st.none() | st.floats(100, 130).map(Monotonic),
        ),
    ),
)
stories = st.lists(st.tuples(events, st.sampled_from([0.0, 0.01, 0.1, 0.1, 0.5, 2.0])), max_size=60)


class Hardware:
    """What the shell would have switched."""

    def __init__(self) -> None:
        self.output = self.d1 = self.d2 = self.locked = self.metering = False

    def carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.OutputOff():
                self.output = False
            case fx.CommandOutput() | fx.TestInsulation():
                self.output = True
            case fx.SwitchD1(on):
                self.d1 = on
            case fx.SwitchD2(on):
                assert on or not self.output, "d2 opens under current"
                self.d2 = on
            case fx.Lock(on):
                self.locked = on
            case fx.TransactionBegan():
                assert not self.metering
                self.metering = True
            case fx.TransactionOver():
                assert self.metering
                self.metering = False


@settings(deadline=None)
@given(story=stories, begun=st.booleans())
def test_whatever_happens_the_safe_states_are_safe(story: list[tuple[Event, float]], begun: bool) -> None:
    session, hardware, now = (charging() if begun else waking()), Hardware(), float(NOW)
    hardware.d1 = True
    hardware.d2 = hardware.output = hardware.locked = hardware.metering = begun
    for event, dt_s in story:
        now += dt_s
        session, effects = advance(session, event, Monotonic(now))
        for effect in effects:
            hardware.carry_out(effect)
        if session.phase in IDLE | ENDING:
            assert not hardware.output
        if session.phase in IDLE:
            assert (hardware.d1, hardware.d2, hardware.locked, hardware.metering) == (False, False, False, False)
        assert hardware.metering or session.phase not in LIVE
        if session.phase in LIVE:
            assert not session.faults
        assert status(session).state is LOOKS[session.phase].state
        for _, data in frames_due(session):
            assert len(data) == 8


@settings(deadline=None)
@given(story=stories)
def test_whatever_happens_an_advance_settles(story: list[tuple[Event, float]]) -> None:
    """A second look without news finds nothing more to do."""
    session, now = charging(), float(NOW)
    for event, dt_s in story:
        now += dt_s
        session, _ = advance(session, event, Monotonic(now))
        rule = _rule(session, Monotonic(now))
        assert rule is None or rule.when is When.FAULT


def test_a_program_that_was_held_up_hears_everything_before_it_judges_silence() -> None:
    session, _ = fed(charging(), Tick())
    late = NOW + 0.9
    lines = LinesRead(k=True, prox=True, lock_feedback=True, pe=True)
    session, effects = fed(session, frame(control(50)), lines, measured(380.0, 50.0), Tick(), now=late)
    assert not [effect for effect in effects if isinstance(effect, fx.FaultSeen | fx.TransactionOver)]
    assert session.live
