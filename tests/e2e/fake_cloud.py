"""A cloud that a test plays by hand: serves the committed page and speaks gRPC-Web (grpc/doc/PROTOCOL-WEB.md)."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import uvicorn
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud.api.headers import SecurityHeaders
from powerctl.v1 import (
    common_pb2,
    demo_pb2,
    identity_pb2,
    location_pb2,
    notification_pb2,
    payment_pb2,
    receipt_pb2,
    reservation_pb2,
    session_pb2,
    watch_pb2,
)

DIST: Final = Path(__file__).resolve().parents[2] / "cloud" / "web" / "dist"
TYPE: Final = "application/grpc-web+proto"
QUEUE: Final = 64
UNAUTHENTICATED, NOT_FOUND = 16, 5
DRIVER: Final = identity_pb2.Principal(
    name="users/driver", display_name="Aino Driver", role=identity_pb2.ROLE_DRIVER, demo=True
)
OPERATOR: Final = identity_pb2.Principal(
    name="users/operator", display_name="Otto Operator", role=identity_pb2.ROLE_OPERATOR, demo=True
)

Asked = TypeVar("Asked", bound=Message)


class Failure(Exception):
    """A call is answered with a status that is not OK."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _frame(flags: int, content: bytes) -> bytes:
    return struct.pack(">BI", flags, len(content)) + content


def _trailers(code: int = 0, message: str = "") -> bytes:
    return _frame(0x80, f"grpc-status:{code}\r\ngrpc-message:{quote(message)}\r\n".encode())


@dataclass
class FakeCloud:
    """What the page is told, and what it asked. Used from the test's thread; serves in its own."""

    tokens: dict[str, identity_pb2.Principal] = field(default_factory=lambda: {"driver": DRIVER, "operator": OPERATOR})
    locations: dict[str, location_pb2.Location] = field(default_factory=dict)
    sessions: dict[str, session_pb2.Session] = field(default_factory=dict)
    receipts: dict[str, receipt_pb2.Receipt] = field(default_factory=dict)
    calls: list[Message] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    """Method to what it answers with, until removed."""
    answers: dict[str, Message] = field(
        default_factory=lambda: {
            "GetPaymentOptions": payment_pb2.PaymentOptions(),
            "ListReservations": reservation_pb2.ListReservationsResponse(),
            "EstimateCost": location_pb2.CostEstimate(total=common_pb2.Money(currency_code="EUR", units=7)),
            "ListActs": demo_pb2.ListActsResponse(),
            "GetNotificationSettings": notification_pb2.NotificationSettings(email_available=True),
        }
    )
    """Method to what it always answers; charging needs no payment here."""
    on_command: Callable[[Message], session_pb2.Session] | None = None
    url: str = ""
    _watchers: set[asyncio.Queue[watch_pb2.WatchResponse | None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _cursor: int = 0

    def say(self, value: location_pb2.Location | session_pb2.Session) -> None:
        """Set a value and tell every open page."""
        if isinstance(value, location_pb2.Location):
            self.locations[value.name] = value
        else:
            value.update_time.FromDatetime(datetime.now(UTC))
            self.sessions[value.name] = value
        self._to_watchers(self._message(value))

    def end_streams(self) -> None:
        """End every open stream in good order, as at the renewal of a sign-in."""
        self._to_watchers(None)

    def asked(self, kind: type[Message]) -> list[Message]:
        """Requests of a type so far."""
        return [call for call in self.calls if isinstance(call, kind)]

    async def heard(self, kind: type[Asked], count: int = 1) -> list[Asked]:
        """The requests of a type once there are `count`: the page may show what it is about to ask before it has."""
        async with asyncio.timeout(30.0):
            while len(calls := [call for call in self.calls if isinstance(call, kind)]) < count:  # noqa: ASYNC110 - written by another thread
                await asyncio.sleep(0.01)
        return calls

    def _message(self, value: Message | None) -> watch_pb2.WatchResponse:
        self._cursor += 1
        response = watch_pb2.WatchResponse(cursor=str(self._cursor))
        response.send_time.FromDatetime(datetime.now(UTC))
        if isinstance(value, location_pb2.Location):
            response.location.CopyFrom(value)
        elif isinstance(value, session_pb2.Session):
            response.session.CopyFrom(value)
        else:
            response.heartbeat.SetInParent()
        return response

    def _to_watchers(self, message: watch_pb2.WatchResponse | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, message)

    def _deliver(self, message: watch_pb2.WatchResponse | None) -> None:
        for queue in self._watchers:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(message)

    async def rpc(self, request: Request) -> Response:
        """Answer one gRPC-Web call."""
        method = request.path_params["method"]
        body = (await request.body())[5:]
        if (failure := self.failures.get(method)) is not None:
            if method in _COMMANDS:
                self.calls.append(_COMMANDS[method].FromString(body))
            return _failed(failure)
        try:
            return await self._call(method, body, request.cookies.get("who", ""))
        except Failure as refused:
            return _failed(refused)

    async def _call(self, method: str, body: bytes, who: str) -> Response:
        if method == "SignIn":
            return self._sign_in(identity_pb2.SignInRequest.FromString(body))
        if who not in self.tokens:
            raise Failure(UNAUTHENTICATED, "Sign in first.")
        if method == "Watch":
            watch = watch_pb2.WatchRequest.FromString(body)
            self.calls.append(watch)
            return StreamingResponse(self._watch(), media_type=TYPE)
        answer = self._unary(method, body, who)
        response = Response(_frame(0, answer.SerializeToString()) + _trailers(), media_type=TYPE)
        if method == "SignOut":
            response.delete_cookie("who")
        return response

    def _sign_in(self, request: identity_pb2.SignInRequest) -> Response:
        self.calls.append(request)
        if (principal := self.tokens.get(request.token)) is None:
            raise Failure(UNAUTHENTICATED, "This sign-in link has been used.")
        answer = identity_pb2.SignInResponse(access_token="x", principal=principal)
        response = Response(_frame(0, answer.SerializeToString()) + _trailers(), media_type=TYPE)
        response.set_cookie("who", request.token, httponly=True, samesite="strict")
        return response

    def _unary(self, method: str, body: bytes, who: str) -> Message:
        if method == "GetPrincipal":
            return self.tokens[who]
        if method == "SignOut":
            return identity_pb2.SignOutResponse()
        if method == "ListSessions":
            return session_pb2.ListSessionsResponse(sessions=list(self.sessions.values()))
        if method == "GetReceipt":
            return _found(self.receipts, receipt_pb2.GetReceiptRequest.FromString(body).name)
        if (answer := self.answers.get(method)) is not None:
            return answer
        return self._command(_COMMANDS[method].FromString(body))

    def _command(self, request: Message) -> Message:
        self.calls.append(request)
        if self.on_command is None:
            raise Failure(12, "Nobody plays this command.")
        return self.on_command(request)

    async def _watch(self) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[watch_pb2.WatchResponse | None] = asyncio.Queue(QUEUE)
        self._watchers.add(queue)
        try:
            for value in (None, *self.locations.values(), *self.sessions.values()):
                yield _frame(0, self._message(value).SerializeToString())
            while (message := await queue.get()) is not None:
                yield _frame(0, message.SerializeToString())
            yield _trailers()
        finally:
            self._watchers.discard(queue)

    @contextlib.contextmanager
    def serving(self, port: int = 0) -> Iterator[FakeCloud]:
        """Serve on a loopback port until the block ends."""
        routes = [
            Route("/powerctl.v1.{service}/{method}", self.rpc, methods=["POST"]),
            Route("/{path:path}", _page, methods=["GET", "HEAD"]),
        ]
        app = SecurityHeaders(Starlette(routes=routes), secure=False)
        config = uvicorn.Config(
            app, "127.0.0.1", port, log_config=None, log_level="critical", timeout_graceful_shutdown=0, ws="none"
        )
        server = _Server(config)

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        server.up.wait(10)
        try:
            self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            yield self
        finally:
            self.end_streams()
            server.should_exit = True
            thread.join(10)
            self._loop = None


_COMMANDS: Final[Mapping[str, type[Message]]] = {
    "StartSession": session_pb2.StartSessionRequest,
    "StopSession": session_pb2.StopSessionRequest,
}


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.up.set()


def _found(values: Mapping[str, Message], name: str) -> Message:
    if (value := values.get(name)) is None:
        raise Failure(NOT_FOUND, f"There is no {name}.")
    return value


def _failed(failure: Failure) -> Response:
    return Response(_trailers(failure.code, failure.message), media_type=TYPE)


async def _page(request: Request) -> Response:
    path = (DIST / (request.path_params["path"] or "index.html")).resolve()
    if not path.is_relative_to(DIST) or not path.is_file():
        return Response(status_code=404)
    kind = {".webmanifest": "application/manifest+json"}.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return Response(path.read_bytes(), media_type=kind)
