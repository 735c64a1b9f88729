"""People who charge while everything breaks, and who ask again until they have an answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

import grpc.aio
from google.protobuf.message import Message

from cloud.api.tokens import Tokens, load_key
from cloud.domain.principal import Principal, Role
from powerctl.core.ids import SessionId
from powerctl.runtime.clock import SystemClock
from powerctl.v1 import payment_pb2, reservation_pb2, session_pb2, watch_pb2
from powerctl.wire.common import time_to_wire
from tests.contract.api.peers import Failed, M, Native
from tests.soak.roadside import Roadside
from tests.unit.cloud.stories import OPAL

AGAIN: Final = frozenset({"unavailable", "deadline_exceeded", "internal", "aborted", "unknown", "cancelled"})
"""What a client tries again with the same request id."""


@dataclass
class Driver:
    """One person with one client."""

    name: str
    port: int
    key: Path
    dice: random.Random
    tokens: list[tuple[str, str]] = field(default_factory=list)
    """Every charging token that was used, and for which connector."""
    energies: dict[str, list[int]] = field(default_factory=dict)
    """What the stream told of each session's energy, in order."""
    refusals: list[str] = field(default_factory=list)
    charged: int = 0

    @property
    def who(self) -> Principal:
        """As the cloud knows this person."""
        return Principal(self.name, self.name.title(), Role.DRIVER)

    async def ask(
        self, method: str, request: Message, response: type[M], who: Principal | None = None, within_s: float = 60.0
    ) -> M:
        """The answer, however often the question must be repeated.

        Raises:
            Failed: The answer is no.
            TimeoutError: There is none.
        """
        async with asyncio.timeout(within_s):
            while True:
                try:
                    return await Native(self.port).call(method, request, response, self._token(who))
                except Failed as failed:
                    if failed.code not in AGAIN:
                        raise
                await asyncio.sleep(0.3)

    def _token(self, who: Principal | None = None) -> str:
        return Tokens(load_key(self.key), SystemClock()).access(who or self.who, f"{self.name}-{uuid.uuid4()}")[0]

    async def visit(self, roadside: Roadside) -> None:
        """Plug in, pay, charge, unplug. A start that comes too late is given up."""
        session = await roadside.plug_in()
        try:
            with contextlib.suppress(Failed, TimeoutError):
                await self._charge(roadside, session)
        finally:
            await roadside.unplug(session)

    async def _charge(self, roadside: Roadside, session: SessionId) -> None:
        await self._until_known(session)
        plug = f"locations/{roadside.name}/evses/1/connectors/1"
        buying = payment_pb2.CreateChargingTokenRequest(
            connector=plug, payment_method="pm_card_visa", request_id=str(uuid.uuid4())
        )
        bought = await self.ask("PaymentService/CreateChargingToken", buying, payment_pb2.ChargingToken)
        self.tokens.append((bought.token, plug))
        starting = session_pb2.StartSessionRequest(
            connector=plug, request_id=str(uuid.uuid4()), charging_token=bought.token
        )
        asking = asyncio.create_task(self.ask("SessionService/StartSession", starting, session_pb2.Session))
        try:
            command = await roadside.command(session, 25)
            if command is not None:
                await roadside.charge(session, command.command_id, self.dice.randint(2, 8))
                self.charged += 1
        finally:
            asking.cancel()
            try:
                await asking
            except Failed as failed:
                self.refusals.append(str(failed))
            except asyncio.CancelledError:
                pass

    async def _until_known(self, session: SessionId) -> None:
        """Wait until the cloud knows of the vehicle."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(Failed):
                    request = session_pb2.GetSessionRequest(name=f"sessions/{session}")
                    found = await self.ask("SessionService/GetSession", request, session_pb2.Session, OPAL)
                    if found.state == session_pb2.SESSION_STATE_OPEN:
                        return
                await asyncio.sleep(0.2)

    async def charge_for_ever(self, roadside: Roadside) -> NoReturn:
        """One visit after the other."""
        while True:
            await self.visit(roadside)
            await asyncio.sleep(self.dice.uniform(0, 0.5))

    async def watch(self) -> NoReturn:
        """Follow every session of this person, and go on where a lost stream ended."""
        cursor = ""
        while True:
            request = watch_pb2.WatchRequest(resume_after=cursor)
            stream = Native(self.port).stream("WatchService/Watch", request, watch_pb2.WatchResponse, self._token())
            with contextlib.suppress(grpc.aio.AioRpcError):
                async with contextlib.aclosing(stream):
                    async for response in stream:
                        cursor = response.cursor
                        if response.WhichOneof("event") == "session":
                            told = self.energies.setdefault(response.session.name, [])
                            told.append(response.session.energy_wh)
            await asyncio.sleep(0.3)

    async def reserve_for_ever(self, plug: str) -> NoReturn:
        """Want the same connector at about the same hour as everybody."""
        while True:
            begin = datetime.now(UTC) + timedelta(hours=2, minutes=self.dice.randint(0, 240))
            request = reservation_pb2.CreateReservationRequest(
                connector=plug,
                start_time=time_to_wire(begin),
                end_time=time_to_wire(begin + timedelta(minutes=30)),
                request_id=str(uuid.uuid4()),
            )
            with contextlib.suppress(Failed, TimeoutError):
                await self.ask("ReservationService/CreateReservation", request, reservation_pb2.Reservation)
            await asyncio.sleep(self.dice.uniform(0.2, 1.0))
