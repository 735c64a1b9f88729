"""`powerctl-edge release`: an operator who has removed the cause releases latched faults.

A running controller does it itself, at once; without one they are taken out of its journal.
"""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.control.journal import Journal, journal_path
from edge.control.settings import EdgeSettings, load_settings
from edge.control.window import RELEASE, window_path
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId
from powerctl.core.record import FaultCleared, Record, lane_of
from powerctl.runtime.outbox import Outbox
from powerctl.runtime.station import StationSettings
from powerctl.wire.batch import encode_record

NONE: Final = "No fault is latched."
TAKES_EFFECT: Final = "No controller runs; it takes effect when it starts."
ANSWER_S: Final = 10.0


def release(config_path: Path) -> list[str]:
    """Release every latched fault of the station; returns what was done, in sentences.

    Raises:
        ConfigError: The settings cannot be used.
    """
    station, edge = load_settings(config_path)
    told = _asked(window_path(station.state_dir))
    if told is not None:
        return told or [NONE]
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
        return [NONE]
    return [*(f"Released {fault.code} on connector {fault.connector}." for fault in cleared), TAKES_EFFECT]


def _asked(window: Path) -> list[str] | None:
    """What the running controller has released. None: no controller runs here."""
    with socket.socket(socket.AF_UNIX) as controller:
        controller.settimeout(ANSWER_S)
        try:
            controller.connect(str(window))
            controller.sendall(RELEASE)
            with controller.makefile("rb") as lines:
                for line in lines:
                    said = json.loads(line)
                    if "released" in said:
                        return [str(sentence) for sentence in said["released"]]
        except TimeoutError as error:
            raise ConfigError(str(window), "the controller does not answer.", "Look at its log; try again.") from error
        except OSError:
            return None
    return None


def _tell(station: StationSettings, edge: EdgeSettings, cleared: list[FaultCleared]) -> None:
    outbox = Outbox(edge.outbox_path(station))
    try:
        for fault in cleared:
            outbox.append(lane_of(fault), encode_record(Record(datetime.now(UTC), fault)))
    finally:
        outbox.close()
