"""The station as a Modbus client: reads registers of meters and remote terminals, one peer each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.registers import BASES, LAST_MODEL, MARKER, MAX_MODELS, METER_MODELS, Register, value

TIMEOUT_S: Final = 2.0


class NotServed(RemoteError):
    """The peer is there, and refuses these registers."""


class RegisterReader:
    """One Modbus/TCP peer whose registers are read. Connects when it is asked, and again after a failure."""

    def __init__(self, host: str, port: int, unit: int) -> None:
        self._host, self._port, self._unit = host, port, unit
        self._client: AsyncModbusTcpClient | None = None

    async def read(self, address: int, count: int, function: int = 3) -> list[int]:
        """The words from `address` on.

        Raises:
            RemoteError: The peer cannot be reached, refuses, or answers something else.
        """
        try:
            client = await self._connected()
            method = client.read_input_registers if function == 4 else client.read_holding_registers
            response = await method(address, count=count, device_id=self._unit)
        except (ModbusException, OSError) as error:
            self.close()
            raise RemoteError(f"{self._host}:{self._port}: {error}") from error
        finally:
            _heed_cancellation()
        if response.isError() or len(response.registers) != count:
            raise NotServed(f"{self._host}:{self._port}: register {address} is refused")
        return list(response.registers)

    async def value(self, register: Register) -> float:
        """One value in our unit. Raises RemoteError: see `read`."""
        return value(register, await self.read(register.address, register.count, register.function))

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(self._host, port=self._port, timeout=TIMEOUT_S, retries=0, reconnect_delay=0)
        self._client = client
        if not await client.connect():
            self.close()
            raise RemoteError(f"{self._host}:{self._port} cannot be reached")
        return client

    def close(self) -> None:
        """Drop the connection. Does nothing when there is none."""
        if self._client is not None:
            self._client.close()
            self._client = None


async def find_meter(reader: RegisterReader) -> tuple[int, int]:
    """Address and id of the first meter model in the peer's SunSpec map.

    Raises:
        RemoteError: There is no map, or none of its models is a meter.
    """
    address = await _first_model(reader)
    for _ in range(MAX_MODELS):
        model, length = await reader.read(address, 2)
        if model in METER_MODELS:
            return address, model
        if model == LAST_MODEL:
            break
        address += 2 + length
        if address > 0xFFFF:
            break
    raise RemoteError("no meter model in the SunSpec map")


async def _first_model(reader: RegisterReader) -> int:
    for base in BASES:
        if await _has_marker(reader, base):
            return base + len(MARKER)
    raise RemoteError("no SunSpec map")


async def _has_marker(reader: RegisterReader, base: int) -> bool:
    """True if a map begins there. Raises RemoteError: the peer is not there at all."""
    try:
        words: Sequence[int] = await reader.read(base, len(MARKER))
    except NotServed:
        return False
    return tuple(words) == MARKER


def _heed_cancellation() -> None:
    """Before Python 3.12 `wait_for`, which the client uses, loses a cancellation that arrives with the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
