"""What of a station's programs can be reached, and how much they may do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from edge.control.window import window_path
from powerctl.runtime.pki import create_ca, issue
from tests.broker import free_port
from tests.integration.edge.site import a_site
from tests.integration.link.station import _CONFIG
from tests.unit import test_deploy

LOOPBACK = "0100007F"
"""127.0.0.1 in /proc/net/tcp on a little-endian machine."""
LISTENING = "0A"
"""TCP_LISTEN in /proc/net/tcp."""


@pytest.mark.parametrize(
    "unit", [unit for unit in test_deploy.UNITS if "edge" in unit.stem], ids=lambda unit: unit.stem
)
def test_row_38_a_program_of_the_station_may_do_little(unit: Path) -> None:
    test_deploy.test_a_unit_is_locked_down(unit)


def _sockets(pid: int) -> set[str]:
    """The sockets that the process holds, by the kernel's number."""
    held = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    return {name.removeprefix("socket:[").removesuffix("]") for name in held if name.startswith("socket:[")}


def _internet(pid: int) -> list[list[str]]:
    """The process's lines in the kernel's tables of TCP and UDP."""
    held = _sockets(pid)
    lines = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6", "raw")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return [fields for fields in lines if fields[9] in held]


def _listening(pid: int) -> set[tuple[str, int]]:
    """Address in hexadecimal and port of every TCP socket on which the process listens."""
    ends = [fields[1].split(":") for fields in _internet(pid) if fields[3] == LISTENING]
    return {(address, int(port, 16)) for address, port in ends}


def _heard_on_paths(pid: int) -> set[str]:
    """Paths of the UNIX sockets on which the process listens (flag 0x10000: __SO_ACCEPTCON)."""
    held, lines = _sockets(pid), Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {row[7] for row in rows if row[6] in held and row[3] == "00010000" and len(row) > 7}


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
        assert found == {(LOOPBACK, port)}
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_row_39_and_56_the_running_controller_is_reached_on_loopback_and_reaches_nothing_else(
    tmp_path: Path,
) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        pid = site.edge.pid
        assert await asyncio.to_thread(_listening, pid) == {(LOOPBACK, site.http_port)}
        assert await asyncio.to_thread(_heard_on_paths, pid) == {str(window_path(tmp_path / "state"))}
        ends = [end.split(":")[0] for fields in await asyncio.to_thread(_internet, pid) for end in fields[1:3]]
        assert len(ends) > 2, "it talks to nobody: nothing was looked at"
        loopback = {LOOPBACK, "0" * 24 + LOOPBACK, f"0000000000000000FFFF0000{LOOPBACK}", "0" * 24 + "01000000"}
        assert set(ends) - loopback <= {"00000000", "0" * 32}, "beyond this machine"


def test_row_56_who_drives_the_hardware_has_no_network_and_who_has_one_drives_no_hardware() -> None:
    units = {unit.stem: test_deploy.settings(unit) for unit in test_deploy.UNITS}
    control, uplink = units["powerctl-edge-control"], units["powerctl-edge-uplink"]
    assert (control["IPAddressDeny"], control["IPAddressAllow"]) == ("any", "localhost")
    assert set(control["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_CAN"}
    assert set(uplink["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX"}
    assert uplink["PrivateDevices"] == control["PrivateDevices"] == "yes"


def test_row_56_only_the_uplink_speaks_to_the_broker() -> None:
    """What drives the hardware does not even load what could reach the cloud."""
    script = "import sys, edge.control.program; print(sorted({'paho', 'edge.uplink.program'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
