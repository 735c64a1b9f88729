"""A gRPC server that does nothing, over TLS: the floor under every call. Run as a program: CA CERT KEY PORT."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

METHOD = "/powerctl.v1.LocationService/GetLocation"
STREAM = "/powerctl.v1.WatchService/Watch"
SECOND = 1.0


class _Empty(grpc.GenericRpcHandler):
    """Answers every call with no bytes, and every stream with the bytes of its request, once a second."""

    def service(self, handler_call_details: Any) -> Any:
        """The same handler for every method."""

        async def again(payload: bytes, _: Any) -> AsyncIterator[bytes]:
            yield payload
            while True:
                await asyncio.sleep(SECOND)
                yield payload

        if handler_call_details.method == STREAM:
            return grpc.unary_stream_rpc_method_handler(again)

        async def nothing(_: bytes, __: Any) -> bytes:
            return b""

        return grpc.unary_unary_rpc_method_handler(nothing)


async def _serve(certificate: str, key: str, port: str) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Empty(),))
    pair = (Path(key).read_bytes(), Path(certificate).read_bytes())  # noqa: ASYNC240
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
