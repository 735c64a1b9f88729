"""Sources beside the register map, each with its simulated other side, on a running station."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from powerctl.core.errors import ConfigError
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.runtime.clock import SystemClock
from powerctl.signals.arbitration import GridState
from powerctl.signals.service import GridSignals
from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.assembly import Running
from powerctl.signals.sources.openadr_client import Notices
from powerctl.signals.sources.settings import CallbackSettings
from powerctl.sim.contact import ContactBox
from powerctl.sim.frequency import FrequencyMeter
from powerctl.sim.meter import RegisterPeer, sunspec_meter
from powerctl.sim.vtn import Vtn
from tests.unit.signals.sources.test_openadr_events import event
from tests.unit.signals.test_telemetry import REPORT

pytestmark = pytest.mark.integration

RATING = Power(22_000)
WAIT_S = 10.0
SLOT = {
    "index": 0,
    "source": "dso",
    "commissioned": True,
    "failsafe_w": 4200,
    "failsafe_min_s": 7200,
    "heartbeat_timeout_s": 5,
}


class Site:
    """A station's grid signals, and what they told."""

    def __init__(self, state_dir: Path, sources: dict[str, Any], slots: list[dict[str, Any]]) -> None:
        raw = {"modbus_tcp": {"port": 0}, "slots": slots, "sources": sources}
        settings = GridSettings.model_validate({"trust_clock": True, **raw})
        clock = SystemClock()
        self.states: list[GridState] = []
        self.told = asyncio.Event()
        self.signals = GridSignals(settings, clock=clock, rating=RATING, state_dir=state_dir, on_change=self._changed)
        self.running = Running(settings, self.signals, clock, RATING)

    def _changed(self, state: GridState) -> None:
        self.states.append(state)
        self.told.set()

    async def until(self, wanted: Callable[[GridState], bool]) -> GridState:
        """The first state from now on that is `wanted`."""
        async with asyncio.timeout(WAIT_S):
            while not (self.states and wanted(self.states[-1])):
                self.told.clear()
                await self.told.wait()
        return self.states[-1]

    async def cap(self, watts: float) -> GridState:
        """The state, once the cap is this."""
        return await self.until(lambda state: state.cap.w == watts)


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path, sources: dict[str, Any], slots: list[dict[str, Any]] | None = None
) -> AsyncIterator[Site]:
    made = Site(tmp_path, sources, slots or [])
    tasks = [asyncio.create_task(one) for one in (made.signals.run(), *made.running.tasks())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        errors = [task.exception() for task in tasks if not task.cancelled()]
        assert errors == []


@contextlib.asynccontextmanager
async def peer(words: dict[int, int]) -> AsyncIterator[RegisterPeer]:
    made = RegisterPeer(words)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def meter_settings(port: int, **more: Any) -> dict[str, Any]:
    base = {"host": "127.0.0.1", "port": port, "interval_s": 0.1, "limit_w": 40_000, "others_max_w": 32_000}
    return {"meter": {**base, "rise_after_s": 0.3, "stale_s": 1, **more}}


async def test_a_contact_dims_the_station_and_a_broken_input_does_too(tmp_path: Path) -> None:
    box = ContactBox(tmp_path, 2)
    caps = ["unlimited", 13_200, 6_600, 0]
    async with site(tmp_path, {"contact": {"inputs": [str(path) for path in box.inputs], "caps_w": caps}}) as station:
        await station.cap(22_000)
        box.set(True, False)
        assert (await station.cap(13_200)).source is LimitSource.LOCAL_CONTACT
        box.set(False, True)
        await station.cap(6_600)
        box.unplug()
        assert (await station.cap(0)).source is LimitSource.FAILSAFE


async def test_a_sunspec_meter_shares_the_connection_and_is_worst_case_when_silent(tmp_path: Path) -> None:
    async with peer(sunspec_meter(30_000)) as meter, site(tmp_path, meter_settings(meter.port)) as station:
        assert (await station.cap(10_000)).source is LimitSource.SITE_METER
        meter.put(40000, list(sunspec_meter(35_000).values()))
        await station.cap(5_000)
        meter.put(40000, list(sunspec_meter(10_000).values()))
        await station.cap(22_000)
        meter.silent = True
        assert (await station.cap(8_000)).source is LimitSource.FAILSAFE
        meter.silent = False
        await station.cap(22_000)


async def test_a_meter_that_is_not_there_is_worst_case_until_it_comes(tmp_path: Path) -> None:
    async with peer({}) as empty:
        port = empty.port
    async with site(tmp_path, meter_settings(port)) as station:
        await station.cap(8_000)
        meter = RegisterPeer(sunspec_meter(10_000))
        await meter.start(port=port)
        await station.cap(22_000)
        await meter.close()


async def test_a_meter_of_any_make_is_read_by_a_list_of_registers(tmp_path: Path) -> None:
    listed = {
        "power": {"address": 10, "type": "int32", "scale": -1, "low_word_first": True},
        "currents": [{"address": 20 + n, "type": "uint16", "scale": 0.1, "function": 4} for n in range(3)],
        "fuse_a": 63,
    }
    watts = -20_000 & 0xFFFFFFFF
    words = {10: watts & 0xFFFF, 11: watts >> 16, 20: 100, 21: 530, 22: 90}
    async with peer(words) as meter, site(tmp_path, meter_settings(meter.port, **listed)) as station:
        await station.cap(6_900)


async def test_a_terminal_that_only_serves_registers_commands_its_slot(tmp_path: Path) -> None:
    sources = {
        "utility": {
            "slot": 0,
            "host": "127.0.0.1",
            "interval_s": 0.1,
            "limit": {"address": 0, "type": "uint16", "scale": 100},
            "enable": {"address": 1, "type": "uint16"},
            "heartbeat": {"address": 2, "type": "uint16"},
        }
    }
    async with peer({0: 90, 1: 1, 2: 7}) as terminal:
        sources["utility"]["port"] = terminal.port
        async with site(tmp_path, sources, [SLOT]) as station:
            assert (await station.cap(9_000)).source is LimitSource.DSO
            terminal.put(0, [60, 1, 8])
            await station.cap(6_000)
            terminal.put(1, [0, 9])
            await station.cap(22_000)
            assert (await station.cap(4_200)).source is LimitSource.FAILSAFE
            terminal.put(0, [110, 1, 10])
            await station.cap(11_000)


async def test_a_terminal_needs_a_commissioned_slot(tmp_path: Path) -> None:
    utility = {"slot": 1, "host": "127.0.0.1", "limit": {"address": 0, "type": "uint16"}}
    with pytest.raises(ConfigError, match="Slot 1 is not commissioned"):
        Site(tmp_path, {"utility": utility}, [SLOT])


async def test_the_frequency_sheds_in_the_turn_of_its_sample(tmp_path: Path) -> None:
    meter = FrequencyMeter(tmp_path / "hz")
    await meter.start()
    settings = {"frequency": {"product": "fcr-d", "armed": True, "socket": str(tmp_path / "hz")}}
    async with site(tmp_path, settings) as station:
        await meter.connected.wait()
        station.signals.update_measurement(replace(REPORT, ac_power=Power(20_000)))
        meter.send(50.0)
        await station.cap(22_000)
        sent = time.monotonic()
        meter.send(49.7)
        state = await station.cap(10_000)
        assert (state.source, state.settle_s) == (LimitSource.FREQUENCY, 0)
        assert time.monotonic() - sent < 0.15
        for line in ("nonsense", "0.0"):
            meter.send_line(line)
        meter.send(49.9)
        await asyncio.sleep(0)
    await meter.close()


def openadr_settings(vtn: Vtn, folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "secret").write_text("secret\n")
    base = {
        "url": vtn.url,
        "client_id": "station",
        "client_secret_file": str(folder / "secret"),
        "ven_name": "S-1",
        "simple_w": ["unlimited", 11_000, 4_200, 0],
        "emergency_w": 0,
        "poll_s": 1,
    }
    return {"openadr": {**base, **more}}


@pytest.fixture
def vtn() -> Iterator[Vtn]:
    made = Vtn()
    made.start()
    yield made
    made.close()


def now(*payloads: tuple[str, Any], **head: Any) -> dict[str, Any]:
    """An event that holds at once and without end."""
    made = event(*payloads, intervalPeriod={"start": "0001-01-01T00:00:00Z"}, **head)
    return {key: value for key, value in made.items() if key != "id" or "id" in head}


async def eventually(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not found():  # noqa: ASYNC110 - the server is of another thread
            await asyncio.sleep(0.02)


async def test_an_openadr_server_limits_is_notified_and_gets_reports(tmp_path: Path, vtn: Vtn) -> None:
    callback = {"url": "http://127.0.0.1:{port}/notice", "port": 0}
    async with site(tmp_path, openadr_settings(vtn, tmp_path, poll_s=60, callback=callback)) as station:
        station.signals.update_measurement(REPORT)
        await eventually(lambda: bool(vtn.listed("subscriptions")))
        assert [ven["venName"] for ven in vtn.listed("vens")] == ["S-1"]
        limit = await asyncio.to_thread(vtn.put, "events", now(("IMPORT_CAPACITY_LIMIT", 9)))
        assert (await station.cap(9_000)).source is LimitSource.AGGREGATOR
        await asyncio.to_thread(vtn.put, "events", now(("ALERT_GRID_EMERGENCY", "Islanded."), id="alert"))
        assert (await station.cap(0)).command is Command.EMERGENCY
        await asyncio.to_thread(vtn.delete, "events", "alert")
        await station.cap(9_000)
        await asyncio.to_thread(vtn.delete, "events", limit)
        await station.cap(22_000)
        await eventually(lambda: {report["eventID"] for report in vtn.listed("reports")} == {"alert", limit})


async def test_an_openadr_server_that_fails_is_asked_again_and_its_silence_counts(tmp_path: Path, vtn: Vtn) -> None:
    settings = openadr_settings(vtn, tmp_path, silence_s=2.5, failsafe_w=4_200)
    async with site(tmp_path, settings) as station:
        await station.cap(22_000)
        vtn.broken = True
        assert (await station.cap(4_200)).source is LimitSource.FAILSAFE
        vtn.broken = False
        vtn.revoke_tokens()
        vtn.put("events", now(("SIMPLE", 1)))
        await station.cap(11_000)


async def test_a_server_that_wants_neither_registration_nor_reports_is_followed_all_the_same(
    tmp_path: Path, vtn: Vtn
) -> None:
    vtn.read_only |= {"vens", "reports", "subscriptions"}
    vtn.put("events", now(("SIMPLE", 1)))
    async with site(tmp_path, openadr_settings(vtn, tmp_path)) as station:
        await station.cap(11_000)
        vtn.put("events", now(("SIMPLE", 2)))
        await station.cap(4_200)
        assert vtn.listed("reports") == []


async def test_a_notification_needs_the_token(tmp_path: Path) -> None:
    notices = Notices(CallbackSettings(url="http://127.0.0.1:{port}/", port=0))
    notices.start()
    url = f"http://127.0.0.1:{notices.port}/"
    async with httpx.AsyncClient() as client:
        assert (await client.post(url, json={})).status_code == 401
        assert (await client.post(url, headers={"Authorization": "Bearer forged"})).status_code == 401
        assert not notices.heard.is_set()
        shown = {"Authorization": f"Bearer {notices.token}"}
        assert (await client.post(url, headers=shown)).status_code == 204
    await asyncio.wait_for(notices.heard.wait(), WAIT_S)
    notices.close()


async def test_only_events_of_the_programs_that_were_chosen_count(tmp_path: Path, vtn: Vtn) -> None:
    chosen = vtn.put("programs", {"programName": "flex"})
    vtn.put("events", now(("SIMPLE", 3), programID="another"))
    vtn.put("events", now(("SIMPLE", 2), programID=chosen))
    async with site(tmp_path, openadr_settings(vtn, tmp_path, programs=["flex"])) as station:
        await station.cap(4_200)


async def test_a_secret_that_cannot_be_read_is_said(tmp_path: Path, vtn: Vtn) -> None:
    settings = openadr_settings(vtn, tmp_path, client_secret_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="client_secret_file"):
        Site(tmp_path, settings, [])
