"""What the station reports; read back by another implementation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openadr3.entities.models import Report

from powerctl.core.demand import StationReport
from powerctl.core.session import ConnectorState
from powerctl.core.units import Power
from powerctl.signals.sources.openadr_report import report_body
from tests.unit.signals.sources.test_openadr_events import NOON
from tests.unit.signals.test_telemetry import REPORT


def in_state(state: ConnectorState) -> StationReport:
    return replace(REPORT, ac_power=Power(8_000), connectors=(replace(REPORT.connectors[0], state=state),))


def read(report: StationReport | None, *, in_force: bool = True) -> dict[str, object]:
    """Values by payload, as another implementation reads the report."""
    theirs = Report.from_raw(report_body("event-1", "S-1", report, NOON, in_force=in_force))
    assert (theirs.event_id, theirs.client_name) == ("event-1", "S-1")
    (interval,) = theirs.resources[0].intervals
    return {payload.type: payload.values[0] for payload in interval.payloads}


@pytest.mark.parametrize(
    ("state", "in_force", "told"),
    [
        (ConnectorState.CHARGING, True, "RUNNING_CURTAILED"),
        (ConnectorState.CHARGING, False, "RUNNING_NORMAL"),
        (ConnectorState.AVAILABLE, True, "IDLE_CURTAILED"),
        (ConnectorState.AVAILABLE, False, "IDLE_NORMAL"),
        (ConnectorState.FAULTED, True, "ERROR"),
    ],
)
def test_state_and_power_are_told(state: ConnectorState, in_force: bool, told: str) -> None:
    assert read(in_state(state), in_force=in_force) == {"OPERATING_STATE": told, "DEMAND": 8.0}


def test_what_is_not_measured_is_not_told() -> None:
    assert read(None) == {"OPERATING_STATE": "ERROR"}
    unmeasured = replace(in_state(ConnectorState.CHARGING), ac_power=None)
    assert read(unmeasured) == {"OPERATING_STATE": "RUNNING_CURTAILED"}
