"""What of a station's programs can be reached, and how much they may do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from powerctl.runtime.pki import create_ca, issue
from tests.broker import free_port
from tests.integration.link.station import _CONFIG
from tests.unit import test_deploy

LISTENING = "0A"
"""TCP_LISTEN in /proc/net/tcp."""


@pytest.mark.parametrize(
    "unit", [unit for unit in test_deploy.UNITS if "edge" in unit.stem], ids=lambda unit: unit.stem
)
def test_row_38_a_program_of_the_station_may_do_little(unit: Path) -> None:
    test_deploy.test_a_unit_is_locked_down(unit)


def _listening(pid: int) -> set[tuple[str, int]]:
    """Address in hexadecimal and port of every TCP socket on which the process listens."""
    held = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in held:
                found.add((address, int(port, 16)))
    return found


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_row_39_the_uplink_listens_on_loopback_for_its_health_and_nowhere_else(tmp_path: Path) -> None:
    authority = create_ca(tmp_path / "pki", "test")
    files = issue(authority, "ST-1", organisation="powerctl test", client=True)
    port, config = free_port(), tmp_path / "station.toml"
    state = tmp_path / "state"
    config.write_text(_CONFIG.format(station="ST-1", state=state, port=free_port(), http_port=port, files=files))
    command = [sys.executable, "-m", "edge.cli", "uplink", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while not (found := await asyncio.to_thread(_listening, process.pid)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert found == {("0100007F", port)}
    finally:
        process.terminate()
        await process.wait()
