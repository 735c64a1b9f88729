"""Every front end of one register image: Modbus/TCP, Modbus/TCP Security and serial lines, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from powerctl.core.clock import Clock, Monotonic
from powerctl.signals.bank import Bank
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.rights import Rights
from powerctl.signals.serial_line import LineFront, SerialLine
from powerctl.signals.server import Front, ModbusServer
from powerctl.signals.settings import GridSettings
from powerctl.signals.tls import SETTING, Contexts

PORT_SETTING = "manager.grid.modbus_tcp.port"


class Fronts:
    """The front ends that are configured.

    Args:
        settings: Which there are.
        bank: Executes the requests of all of them.
        rights: Who keeps a place when connections are scarce.
        clock: For the bank.
        settle: Called after an answer is queued, with the loop's time at which the request arrived.
        unit: The station's address on serial lines now.

    Raises:
        ConfigError: A certificate cannot be used.
    """

    def __init__(
        self,
        settings: GridSettings,
        bank: Bank,
        rights: Rights,
        clock: Clock,
        settle: Callable[[Monotonic], None],
        unit: Callable[[], int],
    ) -> None:
        self._settings = settings

        def execute(pdu: bytes, authority: Authority) -> bytes:
            return bank.execute(pdu, authority, clock.monotonic())

        tcp, tls = settings.modbus_tcp, settings.modbus_tls
        front = Front(Channel.MODBUS_TCP, execute, settle, rights.is_writer, tcp.max_connections, tcp.idle_timeout_s)
        self.tcp = ModbusServer(front, setting=PORT_SETTING)
        self.tls: ModbusServer | None = None
        if tls is not None:
            secure = replace(
                front,
                channel=Channel.MODBUS_TLS,
                max_connections=tls.max_connections,
                idle_timeout_s=tls.idle_timeout_s,
            )
            contexts = Contexts(tls.certificate, tls.key, tls.authorities, tls.revoked)
            self.tls = ModbusServer(secure, setting=f"{SETTING}.port", tls=contexts)
        self._lines = [SerialLine(line, LineFront(execute, settle, unit)) for line in settings.modbus_rtu]

    async def start(self) -> None:
        """Open every port and line. Raises ConfigError: one cannot be opened."""
        tcp, tls = self._settings.modbus_tcp, self._settings.modbus_tls
        await self.tcp.start(tcp.host, tcp.port)
        if self.tls is not None and tls is not None:
            await self.tls.start(tls.host, tls.port)
        for line in self._lines:
            line.open()

    async def run(self) -> NoReturn:
        """Watch over the front ends until cancelled. Raises RuntimeError: a request met a mistake of ours."""
        async with asyncio.TaskGroup() as tasks:
            for server in self._servers():
                tasks.create_task(_unbroken(server), name="modbus-server")
            for line in self._lines:
                tasks.create_task(line.run(), name="modbus-line")
        raise AssertionError

    async def close(self) -> None:
        """Close every port, connection and line."""
        for server in self._servers():
            await server.close()
        for line in self._lines:
            line.close()

    def _servers(self) -> list[ModbusServer]:
        return [self.tcp] if self.tls is None else [self.tcp, self.tls]


async def _unbroken(server: ModbusServer) -> NoReturn:
    await server.broken.wait()
    raise RuntimeError("a Modbus request met a mistake of ours; see the log")
