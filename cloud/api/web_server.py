"""The web listener: uvicorn on a socket that we have opened ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from powerctl.runtime.health import port_error
from powerctl.runtime.settings import TlsFiles

_KEEP_ALIVE_S = 30
_MOST_CONNECTIONS = 2000
"""Beyond this a client is told to come back; a flood must not take the machine's memory."""


class WebServer:
    """Serves an application over HTTP/1.1.

    Raises:
        ConfigError: The port cannot be opened.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, tls: TlsFiles | None, setting: str = "cloud.web.port"
    ) -> None:
        self._socket = _listen(host, port, setting)
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=1,
                limit_concurrency=_MOST_CONNECTIONS,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.key if tls else None,
            )
        )

    @property
    def port(self) -> int:
        """The port that is open."""
        return int(self._socket.getsockname()[1])

    async def run(self) -> NoReturn:
        """Serve until cancelled; running requests are then given a second."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="uvicorn")
        try:
            await asyncio.shield(serving)
            raise RuntimeError("the web server ended by itself")
        finally:
            self._server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """uvicorn, without hands on the program's signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


def _listen(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise port_error(setting, host, port, error) from error
