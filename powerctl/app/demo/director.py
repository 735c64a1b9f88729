"""Takes a visitor's wishes from the cloud and makes them happen: one JSON line in, one out, on a socket file.

Whoever may open the file may direct; it lies in the demo's own folder and belongs to its user alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, Final, NoReturn

from powerctl.app.demo.acts import ACTS, Act
from powerctl.app.demo.inbox import Inbox
from powerctl.app.demo.stage import VEHICLES_OWN, Stage
from powerctl.app.demo.stories import Step

LONGEST: Final = 4096
"""Bytes of a wish."""


class Director:
    """Knows which acts hold, and plays them one after the other.

    Args:
        stage: Where they happen.
        inbox: What the cloud has sent by e-mail.
        vehicles: False: what needs our vehicles is not offered.
    """

    def __init__(self, stage: Stage, inbox: Inbox, *, vehicles: bool) -> None:
        self._stage = stage
        self._inbox = inbox
        self._acts = {act.name: act for act in ACTS if vehicles or act.begin.action not in VEHICLES_OWN}
        self._active = {name for name, act in self._acts.items() if act.begun}
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def serve(self, path: Path) -> NoReturn:
        """Take wishes at `path` until cancelled."""
        server = await asyncio.start_unix_server(self._talk, path, limit=LONGEST)
        await asyncio.to_thread(path.chmod, 0o600)
        async with server:
            await server.serve_forever()
        raise AssertionError("unreachable")

    def acts(self) -> list[dict[str, Any]]:
        """What is on offer, in the order of the story."""
        return [{"name": name, "active": name in self._active, "busy": name in self._busy} for name in self._acts]

    def play(self, name: str) -> bool:
        """Begin the act, or end it when it lasts. False: there is none of this name. A busy one is left alone."""
        act = self._acts.get(name)
        if act is None:
            return False
        if name not in self._busy:
            self._busy[name] = asyncio.create_task(self._play(act), name=f"act-{name}")
        return True

    async def _play(self, act: Act) -> None:
        try:
            await self._stage.take(self._turn(act))
        except (OSError, TimeoutError) as error:
            self._stage.tell("failed", f"{act.name}: {error}")
        finally:
            del self._busy[act.name]

    def _turn(self, act: Act) -> Step:
        """The step that is next, noted as taken."""
        if act.end is None:
            return act.begin
        if act.name in self._active:
            self._active.discard(act.name)
            return act.end
        self._active.add(act.name)
        return act.begin

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):
            answer = self._answer(await reader.readline())
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        wish = json.loads(line)
        asked = wish if isinstance(wish, dict) else {}
        if "mails" in asked:
            return {"mails": [mail.told() for mail in self._inbox.of(str(asked["mails"]))]}
        known = "play" not in asked or self.play(str(asked["play"]))
        return {"acts": self.acts(), "known": known}
