"""What must survive a restart: the utility's own settings and a stop that is in force.

One small file, replaced atomically, written off the event loop, at most every `THROTTLE_S` seconds.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final, Literal, NoReturn

from pydantic import Field, ValidationError

from powerctl.runtime import log
from powerctl.runtime.settings import Section

THROTTLE_S: Final = 5.0
"""Least time between two writes; flash wears (the last value wins)."""

_log = log.get(__name__)


class SavedSlot(Section):
    """One source's persistent values."""

    failsafe_w: float = Field(ge=0)
    failsafe_min_s: int = Field(ge=7200, le=86400)
    held: Literal["pause", "emergency"] | None = None
    """A stop that was in force."""


class Saved(Section):
    """Everything that is kept."""

    slots: dict[int, SavedSlot] = Field(default_factory=dict)
    charge_rate_max_w: float | None = Field(default=None, ge=0)
    """702.WChaRteMax. None: never written."""
    registers: dict[str, int] = Field(default_factory=dict)
    """Other registers that persist, raw by path: those of 703, 715 and 1, and the schedule in force."""


def load(path: Path) -> Saved:
    """What was kept. A file that is missing or damaged counts as empty: the commissioned values hold (LPC-TS-019)."""
    try:
        return Saved.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Saved()
    except (OSError, ValidationError) as error:
        _log.error("grid_settings_unreadable", path=str(path), why=str(error))
        return Saved()


def save(path: Path, saved: Saved) -> None:
    """Replace the file, durably. Raises OSError: the old one is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(saved.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Keeper:
    """Writes the newest values in the background."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: Saved | None = None
        self._changed = asyncio.Event()
        self.failed = False
        """True while the disk refuses: persistent values cannot be accepted."""

    def keep(self, saved: Saved) -> None:
        """Have `saved` written soon; replaces what was not written yet."""
        self._newest = saved
        self._changed.set()

    async def run(self) -> NoReturn:
        """Write until cancelled; then write what is left."""
        try:
            while True:
                await self._changed.wait()
                await self._flush()
                await asyncio.sleep(THROTTLE_S)
        finally:
            await asyncio.shield(self._flush())

    async def _flush(self) -> None:
        self._changed.clear()
        newest, self._newest = self._newest, None
        if newest is None:
            return
        try:
            await asyncio.to_thread(save, self._path, newest)
            self.failed = False
        except OSError as error:
            self._newest = self._newest or newest
            self._changed.set()
            if not self.failed:
                _log.error("grid_settings_not_saved", path=str(self._path), why=str(error))
            self.failed = True
