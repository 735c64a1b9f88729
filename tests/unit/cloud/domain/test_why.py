"""The sentence that tells a driver why the power is what it is."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from cloud.domain.location import Connector, Station
from cloud.domain.why import why
from powerctl.core.record import ConnectorTelemetry, StationLimits
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power
from tests.unit.cloud.stories import LEFT, RIGHT, SESSION, STATION, at, dso_cap, live

UNTIL = at(125)


def limit(source: LimitSource, kw: float) -> Limit:
    return Limit(source, Power.from_kw(kw), "")


def plug(values: ConnectorTelemetry, state: ConnectorState | None = None, detail: str = "") -> Connector:
    return Connector(
        values.connector,
        ConnectorType.CHADEMO,
        Power(22_000.0),
        "left",
        state or values.state,
        SESSION,
        None,
        detail,
        values,
    )


def told(
    left: Connector, *, right: Connector | None = None, limits: StationLimits | None = None, online: bool = True
) -> str:
    connectors = (left, right) if right else (left,)
    return why(Station(STATION, online=online, limits=limits, connectors=connectors), left, UTC)


def test_it_names_the_grid_operator_its_cap_its_end_and_the_other_car() -> None:
    left = plug(live(kw=2.1, reasons=(limit(LimitSource.SHARE, 2.1), limit(LimitSource.DSO, 4.2))))
    right = plug(live(RIGHT, kw=2.1))
    assert told(left, right=right, limits=dso_cap(4.2, UNTIL)) == (
        "2.1 kW: the grid operator limits the station to 4.2 kW until 14:05 and the other vehicle shares it."
    )


def test_a_cap_that_only_one_car_uses_is_not_shared() -> None:
    left = plug(live(kw=3.8, reasons=(limit(LimitSource.DSO, 3.8),)))
    assert told(left, limits=dso_cap(4.2)) == "3.8 kW: the grid operator limits the station to 4.2 kW."


def test_times_are_told_in_the_stations_zone() -> None:
    left = plug(live(kw=3.8, reasons=(limit(LimitSource.DSO, 3.8),)))
    station = Station(STATION, online=True, limits=dso_cap(4.2, UNTIL), connectors=(left,))
    assert "until 16:05" in why(station, left, timezone(timedelta(hours=2)))


def test_a_vehicle_that_takes_less_than_it_may_is_the_reason_itself() -> None:
    left = plug(live(kw=3.0, limit_kw=20.0, target_kw=3.1, reasons=(limit(LimitSource.HARDWARE, 20.0),)))
    assert told(left) == "3.0 kW: the vehicle asks for no more."


def test_a_pause_is_called_a_pause() -> None:
    left = plug(live(kw=0.0, command=Command.PAUSE, reasons=(limit(LimitSource.FAILSAFE, 0.0),)))
    assert told(left, limits=StationLimits(Power(0.0), LimitSource.FAILSAFE, "", None, ())) == (
        "Paused: the grid's signal is silent, so the station keeps to 0 W."
    )


@pytest.mark.parametrize("source", list(LimitSource))
def test_every_source_has_a_sentence(source: LimitSource) -> None:
    sentence = told(plug(live(kw=5.0, reasons=(limit(source, 5.0),))))
    assert sentence.startswith("5.0 kW: ")
    assert sentence.endswith(".")


@pytest.mark.parametrize("state", list(ConnectorState))
def test_every_state_has_a_sentence(state: ConnectorState) -> None:
    assert told(plug(live(), state))


def test_a_fault_says_what_it_is() -> None:
    assert told(plug(live(), ConnectorState.FAULTED, "Insulation 80 kΩ.")) == "Out of order. Insulation 80 kΩ."


def test_an_offline_station_shows_last_values_and_says_so() -> None:
    assert "offline" in told(plug(live()), online=False)


def test_a_connector_that_was_never_heard_has_nothing_to_say() -> None:
    silent = Connector(LEFT, None, None, "")
    assert why(Station(STATION, connectors=(silent,)), silent, UTC) == ""
