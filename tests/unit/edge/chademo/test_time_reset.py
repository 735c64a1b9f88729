"""The charging time, asked for anew where it was commissioned which bit does so."""

from __future__ import annotations

from dataclasses import replace

from edge.chademo.events import FrameReceived, Tick
from edge.chademo.frames import ChargingTime, Function, VehicleFunctions
from edge.chademo.session import advance, frames_due
from edge.chademo.state import Session
from powerctl.core.clock import after
from tests.unit.edge.chademo.story import CONFIG, NOW, TIME, charging, fed, frame

ANOTHER = replace(TIME, max_10s=255, max_min=30)


def nearly_over(bit: int | None) -> Session:
    session = charging(replace(CONFIG, reset_time_bit=bit))
    functions = VehicleFunctions(Function.DYNAMIC_CONTROL, 0)
    session, _ = fed(session, FrameReceived(VehicleFunctions.FRAME_ID, functions.encode()))
    return replace(session, remaining_s=25.0)


def said(session: Session) -> int:
    (data,) = [data for frame_id, data in frames_due(session) if frame_id == 0x118]
    return data[0]


def ticked(session: Session, seconds: float) -> Session:
    return advance(session, Tick(), after(NOW, seconds))[0]


def heard(session: Session, stated: ChargingTime, seconds: float) -> Session:
    return advance(session, frame(stated), after(NOW, seconds))[0]


def test_without_commissioning_the_bit_is_never_sent() -> None:
    session = nearly_over(None)
    assert said(session) == said(ticked(session, 0.1)) == 0x01
    assert heard(ticked(session, 0.1), ANOTHER, 0.2).remaining_s == ticked(session, 0.1).remaining_s


def test_the_bit_is_dropped_for_a_second_when_the_time_is_nearly_over() -> None:
    session = nearly_over(4)
    assert said(session) == 0x11
    session = ticked(session, 0.1)
    assert said(session) == 0x01
    assert said(ticked(session, 1.05)) == 0x01
    assert said(ticked(session, 1.15)) == 0x11


def test_only_another_statement_in_time_is_an_answer() -> None:
    session = heard(ticked(nearly_over(4), 0.1), TIME, 0.2)
    assert session.remaining_s is not None
    assert session.remaining_s < 30.0
    assert heard(session, ANOTHER, 2.0).remaining_s == 1800.0
    late = heard(session, ANOTHER, 6.5).remaining_s
    assert late is not None
    assert late < 30.0


def test_nobody_is_asked_while_there_is_time() -> None:
    session = replace(nearly_over(4), remaining_s=3600.0)
    assert ticked(session, 0.1).reset_at is None
