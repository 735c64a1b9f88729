"""Whether a session may be started or stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud.domain.charging import require_plugged, start_action, stop_action, stoppable
from cloud.domain.location import Connector, EvseStatus, Station, evse_status, is_silent
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session, SessionState
from powerctl.core.session import ConnectorState, StopReason
from tests.unit.cloud.stories import ANNA, BERT, LEFT, OPAL, SESSION, STATION, at

PLUG = Connector(LEFT, None, None, "left", ConnectorState.OCCUPIED, SESSION)
PLACE = Station(STATION, online=True, connectors=(PLUG,))
OPEN = Session(SESSION, STATION, LEFT)
RUNNING = replace(OPEN, state=SessionState.ACTIVE, driver="anna")


def refusal_of(plug: Connector, place: Station = PLACE) -> str:
    with pytest.raises(Refusal) as refusal:
        require_plugged(place, plug)
    assert refusal.value.why is Why.FAILED_PRECONDITION
    return refusal.value.message


def test_what_is_plugged_in_can_be_started() -> None:
    assert require_plugged(PLACE, PLUG) == SESSION
    assert start_action(OPEN).session == SESSION


def test_an_empty_connector_cannot() -> None:
    assert refusal_of(replace(PLUG, session=None, state=ConnectorState.AVAILABLE)) == "Plug the vehicle in first."


def test_a_faulted_connector_and_an_offline_station_cannot() -> None:
    faulted = replace(PLUG, state=ConnectorState.FAULTED, detail="Insulation.")
    assert refusal_of(faulted) == "This connector is out of order. Insulation."
    assert "offline" in refusal_of(PLUG, replace(PLACE, online=False))


@pytest.mark.parametrize("state", [state for state in SessionState if state is not SessionState.OPEN])
def test_only_an_open_session_can_be_started(state: SessionState) -> None:
    with pytest.raises(Refusal):
        start_action(replace(OPEN, state=state))


@pytest.mark.parametrize("state", list(SessionState))
def test_only_a_session_that_runs_or_is_about_to_can_be_stopped(state: SessionState) -> None:
    session = replace(RUNNING, state=state)
    if state in (SessionState.PENDING, SessionState.ACTIVE):
        assert stop_action(session, PLACE, ANNA).session == SESSION
        return
    with pytest.raises(Refusal):
        stop_action(session, PLACE, ANNA)


def test_the_record_says_whether_driver_or_operator_stopped_it() -> None:
    assert stop_action(RUNNING, PLACE, ANNA).reason is StopReason.DRIVER
    assert stop_action(RUNNING, PLACE, OPAL).reason is StopReason.OPERATOR


def test_a_driver_stops_their_own_and_an_operator_any() -> None:
    assert [stoppable(RUNNING, who) for who in (ANNA, BERT, OPAL)] == [True, False, True]
    assert not stoppable(OPEN, OPAL)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (ConnectorState.AVAILABLE, EvseStatus.AVAILABLE),
        (ConnectorState.OCCUPIED, EvseStatus.CHARGING),
        (ConnectorState.FAULTED, EvseStatus.OUTOFORDER),
    ],
)
def test_evse_status_is_told_in_ocpis_words(state: ConnectorState, status: EvseStatus) -> None:
    assert evse_status(PLACE, replace(PLUG, state=state)) is status
    assert evse_status(replace(PLACE, online=False), replace(PLUG, state=state)) is EvseStatus.UNKNOWN


def test_a_station_is_silent_after_it_missed_its_idle_report() -> None:
    assert not is_silent(at(0), at(1.4))
    assert is_silent(at(0), at(1.6))
    assert is_silent(None, at(0))
