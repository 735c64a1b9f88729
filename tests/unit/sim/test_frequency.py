"""The synthetic frequency has the statistics that it claims, and its meter gives each sample to everyone."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.units import Power
from powerctl.runtime.clock import SystemClock
from powerctl.signals.sources.frequency import FrequencyRules, FrequencySource, Product
from powerctl.signals.sources.polling import SocketFrequency, watch_frequency
from powerctl.sim.frequency import FALL_S, MINUTES_OUTSIDE, SIGMA_HZ, FrequencyMeter, Loss, trace


def test_a_day_has_the_spread_and_the_excursions_of_the_nordic_grid() -> None:
    day = list(trace(86_400, seed=1, rate=1))
    assert len(day) == 86_400
    assert statistics.fmean(day) == pytest.approx(50.0, abs=0.005)
    assert statistics.pstdev(day) == pytest.approx(SIGMA_HZ, rel=0.1)
    outside = sum(not 49.9 <= hz <= 50.1 for hz in day) / len(day)
    assert outside < 15_000 / (365 * 24 * 60), "Regulation (EU) 2017/1485, annex III, table 2"
    assert outside == pytest.approx(MINUTES_OUTSIDE / (365 * 24 * 60), rel=0.5)


def test_the_same_seed_gives_the_same_day() -> None:
    assert list(trace(10, seed=3)) == list(trace(10, seed=3))
    assert list(trace(10, seed=3)) != list(trace(10, seed=4))


def test_the_loss_of_a_plant_falls_fast_and_recovers_slowly() -> None:
    loss = Loss(10.0, 0.4)
    dips = [loss.dip(t) for t in (9.9, 10.0, 10.0 + FALL_S, 60.0, 600.0)]
    assert dips[:2] == [0.0, 0.0]
    assert dips[2] == pytest.approx(0.4)
    assert 0.4 > dips[3] > dips[4] > 0.0
    quiet, hit = list(trace(20, seed=1)), list(trace(20, seed=1, losses=(loss,)))
    assert quiet[:100] == hit[:100]
    assert hit[160] == pytest.approx(quiet[160] - 0.4, abs=1e-6)


async def test_a_listener_gets_every_sample_and_notices_the_end(tmp_path: Path) -> None:
    meter = FrequencyMeter(tmp_path / "hz")
    await meter.start()
    port = SocketFrequency(tmp_path / "hz")
    first = asyncio.create_task(port.sample())
    await meter.connected.wait()
    meter.send(49.9876)
    assert await first == 49.9876
    meter.send_line("nonsense")
    with pytest.raises(RemoteError):
        await port.sample()
    await meter.close()
    with pytest.raises(RemoteError):
        await port.sample()


async def test_played_samples_shed_and_an_insane_one_is_only_counted(tmp_path: Path) -> None:
    meter = FrequencyMeter(tmp_path / "hz")
    await meter.start()
    source = FrequencySource(FrequencyRules(Product.FFR, floor=Power(1_000)), on=True)
    spoken = asyncio.Event()
    port = SocketFrequency(tmp_path / "hz")
    task = asyncio.create_task(watch_frequency(port, source, spoken.set, SystemClock()))
    await meter.connected.wait()
    await meter.play([50.0, 7.0, 49.5, 49.5], rate=1000)
    async with asyncio.timeout(5):
        await spoken.wait()
    assert source.response.cap == Power(1_000)
    assert source.response.sampled_at is not None
    assert source.response.sampled_at > Monotonic(0)
    task.cancel()
    await asyncio.wait([task])
    port.close()
    await meter.close()
