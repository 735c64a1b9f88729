"""The utility as a program of its own: orders on standard input, what happened on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.signals.station import grid_settings, running

pytestmark = pytest.mark.integration


async def hears(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while True:
            said: dict[str, Any] = json.loads(await process.stdout.readline())
            if said["event"] == event:
                return said


async def test_it_commands_the_station_and_ends_cleanly(tmp_path: Path) -> None:
    async with running(tmp_path, grid_settings(heartbeat_timeout_s=60)) as station:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "powerctl.sim.utility", "--port", str(station.signals.port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdin is not None
        try:
            assert (await hears(process, "acknowledged"))["w"] == 22_000
            process.stdin.write(b'nonsense\n{"do": "limit", "w": 4200}\n')
            await hears(process, "rejected")
            said = await hears(process, "acknowledged")
            assert (said["w"], station.cap_w) == (4200, 4200)
            assert 0 <= said["t"] - said["sent"] < 30
        finally:
            process.terminate()
            code = await process.wait()
        assert code == 0
