"""What the station reports to an OpenADR server about an event. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from powerctl.core.demand import StationReport
from powerctl.core.session import ConnectorState


def report_body(
    event: str, name: str, report: StationReport | None, utc: datetime, *, in_force: bool
) -> dict[str, Any]:
    """A report on `event`: the power drawn (DEMAND, kilowatts) and the state (OPERATING_STATE).

    Args:
        name: Of the station as its server knows it.
        report: The newest of the controller. None: nothing is measured.
        in_force: True while the event holds.
    """
    payloads: list[dict[str, Any]] = [{"type": "OPERATING_STATE", "values": [_state(report, in_force=in_force)]}]
    if report is not None and report.ac_power is not None:
        payloads.append({"type": "DEMAND", "values": [round(report.ac_power.kw, 3)]})
    period = {"start": utc.strftime("%Y-%m-%dT%H:%M:%SZ"), "duration": "PT0S"}
    intervals = [{"id": 0, "intervalPeriod": period, "payloads": payloads}]
    return {
        "objectType": "REPORT",
        "eventID": event,
        "clientName": name,
        "reportName": f"{name}-{event}"[:128],
        "payloadDescriptors": [{"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": "DEMAND", "units": "KW"}],
        "resources": [{"resourceName": name, "intervals": intervals}],
    }


def _state(report: StationReport | None, *, in_force: bool) -> str:
    states = {connector.state for connector in report.connectors} if report is not None else set()
    charging = ConnectorState.CHARGING in states
    if report is None or states == {ConnectorState.FAULTED}:
        return "ERROR"
    if in_force:
        return "RUNNING_CURTAILED" if charging else "IDLE_CURTAILED"
    return "RUNNING_NORMAL" if charging else "IDLE_NORMAL"
