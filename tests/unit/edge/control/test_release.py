"""An operator releases latched faults; the cloud hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.cli import main
from edge.control.journal import Journal, journal_path
from edge.control.release import NONE, release
from edge.control.window import Window, window_path
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId
from powerctl.core.record import FaultCleared
from powerctl.runtime.outbox import Outbox
from powerctl.v1 import uplink_pb2
from powerctl.wire.uplink import record_from_wire
from tests.unit.edge.can.waiting import until
from tests.unit.edge.control.test_settings import GOOD

LEFT = ConnectorId(1)


async def test_a_running_controller_releases_at_once(tmp_path: Path) -> None:
    config, state = tmp_path / "station.toml", tmp_path / "state"
    config.write_text(GOOD.replace('state_dir = "state"', f'state_dir = "{state}"'))
    said = ["Released insulation on connector 1."]
    window = asyncio.create_task(Window(window_path(state), lambda: {"view": 1}, lambda: said).run())
    await until(lambda: window_path(state).exists())
    assert await asyncio.to_thread(release, config) == said
    said.clear()
    assert await asyncio.to_thread(release, config) == [NONE]
    window.cancel()
    await asyncio.gather(window, return_exceptions=True)


def test_latched_faults_are_released_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, state = tmp_path / "station.toml", tmp_path / "state"
    config.write_text(GOOD.replace('state_dir = "state"', f'state_dir = "{state}"'))
    journal = Journal(journal_path(state))
    journal.fault_latched(LEFT, Fault("insulation", "Too low.", latched=True))
    assert main(["release", "--config", str(config)]) == 0
    assert "Released insulation on connector 1." in capsys.readouterr().out
    assert journal.faults(LEFT) == ()
    (entry,) = Outbox(state / "outbox.sqlite").pending(limit=10)
    assert record_from_wire(uplink_pb2.Record.FromString(entry.payload)).body == FaultCleared(LEFT, "insulation")
    assert main(["release", "--config", str(config)]) == 0
    assert "No fault is latched." in capsys.readouterr().out
