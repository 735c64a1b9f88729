"""The shells that read: what they make of answers, of silence, and of nonsense; against real peers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from powerctl.core.errors import RemoteError
from powerctl.core.units import Power
from powerctl.runtime.clock import SystemClock
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.lpc import State
from powerctl.signals.sources.polling import FileContacts, Meter, PolledTerminal, Watch
from powerctl.signals.sources.settings import MeterSettings, TerminalSettings
from powerctl.signals.sources.site import SiteSource
from powerctl.sim.meter import RegisterPeer, sunspec_meter

WITHIN_S = 30.0


@pytest.fixture
async def peer() -> AsyncIterator[RegisterPeer]:
    made = RegisterPeer({})
    await made.start()
    yield made
    await made.close()


async def during(shell: Callable[[], Awaitable[Any]], condition: Callable[[], bool]) -> None:
    """Run `shell` until `condition` holds."""
    task = asyncio.ensure_future(shell())
    try:
        async with asyncio.timeout(WITHIN_S):
            while not condition():  # noqa: ASYNC110 - a peer sets no event
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.wait([task])


def failures(source: str) -> float:
    return REGISTRY.get_sample_value("powerctl_source_errors_total", {"source": source}) or 0.0


def well(source: str) -> float | None:
    return REGISTRY.get_sample_value("powerctl_source_well", {"source": source})


def test_a_watch_counts_each_failure_and_logs_each_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "powerctl")
    watch, before = Watch("contact"), failures("contact")
    for _ in range(3):
        watch.broken(RemoteError("cut"))
    assert (failures("contact") - before, well("contact")) == (3, 0)
    watch.well()
    watch.well()
    assert well("contact") == 1
    assert [line.message for line in caplog.records] == ["grid_source_fails", "grid_source_answers"]


async def test_contacts_are_read_from_files_and_anything_else_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, text in zip(paths, ("1\n", "0\n"), strict=True):
        path.write_text(text)
    assert await FileContacts(paths, closed=1).closed() == (True, False)
    assert await FileContacts(paths, closed=0).closed() == (False, True)
    paths[1].write_text("open")
    with pytest.raises(RemoteError):
        await FileContacts(paths, closed=1).closed()
    paths[1].unlink()
    with pytest.raises(RemoteError):
        await FileContacts(paths, closed=1).closed()


def meter(peer: RegisterPeer, spoken: list[None], **more: Any) -> tuple[Meter, SiteSource]:
    settings = MeterSettings.model_validate(
        {"host": "127.0.0.1", "port": peer.port, "interval_s": 0.1, "limit_w": 40_000, "others_max_w": 32_000, **more}
    )
    source = SiteSource(settings.rules(), Power(22_000))
    return Meter(settings, source, lambda: spoken.append(None), SystemClock()), source


async def test_a_meter_speaks_with_each_reading_and_finds_its_model_again_after_a_failure(peer: RegisterPeer) -> None:
    spoken: list[None] = []
    shell, source = meter(peer, spoken)
    before = failures("meter")
    await during(shell.run, lambda: failures("meter") > before)
    assert (spoken, source._site.read_at) == ([], None)
    peer.put(40000, list(sunspec_meter(30_000).values()))
    await during(shell.run, lambda: len(spoken) >= 2)
    assert [free for _, free in source._site.room][-1] == 10_000
    assert well("meter") == 1


def terminal(
    peer: RegisterPeer, submitted: list[dict[str, int]], state: State | None = State.LIMITED
) -> PolledTerminal:
    def submit(slot: int, values: dict[str, int], authority: Authority) -> State | None:
        assert (slot, authority) == (0, Authority(Channel.MODBUS_TCP, f"127.0.0.1:{peer.port}"))
        submitted.append(values)
        return state

    registers = {
        name: {"address": address, "type": "uint16"}
        for name, address in (("limit", 1), ("enable", 2), ("heartbeat", 3))
    }
    settings = {"slot": 0, "host": "127.0.0.1", "port": peer.port, "interval_s": 0.1, **registers}
    return PolledTerminal(TerminalSettings.model_validate(settings), submit, 1.0)


async def test_a_terminal_that_moves_commands_once_and_beats_each_time(peer: RegisterPeer) -> None:
    submitted: list[dict[str, int]] = []
    peer.put(1, (4200, 1, 7))
    shell = terminal(peer, submitted)
    await during(shell.run, lambda: len(submitted) >= 2)
    assert submitted == [{"Hb": 1}, {"LimW": 4200, "Mode": 0, "Ena": 1}]
    peer.put(3, (8,))
    await during(shell.run, lambda: len(submitted) >= 3)
    assert submitted[2:] == [{"Hb": 2}]


async def test_a_frozen_terminal_is_no_sign_of_life(peer: RegisterPeer) -> None:
    submitted: list[dict[str, int]] = []
    peer.put(1, (4200, 1, 7))
    shell = terminal(peer, submitted)
    await during(shell.run, lambda: len(submitted) >= 2)
    asked = peer.requests
    await during(shell.run, lambda: peer.requests >= asked + 9)
    assert len(submitted) == 2


async def test_a_slot_that_takes_nothing_gets_no_command(peer: RegisterPeer) -> None:
    submitted: list[dict[str, int]] = []
    peer.put(1, (4200, 1, 7))
    await during(terminal(peer, submitted, state=None).run, lambda: len(submitted) >= 1)
    assert submitted == [{"Hb": 1}]
