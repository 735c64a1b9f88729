"""What survives a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import async_solipsism
import pytest

from powerctl.signals import store
from powerctl.signals.store import Keeper, Saved, SavedSlot, load, save

SAVED = Saved(slots={0: SavedSlot(failsafe_w=6000, failsafe_min_s=7200, held="emergency")}, charge_rate_max_w=11000)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "sub" / "grid.json", SAVED)
    assert load(tmp_path / "sub" / "grid.json") == SAVED


def test_a_missing_file_counts_as_empty(tmp_path: Path) -> None:
    assert load(tmp_path / "grid.json") == Saved()


@pytest.mark.parametrize("content", ["", "{", '{"slots": {"0": {"failsafe_w": -1}}}', '{"other": 1}', "\xff"])
def test_a_damaged_file_counts_as_empty_and_is_reported(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "grid.json").write_text(content, encoding="latin-1")
    assert load(tmp_path / "grid.json") == Saved()
    assert "grid_settings_unreadable" in caplog.text


def _run(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(story)


def test_the_first_value_is_written_at_once_and_later_ones_rarely(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"

    async def story() -> None:
        keeper = Keeper(path)
        task = asyncio.create_task(keeper.run())
        keeper.keep(Saved(charge_rate_max_w=1))
        await asyncio.sleep(0.1)
        assert load(path).charge_rate_max_w == 1
        for watts in (2, 3, 4):
            keeper.keep(Saved(charge_rate_max_w=watts))
            await asyncio.sleep(0.1)
        assert load(path).charge_rate_max_w == 1
        await asyncio.sleep(store.THROTTLE_S)
        assert load(path).charge_rate_max_w == 4
        task.cancel()

    _run(story())


def test_what_is_left_is_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"

    async def story() -> None:
        keeper = Keeper(path)
        task = asyncio.create_task(keeper.run())
        keeper.keep(Saved(charge_rate_max_w=1))
        await asyncio.sleep(0.1)
        keeper.keep(Saved(charge_rate_max_w=2))
        task.cancel()
        await asyncio.wait([task])

    _run(story())
    assert load(path).charge_rate_max_w == 2


def test_a_disk_that_refuses_is_reported_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")

    async def story() -> None:
        keeper = Keeper(folder / "grid.json")
        task = asyncio.create_task(keeper.run())
        keeper.keep(SAVED)
        await asyncio.sleep(0.1)
        failed = [keeper.failed]
        folder.unlink()
        await asyncio.sleep(store.THROTTLE_S)
        assert [*failed, keeper.failed] == [True, False]
        task.cancel()

    _run(story())
    assert load(folder / "grid.json") == SAVED
