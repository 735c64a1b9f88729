"""The web listener's application: the page, and the API as gRPC-Web, as JSON and as plain routes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.api import openapi, rest
from cloud.api.boundary import MAX_REQUEST_BYTES
from cloud.api.cookies import Cookies
from cloud.api.grpc_web import TYPES, Exchange
from cloud.api.json_call import HTTP_STATUS, error_json, fields_in, json_answer, timeout_s
from cloud.api.method import Methods, Stream, Unary
from cloud.domain.refusal import Refusal, Why

_JSON: Final = "application/json"
_NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class WebApi:
    """Everything under `/v1/` and `/powerctl.v1.`; the rest is the page."""

    methods: Methods
    cookies: Cookies
    page: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if not path.startswith(("/v1/", "/powerctl.v1.")):
            await self.page(scope, receive, send)
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            self.cookies.require_same_origin(request)
            if request.url.path.startswith("/v1/"):
                return await self._plain(request)
            return await self._method(request)
        except Refusal as refusal:
            return _refused(refusal)
        except ClientDisconnect:
            return Response(status_code=499)

    async def _method(self, request: Request) -> Response:
        method = self.methods.get(request.url.path)
        if method is None:
            raise Refusal(Why.NOT_FOUND, "There is no such method.")
        kind = content_type(request)
        if request.method != "POST" or (kind not in TYPES and kind != _JSON):
            return Response(status_code=415 if request.method == "POST" else 405)
        if kind in TYPES:
            exchange = Exchange(method, await _body(request), TYPES[kind], request.headers.get("grpc-timeout", ""))
            return await self._grpc_web(request, exchange, kind)
        if isinstance(method, Stream):
            raise Refusal(Why.UNIMPLEMENTED, "This method streams; call it by gRPC or gRPC-Web.")
        return await self._json(request, method, fields_in(await _body(request)))

    async def _description(self, request: Request) -> Response:
        # Strangers need no map of what there is to attack; the same file stands in the documentation.
        (await self.cookies.call(request)).caller()
        return Response(openapi.content(), media_type=_JSON, headers=_NO_STORE)

    async def _plain(self, request: Request) -> Response:
        if (request.method, request.url.path) == ("GET", openapi.PATH):
            return await self._description(request)
        route, fields = rest.find(request.method, request.url.path)
        method = self.methods[route.method]
        if not isinstance(method, Unary):
            raise Refusal(Why.UNIMPLEMENTED, "This method streams.")
        if route.verb == "GET":
            return await self._json(request, method, {**rest.page_fields(request.query_params), **fields})
        if content_type(request) != _JSON:
            return Response(status_code=415)
        given = fields_in(await _body(request))
        return await self._json(request, method, {**given, **fields} if isinstance(given, dict) else given)

    async def _json(self, request: Request, method: Unary, fields: object) -> Response:
        call = await self.cookies.call(request)
        call.timeout_s = timeout_s(request.headers.get("connect-timeout-ms", ""))
        response = Response(await json_answer(method, fields, call), media_type=_JSON, headers=_NO_STORE)
        self.cookies.apply(call, response)
        return response

    async def _grpc_web(self, request: Request, exchange: Exchange, kind: str) -> Response:
        try:
            call = await self.cookies.call(request)
        except Refusal as refusal:
            return StreamingResponse(exchange.refused(refusal), media_type=kind, headers=_NO_STORE)
        frames = exchange.frames(call)
        # A cookie can only be set before the body begins, and the first frame decides whether there is one.
        first = [await anext(frames)]
        response = StreamingResponse(_chained(first, frames), media_type=kind, headers=_NO_STORE)
        self.cookies.apply(call, response)
        return response


async def _chained(first: list[bytes], rest_of_it: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for frame in first:
        yield frame
    async for frame in rest_of_it:
        yield frame


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_REQUEST_BYTES * 4 // 3:
            raise Refusal(Why.RESOURCE_EXHAUSTED, "The request is too large.")
    return bytes(body)


def content_type(request: Request) -> str:
    """The media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refused(refusal: Refusal) -> Response:
    headers = dict(_NO_STORE)
    if refusal.retry_s is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_s))
    return Response(error_json(refusal), HTTP_STATUS[refusal.why], media_type=_JSON, headers=headers)
