"""The server around the requests: its port, its end, our own mistakes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import async_solipsism
import pytest

from powerctl.core.errors import ConfigError
from powerctl.core.units import Power
from powerctl.signals.arbitration import GridState
from powerctl.signals.service import GridSignals
from tests.contract.modbus.peer import Peer
from tests.unit.signals.station import SLOT_0, LoopClock, Station, grid_settings, running


def test_a_mistake_of_ours_ends_the_service_instead_of_passing_unseen(tmp_path: Path) -> None:
    def fail(state: GridState) -> None:
        if state.cap == Power(9000):
            raise ZeroDivisionError

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        signals = GridSignals(
            grid_settings(port=5020), clock=LoopClock(), rating=Power(22_000), state_dir=tmp_path, on_change=fail
        )
        task = asyncio.create_task(signals.run())
        await signals.listening.wait()
        peer = await Peer.connect(5020)
        await peer.write(SLOT_0, 9000)
        await peer.write(SLOT_0 + 21, 1)
        await asyncio.wait([task])
        error = task.exception()
        assert isinstance(error, BaseExceptionGroup)
        assert error.subgroup(RuntimeError) is not None

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(whole())


async def test_a_port_in_use_names_its_setting(tmp_path: Path) -> None:
    async with running(tmp_path) as station:
        taken = grid_settings(port=station.signals.port)
        with pytest.raises(ConfigError, match=r"manager\.grid\.modbus_tcp\.port"):
            async with running(tmp_path, taken):
                pass


def test_stopping_closes_every_connection(tmp_path: Path) -> None:
    peers: list[Peer] = []

    async def story(station: Station) -> None:
        peers.append(await station.connect())
        await peers[0].read(40000)

    async def whole() -> bool:
        async with running(tmp_path, grid_settings(port=5020)) as station:
            await story(station)
        return await peers[0].is_closed()

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        assert runner.run(whole())
