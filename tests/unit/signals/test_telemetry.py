"""What the station tells the grid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Current, Energy, Power, Voltage
from powerctl.signals.arbitration import Contribution, GridState, arbitrate
from powerctl.signals.telemetry import Compliance, Phase, asked, measurement, observed, station_state, status, within

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
RATING = Power(22_000)
CAR = ConnectorReport(
    connector=ConnectorId(2),
    state=ConnectorState.CHARGING,
    session=SessionId("s"),
    applied_sequence=1,
    committed=Power(9000),
    voltage=Voltage(380.0),
    current=Current(20.0),
    target=Power(9000),
    min_power=Power(1000),
    max_power=Power(11_000),
    flexibility=Flexibility.FAST,
    slope_a_s=10.0,
    soc_percent=42.0,
    capacity=None,
    energy=Energy(1e6),
    session_energy=Energy(1234),
    plug_in_time=NOON,
)
REPORT = StationReport(NOON, Power(8000), Energy(2_000_000), (CAR,), frequency_hz=49.98, ac_voltage=Voltage(231.0))


def state(cap: float, command: Command = Command.RUN) -> GridState:
    dso = Contribution(LimitSource.DSO, "…", cap=Power(cap), command=command, settle_s=2.0)
    return arbitrate(RATING, [dso])


def test_701_counts_charging_as_negative_and_our_own_models_as_positive() -> None:
    values = measurement(REPORT, {})
    assert (values["701.W"], values["64301.W"], values["64302.Con.1.W"]) == (-8000, 8000, 7600)


def test_energy_frequency_and_voltage_are_shown() -> None:
    values = measurement(REPORT, {})
    assert (values["701.TotWhAbs"], values["701.Hz"], values["701.LNV"]) == (2_000_000, 49.98, 231.0)


def test_what_is_not_measured_is_not_implemented() -> None:
    values = measurement(replace(REPORT, ac_power=None, frequency_hz=None, ac_voltage=None, ac_energy=None), {})
    assert {values[path] for path in ("701.W", "64301.W", "701.Hz", "701.LNV", "701.TotWhAbs")} == {None}


def test_a_connector_shows_its_grant_and_its_vehicle() -> None:
    values = measurement(REPORT, {ConnectorId(2): Power(8500)})
    shown = {path.rpartition(".")[2]: value for path, value in values.items() if path.startswith("64302.Con.1.")}
    assert shown["ConSt"] == 3
    assert (shown["AlcW"], shown["SoC"], shown["SesWh"]) == (8500, 42.0, 1234)
    assert shown["SesTms"] == NOON.timestamp()


def test_a_connector_beyond_the_map_is_left_out() -> None:
    values = measurement(replace(REPORT, connectors=(replace(CAR, connector=ConnectorId(3)),)), {})
    assert not any(path.startswith("64302") for path in values)


@pytest.mark.parametrize(
    ("grid", "car", "word"),
    [
        (state(22_000), ConnectorState.CHARGING, "CHARGING"),
        (state(4200), ConnectorState.CHARGING, "LIMITED"),
        (state(4200), ConnectorState.AVAILABLE, "IDLE"),
        (state(0, Command.PAUSE), ConnectorState.CHARGING, "PAUSED"),
        (state(0, Command.EMERGENCY), ConnectorState.CHARGING, "EMERGENCY"),
        (state(22_000), ConnectorState.FAULTED, "FAULTED"),
    ],
)
def test_one_word_for_the_station(grid: GridState, car: ConnectorState, word: str) -> None:
    report = replace(REPORT, connectors=(replace(CAR, state=car),))
    assert station_state(grid, report, RATING) == word


def test_the_status_names_the_cap_and_who_binds() -> None:
    values = status(state(11_000), REPORT, RATING, Compliance())
    assert (values["64301.EffW"], values["64301.EffSrc"], values["701.ThrotPct"]) == (11_000, 7, 50.0)
    assert (values["64301.FlexDnW"], values["64301.FlexUpW"]) == (8000, 3000)


def test_before_the_first_report_the_station_is_idle() -> None:
    values = status(state(4200), None, RATING, Compliance())
    assert (values["64301.StaSt"], values["64301.FlexUpW"]) == (0, 0)


@pytest.mark.parametrize(("cap", "most"), [(0, 200), (4200, 4400), (20_000, 20_400)])
def test_the_envelope_is_the_larger_of_2_per_cent_and_200_w(cap: float, most: float) -> None:
    assert within(Power(most), Power(cap))
    assert not within(Power(most + 1), Power(cap))


def test_a_decrease_settles_complies_and_keeps_the_time_it_took() -> None:
    compliance = asked(Monotonic(10.0))
    assert compliance.phase is Phase.SETTLING
    compliance = observed(compliance, Power(8000), state(4200), Monotonic(10.5))
    assert compliance.phase is Phase.SETTLING
    compliance = observed(compliance, Power(4300), state(4200), Monotonic(11.25))
    assert (compliance.phase, compliance.took_ms) == (Phase.COMPLIANT, 1250)
    compliance = observed(compliance, Power(4100), state(4200), Monotonic(12.0))
    assert compliance.took_ms == 1250


def test_power_above_the_envelope_after_the_settle_time_is_a_violation() -> None:
    compliance = observed(asked(Monotonic(10.0)), Power(8000), state(4200), Monotonic(13.1))
    assert compliance.phase is Phase.VIOLATED


def test_without_a_decrease_there_is_nothing_to_comply_with() -> None:
    assert observed(Compliance(), Power(8000), state(4200), Monotonic(1.0)).phase is Phase.NONE
