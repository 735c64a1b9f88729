"""`powerctl-edge release`: an operator who has removed the cause releases latched faults."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from edge.control.journal import Journal, journal_path
from edge.control.settings import EdgeSettings, load_settings
from powerctl.core.ids import ConnectorId
from powerctl.core.record import FaultCleared, Record, lane_of
from powerctl.runtime.outbox import Outbox
from powerctl.runtime.station import StationSettings
from powerctl.wire.batch import encode_record

TAKES_EFFECT = "It takes effect when the controller starts next."


def release(config_path: Path) -> list[str]:
    """Release every latched fault of the station; returns what was done, in sentences.

    Raises:
        ConfigError: The settings cannot be used.
    """
    station, edge = load_settings(config_path)
    journal = Journal(journal_path(station.state_dir))
    try:
        cleared = [
            FaultCleared(ConnectorId(connector.id), fault.code)
            for connector in station.connectors
            for fault in journal.faults(ConnectorId(connector.id))
        ]
        _tell(station, edge, cleared)
        for fault in cleared:
            journal.fault_released(fault.connector, fault.code)
    finally:
        journal.close()
    if not cleared:
        return ["No fault is latched."]
    return [*(f"Released {fault.code} on connector {fault.connector}." for fault in cleared), TAKES_EFFECT]


def _tell(station: StationSettings, edge: EdgeSettings, cleared: list[FaultCleared]) -> None:
    outbox = Outbox(edge.outbox_path(station))
    try:
        for fault in cleared:
            outbox.append(lane_of(fault), encode_record(Record(datetime.now(UTC), fault)))
    finally:
        outbox.close()
