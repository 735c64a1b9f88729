"""The how-to for a utility engineer, step by step as it stands on the page."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from powerctl.runtime import pki
from tests.integration.manager.controller import ScriptedController, eventually
from tests.integration.manager.test_program import _free_ports

pytestmark = pytest.mark.integration

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"
PAGE, STATION_FILE = HOW_TO / "commission-from-a-utility.md", HOW_TO / "write-a-station-file.md"
BLOCK = re.compile(r"^```(sh|toml|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SLOT = re.compile(r"\[\[manager\.grid\.slots\]\]\n.*?\n\n", re.DOTALL)


class Reader:
    """Somebody who does what the page says, in a folder."""

    def __init__(self, folder: Path, secure_port: int) -> None:
        self._folder = folder
        self._port = str(secure_port)
        self._session: dict[str, Any] = {}

    def obey(self, kind: str, text: str) -> None:
        text = text.replace("5802", self._port)
        if kind == "toml":
            with (self._folder / "station.toml").open("a") as file:
                file.write(text)
        elif kind == "sh":
            self._shell(text)
        else:
            exec(compile(text, str(PAGE), "exec"), self._session)

    def _shell(self, text: str) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self._folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def a_station_file(folder: Path, ports: list[int]) -> pki.Authority:
    """The file of the other how-to, with certificates and ports of this machine, and without a slot."""
    authority = pki.create_ca(folder / "pki", "Station")
    pki.issue(authority, "manager", server_names=["localhost"])
    found = re.search(r"^```toml\n(.*?)^```$", STATION_FILE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    text = SLOT.sub("", found.group(1)).replace("/var/lib/powerctl", "state").replace("/etc/powerctl", "pki")
    for name, port in zip(("5020", "50061"), ports[1:], strict=True):
        text = text.replace(name, str(port))
    (folder / "station.toml").write_text(f"{text}\n[manager.http]\nport = {ports[0]}\n\n")
    return authority


@asynccontextmanager
async def the_station(folder: Path, dispatch_port: int, authority: pki.Authority) -> AsyncIterator[None]:
    """The energy manager, started from the file as it now is, and two vehicles that charge."""
    command = (sys.executable, "-m", "powerctl.app.cli", "run", "--config", "station.toml")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stderr=log)
    try:
        controller = ScriptedController(dispatch_port, pki.issue(authority, "depot-7", client=True), "depot-7")
        controller.plug(1, committed_kw=5.0, min_kw=0.5, minutes_ago=9)
        controller.plug(2, committed_kw=5.0, min_kw=0.5)
        async with controller:
            await eventually(lambda: bool(controller.setpoints), within_s=30.0)
            yield
    finally:
        process.terminate()
        assert await process.wait() == 0, (folder / "log").read_text()


async def test_the_how_to_takes_a_reader_from_certificate_to_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    *ports, secure = _free_ports(4)
    authority = a_station_file(tmp_path, ports)
    reader, steps = Reader(tmp_path, secure), BLOCK.findall(PAGE.read_text())
    hello = next(number for number, (_, text) in enumerate(steps) if text.startswith("cp "))
    for kind, text in steps[:hello]:
        await asyncio.to_thread(reader.obey, kind, text)
    async with the_station(tmp_path, ports[2], authority):
        for kind, text in steps[hello:]:
            await asyncio.to_thread(reader.obey, kind, text)
    entries = json.loads((tmp_path / "evidence.json").read_text())
    kinds = [entry["kind"] for entry in entries]
    assert {"started", "received", "applied", "complied", "failsafe", "released"} <= set(kinds)
    assert "exceeded" not in kinds
    assert any(entry["kind"] == "complied" and entry["cap_w"] == 9000 for entry in entries)
    assert "by modbus-tls as GridServiceSunSpec with certificate " in " ".join(
        entry["detail"] for entry in entries if entry["kind"] == "received"
    )
    assert (tmp_path / "evidence.csv").read_text().count("\n") == len(entries) + 1
