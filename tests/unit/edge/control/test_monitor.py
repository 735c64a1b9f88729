"""The live view: what the controller tells over its socket, and the page that it becomes."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from edge.can.frame import Frame
from edge.control.blackbox import BlackBox
from edge.control.monitor import decoded, page, watch
from edge.control.window import Window, connector_view, module_view
from edge.hardware.modules.bank import Module
from edge.hardware.modules.family import Trouble
from powerctl.core.clock import ManualClock, Monotonic
from powerctl.core.errors import ConfigError
from tests.unit.edge.control.rig import ConnectorStory, in_virtual_time
from tests.unit.edge.control.test_settings import GOOD

LEAF = bytes.fromhex("029a011f00814800")


def test_a_charging_connector_fills_the_page(tmp_path: Path) -> None:
    async def story() -> None:
        async with ConnectorStory(tmp_path) as world:
            await world.charges_at_will()
            box = BlackBox(1, (Monotonic(0.0), ManualClock().utc()))
            box.heard(Frame(0x102, LEAF), Monotonic(1.0))
            box.sent([Frame(0x108, bytes.fromhex("01f4013cb3010000"))], Monotonic(1.0))
            view = connector_view(world.connector.snapshot(), world.hardware.hardware.lines.read(), box)
            module = module_view(Module(2, None, troubles=frozenset({Trouble.FAN})), Monotonic(9.0))
            whole = {"station": "st-1", "time": "now", "manager": True, "connectors": [view], "modules": [module]}
            text = page(json.loads(json.dumps(whole)))
        assert "st-1   energy manager connected" in text
        assert "Connector 1   charging" in text
        assert " W   run   lease " in text
        assert "vehicle fast   not seen to follow yet   10.0 A/s   at least 6.0 A   stays 360 s" in text
        assert "lines k on  prox on  lock on  earth on" in text
        assert "available 500 V 60 A, threshold 435 V" in text
        assert "requested_current_a=31" in text
        assert "module  2  missing" in text

    in_virtual_time(story())


def test_frames_that_nobody_knows_are_shown_undecoded() -> None:
    assert decoded(0x700, bytes(8)) is not None
    assert decoded(0x7AB, bytes(8)) == ""
    assert decoded(0x102, bytes(3)).startswith("refused")


async def test_only_the_own_user_may_look_and_only_viewers_cost(tmp_path: Path) -> None:
    asked: list[int] = []
    path = tmp_path / "edge" / "monitor.sock"

    def view() -> dict[str, int]:
        asked.append(1)
        return {"n": len(asked)}

    window = Window(path, view)

    async def serve() -> None:
        await window.run()

    task = asyncio.create_task(serve())
    async with asyncio.timeout(5):
        while not path.exists() or stat.S_IMODE(path.stat().st_mode) != 0o600:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert asked == []
        reader, writer = await asyncio.open_unix_connection(path)
        assert json.loads(await reader.readline()) == {"n": 1}
    writer.close()
    task.cancel()


async def test_without_a_controller_the_message_says_so(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(GOOD.replace('state_dir = "state"', f'state_dir = "{tmp_path}/state"'))
    with pytest.raises(ConfigError, match="no controller answers here"):
        await watch(path)
