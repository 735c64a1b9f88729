"""DemoService: what a visitor may do to a simulated station, passed on to the demo's director."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cloud.api.call import Call
from cloud.domain.refusal import Refusal, Why
from cloud.store import notices
from cloud.store.store import Store
from powerctl.v1 import demo_pb2 as pb
from powerctl.wire.common import time_to_wire

TIMEOUT_S: Final = 5.0
LONGEST: Final = 65_536
_ACT: Final = re.compile(r"acts/([a-z][a-z0-9-]{0,30})")


@dataclass(frozen=True, slots=True)
class DemoService:
    """Speaks to the director."""

    director: Path | None
    """Its socket. None: no demo runs here."""
    store: Store

    async def list_acts(self, _request: pb.ListActsRequest, _call: Call) -> pb.ListActsResponse:
        """What is on offer; nothing where no demo runs."""
        if self.director is None:
            return pb.ListActsResponse()
        return pb.ListActsResponse(acts=_acts(await self._ask(self.director, {})))

    async def play_act(self, request: pb.PlayActRequest, _call: Call) -> pb.PlayActResponse:
        """Begin or end one."""
        named = _ACT.fullmatch(request.name)
        if named is None:
            raise Refusal(Why.INVALID_ARGUMENT, "name must be acts/{act}, as ListActs says.")
        if self.director is None:
            raise Refusal(Why.FAILED_PRECONDITION, "No demo runs here.")
        answer = await self._ask(self.director, {"play": named[1]})
        if not answer.get("known"):
            raise Refusal(Why.NOT_FOUND, f"There is no act {request.name}.")
        return pb.PlayActResponse(acts=_acts(answer))

    async def list_mails(self, _request: pb.ListMailsRequest, call: Call) -> pb.ListMailsResponse:
        """What was sent to the caller; nothing where no demo runs."""
        async with self.store.database.read() as connection:
            address = (await notices.wishes(connection, call.caller().user)).email
        if self.director is None or not address:
            return pb.ListMailsResponse()
        answer = await self._ask(self.director, {"mails": address})
        return pb.ListMailsResponse(mails=[_mail(mail) for mail in answer.get("mails", ())])

    async def _ask(self, director: Path, wish: dict[str, str]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await _exchanged(director, wish)
        except (OSError, TimeoutError, ValueError) as error:
            raise Refusal(Why.UNAVAILABLE, "The demo's director does not answer.") from error


async def _exchanged(director: Path, wish: dict[str, str]) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(director, limit=LONGEST)
    try:
        writer.write(json.dumps(wish).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer
    finally:
        writer.close()


def _acts(answer: dict[str, Any]) -> list[pb.Act]:
    return [
        pb.Act(name=f"acts/{act['name']}", active=act["active"], busy=act["busy"]) for act in answer.get("acts", ())
    ]


def _mail(told: dict[str, str]) -> pb.Mail:
    time = time_to_wire(datetime.fromisoformat(told["time"]))
    return pb.Mail(subject=told["subject"], text=told["text"], receive_time=time)
