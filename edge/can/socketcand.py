"""python-can's socketcand client, made to notice what it does not: a refused connection and a server that is gone."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

import can
from can.interfaces.socketcand import SocketCanDaemonBus

CONNECT_TIMEOUT_S: Final = 1.0
EMPTY_READS_TO_LOSS: Final = 20
"""A closed connection reads as nothing at once, for ever; a message cut by segments does so once or twice."""
AT_ONCE_S: Final = 0.002


class SocketcandBus(SocketCanDaemonBus):  # type: ignore[misc]  # python-can carries no usable types here
    """A bus that fails when its server is gone, instead of reading nothing in a busy loop (python-can 4.6)."""

    def __init__(self, **parameters: Any) -> None:
        self._empty_reads = 0
        super().__init__(**parameters)

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        begun = time.monotonic()
        message, filtered = super()._recv_internal(timeout)
        if message is not None or time.monotonic() - begun > AT_ONCE_S:
            self._empty_reads = 0
        else:
            self._empty_reads += 1
            if self._empty_reads >= EMPTY_READS_TO_LOSS:
                raise can.CanError("the socketcand server is gone")
        return message, filtered


def open_socketcand(parameters: Mapping[str, Any]) -> can.BusABC:
    """The bus that `parameters` name.

    Raises:
        OSError: The server does not answer. python-can itself would retry in a busy loop for ten seconds.
    """
    socket.create_connection((parameters["host"], int(parameters["port"])), CONNECT_TIMEOUT_S).close()
    # Its warnings about cut messages are no news, and it logs one for each.
    logging.getLogger("can.socketcand").setLevel(logging.CRITICAL)
    logging.getLogger("can.interfaces.socketcand.socketcand").setLevel(logging.CRITICAL)
    rest = {name: value for name, value in parameters.items() if name != "interface"}
    return SocketcandBus(**{"tcp_tune": True, **rest})
