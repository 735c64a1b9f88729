from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo.events import FrameReceived
from edge.chademo.flexibility import flexibility, pause_s
from edge.chademo.follow import Follow
from edge.chademo.frames import VehicleFlag
from edge.chademo.session import frames_due, status
from edge.chademo.state import Session
from edge.chademo.vehicles import Lesson, VehicleRule
from powerctl.core.session import Flexibility
from tests.unit.edge.chademo.story import CONFIG, charging, control, fed, frame

FIRM = VehicleRule("kit", max_voltage_v=435, flexibility=Flexibility.FIRM)
DYNAMIC = FrameReceived(0x110, bytes((1, 0, 0, 0, 0, 0, 0, 0)))


def known(session: Session, strikes: int, pause: float | None = None) -> Session:
    assert session.pact is not None
    return replace(session, lessons=(Lesson(session.pact.identity, strikes, pause),))


def test_a_vehicle_that_says_and_shows_nothing_is_slow() -> None:
    assert flexibility(charging()) is Flexibility.SLOW


def test_a_vehicle_that_declares_dynamic_control_is_fast_until_it_shows_otherwise() -> None:
    session, _ = fed(charging(), DYNAMIC)
    assert flexibility(session) is Flexibility.FAST
    assert flexibility(replace(session, follow=Follow(slope_a_s=6.0))) is Flexibility.SLOW
    assert flexibility(replace(session, follow=Follow(ignores=True))) is Flexibility.SLOW


def test_the_declaration_counts_only_when_both_sides_know_it() -> None:
    session, _ = fed(charging(replace(CONFIG, protocol_number=1)), DYNAMIC)
    assert flexibility(session) is Flexibility.SLOW


@pytest.mark.parametrize(
    ("follow", "expected"),
    [
        (Follow(slope_a_s=20.0, reaction_s=0.1), Flexibility.FAST),
        (Follow(slope_a_s=20.0, reaction_s=2.5), Flexibility.SLOW),
        (Follow(slope_a_s=9.0, reaction_s=0.2), Flexibility.SLOW),
        (Follow(ridden_a=8), Flexibility.FAST),
    ],
)
def test_what_was_seen_decides(follow: Follow, expected: Flexibility) -> None:
    assert flexibility(replace(charging(), follow=follow)) is expected


def test_a_rule_decides_over_everything_that_is_said_or_seen() -> None:
    session, _ = fed(charging(replace(CONFIG, rules=(FIRM,))), DYNAMIC)
    assert flexibility(replace(session, follow=Follow(slope_a_s=20.0))) is Flexibility.FIRM
    assert status(session).rule == "kit"


def test_a_firm_vehicle_is_not_told_that_current_may_change() -> None:
    session, _ = fed(charging(replace(CONFIG, rules=(FIRM,))), DYNAMIC)
    assert [data[0] for frame_id, data in frames_due(session) if frame_id == 0x118] == [0]


def test_one_fault_after_a_decrease_is_enough_and_one_odd_end_is_not() -> None:
    assert flexibility(known(charging(), strikes=1)) is Flexibility.SLOW
    assert flexibility(known(charging(), strikes=2)) is Flexibility.FIRM


def test_a_rule_may_take_back_what_a_fault_has_taught() -> None:
    session = charging(replace(CONFIG, rules=(VehicleRule("mine", flexibility=Flexibility.FAST),)))
    assert flexibility(known(session, strikes=2)) is Flexibility.FAST


def test_a_pause_lasts_as_long_as_this_kind_of_vehicle_lives_with_it() -> None:
    session = charging()
    assert pause_s(session) == 360.0
    assert pause_s(known(session, 0, 45.0)) == 45.0
    assert pause_s(known(session, 2)) == 0.0
    assert pause_s(charging(replace(CONFIG, rules=(VehicleRule("r", pause_s=600.0),)))) == 600.0


def test_a_rule_gives_slope_and_smallest_current() -> None:
    session = charging(replace(CONFIG, rules=(VehicleRule("r", slope_a_s=6.0, floor_a=9.0),)))
    seen = status(session)
    assert (seen.slope_a_s, seen.min_current.a) == (6.0, 9.0)


def test_early_leafs_declare_it_by_a_bit_of_their_own() -> None:
    session, _ = fed(charging(), frame(control(9, flags=VehicleFlag.ENABLED | VehicleFlag.LEGACY_DYNAMIC)))
    assert flexibility(session) is Flexibility.FAST
