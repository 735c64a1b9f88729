"""Looks after what surrounds the connectors: buttons, lights, and the recordings of the black boxes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn, Protocol
from uuid import uuid4

from edge.control.blackbox import BlackBox, Recording, keep
from edge.hardware.panel import Buttons, Panel, light_of
from powerctl.core.clock import Clock
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState, StopReason
from powerctl.runtime import log

EVERY_S: Final = 0.05
RECORDINGS_EVERY_S: Final = 1.0
ASKED: Final = "asked"
"""Why a recording was taken: somebody wanted to see it."""
PRESSED: Final = "The stop button at the station was pressed."
EMERGENCY: Final = "The emergency stop was pressed: release the button, then release the fault."

_log = log.get(__name__)


class Attended(Protocol):
    """A connector, as its panel needs it."""

    @property
    def state(self) -> ConnectorState:
        """Where it is."""
        ...

    def start(self, command_id: str) -> str | None:
        """Begin; a sentence when not."""
        ...

    def stop(self, reason: StopReason, detail: str) -> str | None:
        """End; a sentence when not."""
        ...

    def emergency(self, detail: str) -> None:
        """Power off at once."""
        ...


class PanelDesk:
    """The panels of the station.

    Args:
        may_start: The installer lets people start without the cloud.
    """

    def __init__(
        self,
        panels: Mapping[ConnectorId, Panel],
        connectors: Mapping[ConnectorId, Attended],
        clock: Clock,
        *,
        may_start: bool,
    ) -> None:
        self._panels = panels
        self._connectors = connectors
        self._clock = clock
        self._may_start = may_start
        self._pressed = dict.fromkeys(panels, Buttons())

    async def run(self) -> NoReturn:
        """Attend until cancelled; where there is no panel there is nothing to do."""
        while not self._panels:
            await asyncio.Event().wait()
        while True:
            self.look()
            await asyncio.sleep(EVERY_S)

    def look(self, only: ConnectorId | None = None) -> None:
        """Do what the buttons say, and show the state."""
        for number, panel in self._panels.items():
            if only in (None, number):
                self._attend(self._connectors[number], number, panel)

    def _attend(self, connector: Attended, number: ConnectorId, panel: Panel) -> None:
        before, now = self._pressed[number], panel.read()
        self._pressed[number] = now
        if now.emergency and not before.emergency:
            _log.warning("emergency_pressed", connector=number)
        if now.emergency:  # as long as it is pressed, whatever an operator releases meanwhile
            connector.emergency(EMERGENCY)
        if now.stop and not before.stop:
            connector.stop(StopReason.DRIVER, PRESSED)
        elif now.start and not before.start and self._may_start:
            refusal = connector.start(f"local-{uuid4()}")
            _log.info("local_start", connector=number, refusal=refusal or "")
        panel.show(light_of(connector.state, emergency=now.emergency), self._clock.monotonic())


class Archive:
    """Where the recordings go; writing happens in a thread."""

    def __init__(self, boxes: Mapping[ConnectorId, BlackBox], folder: Path, clock: Clock) -> None:
        self._boxes = boxes
        self.folder = folder
        self._clock = clock

    async def run(self) -> NoReturn:
        """Write what is due until cancelled."""
        while True:
            await asyncio.sleep(RECORDINGS_EVERY_S)
            for recording in self._due(at_once=False):
                await asyncio.to_thread(self._keep, recording)

    def remembered(self) -> list[Recording]:
        """The last minute of every connector as it is now; nothing is written."""
        now = self._clock.monotonic()
        return [box.recording(ASKED, now) for box in self._boxes.values()]

    def close(self) -> None:
        """Write what would be due later."""
        for recording in self._due(at_once=True):
            self._keep(recording)

    def _due(self, *, at_once: bool) -> list[Recording]:
        now = self._clock.monotonic()
        found = (box.due(now, at_once=at_once) for box in self._boxes.values())
        return [recording for recording in found if recording is not None]

    def _keep(self, recording: Recording) -> None:
        try:
            path = keep(recording, self.folder)
        except OSError as error:
            _log.error("recording_lost", reason=str(error))
        else:
            _log.warning("recording_kept", path=str(path))
