"""Clients of the API, one per transport: written for the tests, apart from the server's own code."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

import grpc
import grpc.aio
import httpx
from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


class Failed(Exception):
    """The call ended with another status than OK."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Peer(Protocol):
    """One client on one transport."""

    async def call(self, method: str, request: Message, response: type[M], token: str = "") -> M:
        """The response of a unary method. Raises Failed."""
        ...


@dataclass(frozen=True, slots=True)
class Native:
    """gRPC over HTTP/2."""

    port: int

    async def call(self, method: str, request: Message, response: type[M], token: str = "") -> M:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            rpc = channel.unary_unary(path(method), type(request).SerializeToString, response.FromString)
            try:
                return await rpc(request, metadata=_metadata(token), timeout=10)
            except grpc.aio.AioRpcError as error:
                raise Failed(error.code().name.lower(), error.details() or "") from error

    async def stream(self, method: str, request: Message, response: type[M], token: str) -> AsyncGenerator[M]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            rpc: Any = channel.unary_stream(path(method), type(request).SerializeToString, response.FromString)
            async for message in rpc(request, metadata=_metadata(token)):
                yield message


@dataclass(frozen=True, slots=True)
class GrpcWeb:
    """gRPC-Web, binary or text."""

    web: str
    text: bool

    async def call(self, method: str, request: Message, response: type[M], token: str = "") -> M:
        (message,) = [one async for one in self.stream(method, request, response, token)]
        return message

    async def stream(
        self,
        method: str,
        request: Message,
        response: type[M],
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[M]:
        kind = "application/grpc-web-text" if self.text else "application/grpc-web+proto"
        payload = request.SerializeToString()
        frame = struct.pack(">BI", 0, len(payload)) + payload
        body = base64.b64encode(frame) if self.text else frame
        sent = {"content-type": kind, **_bearer(token), **(headers or {})}
        async with (
            httpx.AsyncClient(timeout=10, verify=False) as client,
            client.stream("POST", self.web + path(method), content=body, headers=sent) as answer,
        ):
            assert answer.status_code == 200, answer.status_code
            async for flags, content in self._frames(answer):
                if flags & 0x80:
                    _raise_if_failed(content)
                else:
                    yield response.FromString(content)

    async def _frames(self, answer: httpx.Response) -> AsyncIterator[tuple[int, bytes]]:
        raw, decoded = b"", b""
        async for piece in answer.aiter_raw():
            raw += piece
            whole = len(raw) // 4 * 4
            decoded += _from_text(raw[:whole]) if self.text else raw
            raw = raw[whole:] if self.text else b""
            while len(decoded) >= 5 and len(decoded) >= 5 + struct.unpack(">I", decoded[1:5])[0]:
                end = 5 + struct.unpack(">I", decoded[1:5])[0]
                yield decoded[0], decoded[5:end]
                decoded = decoded[end:]


@dataclass(frozen=True, slots=True)
class Json:
    """Connect's unary JSON."""

    web: str

    async def call(self, method: str, request: Message, response: type[M], token: str = "") -> M:
        async with httpx.AsyncClient(verify=False) as client:
            answer = await client.post(
                self.web + path(method), json=json_format.MessageToDict(request), headers=_bearer(token)
            )
        if answer.status_code != 200:
            error = answer.json()
            raise Failed(error["code"], error["message"])
        return json_format.Parse(answer.text, response())


def path(method: str) -> str:
    """`SessionService/GetSession` as a path."""
    return f"/powerctl.v1.{method}"


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return tuple(_bearer(token).items())


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _from_text(text: bytes) -> bytes:
    return b"".join(base64.b64decode(text[start : start + 4]) for start in range(0, len(text), 4))


def _raise_if_failed(trailers: bytes) -> None:
    fields = dict(line.split(":", 1) for line in trailers.decode().splitlines())
    code = int(fields["grpc-status"])
    if code:
        name = next(status.name.lower() for status in grpc.StatusCode if status.value[0] == code)
        raise Failed(name, unquote(fields.get("grpc-message", "")))
