"""A CAN bus for machines that have none: every frame of one client goes to all others, over socketcand's protocol.

Any program that speaks socketcand can join (`python-can` with `interface="socketcand"`), as many as like to.
`python -m edge.can.hub --listen 127.0.0.1:29536 --channel can0` runs one.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final, cast

from edge.can.frame import Frame
from edge.can.hub_protocol import ECHO, HI, OK, MessageSplitter, error_message, frame_message, parse_send
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log
from powerctl.runtime.health import port_error
from powerctl.runtime.service import main as run_main
from powerctl.runtime.service import run_service

MAX_CLIENTS: Final = 32
MAX_UNSENT: Final = 64 * 1024
"""Bytes that wait for a client which does not read; more, and it is dropped."""
QUIET_S: Final = 0.1
"""Between the answer to `rawmode` and the first frame: python-can's client wants the answer alone in one segment."""

_log = log.get(__name__)


class _Client(asyncio.Protocol):
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._splitter = MessageSplitter()
        self._is_open = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if not self._hub.admit(self):
            self.refuse("too many clients")
            return
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.write(HI)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._splitter.feed(data):
                self._obey(message)
        except RemoteError as error:
            self.refuse(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.leave(self)

    def _obey(self, message: str) -> None:
        verb = message.partition(" ")[0]
        if verb == "send" and self._is_open:
            self._hub.carry(self, parse_send(message))
        elif verb == "open":
            self._open(message)
        elif verb == "rawmode" and self._is_open:
            self.transport.write(OK)
            asyncio.get_running_loop().call_later(QUIET_S, self._hub.join, self)
        elif verb == "echo":
            self.transport.write(ECHO)
        else:
            self.transport.write(error_message("unknown command"))

    def _open(self, message: str) -> None:
        if message == f"open {self._hub.channel}":
            self._is_open = True
            self.transport.write(OK)
        else:
            self.refuse("could not open bus")

    def refuse(self, reason: str) -> None:
        """Say why, and hang up."""
        _log.warning("hub_client_refused", reason=reason)
        self.transport.write(error_message(reason))
        self.transport.close()


class Hub:
    """One bus.

    Args:
        channel: The name that clients open.
    """

    def __init__(self, host: str, port: int, channel: str = "can0") -> None:
        self.channel = channel
        self._host = host
        self._port = port
        self._clients: set[_Client] = set()
        self._listeners: set[_Client] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self) -> None:
        """Open the port.

        Raises:
            ConfigError: It cannot be opened.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Client(self), self._host, self._port)
        except OSError as error:
            raise port_error("--listen", self._host, self._port, error) from error

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for client in tuple(self._clients):
            client.transport.abort()
        self._server = None

    def admit(self, client: _Client) -> bool:
        """True when there was room for `client`."""
        if len(self._clients) >= MAX_CLIENTS:
            return False
        self._clients.add(client)
        return True

    def join(self, client: _Client) -> None:
        """From now on `client` hears what others send."""
        if client in self._clients:
            self._listeners.add(client)

    def leave(self, client: _Client) -> None:
        """`client` is gone."""
        self._clients.discard(client)
        self._listeners.discard(client)

    def carry(self, sender: _Client, frame: Frame) -> None:
        """Bring `frame` to every client but its sender."""
        message = frame_message(frame, time.time())
        for client in tuple(self._listeners):
            if client is sender:
                continue
            if client.transport.get_write_buffer_size() > MAX_UNSENT:
                _log.warning("hub_client_too_slow")
                client.transport.abort()
            else:
                client.transport.write(message)


async def serve_hub(host: str, port: int, channel: str = "can0") -> None:
    """Run a hub until the program is told to stop."""
    hub = Hub(host, port, channel)
    await hub.start()
    _log.info("hub_started", host=host, port=hub.port, channel=channel)
    try:
        await run_service("hub", asyncio.Event().wait())
    finally:
        await hub.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError("--listen", f"{text!r} is no HOST:PORT.", "For example 127.0.0.1:29536.")
    return host, int(port)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a hub from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge.can.hub", description="A CAN bus over TCP (socketcand).")
    parser.add_argument("--listen", default="127.0.0.1:29536", metavar="HOST:PORT")
    parser.add_argument("--channel", default="can0")
    options = parser.parse_args(argv)

    async def build() -> None:
        await serve_hub(*_address(options.listen), options.channel)

    return run_main("can-hub", build)


if __name__ == "__main__":
    sys.exit(main())
