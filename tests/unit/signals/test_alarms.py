"""Alarms over the wire, in virtual time."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from powerctl.core.session import ConnectorState
from tests.unit.signals.station import Station, play
from tests.unit.signals.test_panel import accepted
from tests.unit.signals.test_telemetry import CAR, REPORT

ALARMS, ALARM_TEXT, PORT_ALARMS, ALARM_RESET = 40070 + 6, 40070 + 123, 40363 + 2, 40433 + 7
OUT_OF_ORDER = replace(REPORT, connectors=(replace(CAR, state=ConnectorState.FAULTED),))


def test_alarms_show_which_connector_is_out_of_order(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        station.signals.update_measurement(OUT_OF_ORDER)
        assert await peer.read(ALARMS, 2) == (1, 0)
        words = await peer.read(ALARM_TEXT, 32)
        assert struct.pack(">32H", *words).rstrip(b"\0") == b"connector 2 out of order"
        assert await peer.read(PORT_ALARMS, 2) == (0, 2)
        station.signals.update_measurement(REPORT)
        assert await peer.read(ALARMS, 2) == (0, 0)
        assert await peer.read(ALARM_TEXT, 2) == (0, 0)

    play(story, tmp_path)


def test_an_alarm_reset_is_a_request_to_the_controller(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert await peer.write(ALARM_RESET, 1) == accepted(ALARM_RESET)
        station.controller = []
        assert await peer.write(ALARM_RESET, 0) == accepted(ALARM_RESET)
        assert station.controller == []
        assert await peer.write(ALARM_RESET, 1) == accepted(ALARM_RESET)
        assert station.controller == ["reset"]
        assert await peer.write(ALARM_RESET, 2) == b"\x90\x03"

    play(story, tmp_path)
