"""A modem that ModemManager looks after: set up (SIM PIN, access point), and asked for its signal, over D-Bus.

Source of names and numbers: ModemManager's D-Bus reference, interfaces Modem, Modem.Signal, Modem.Simple and Sim.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from pydantic import Field

from edge.uplink.signal import UNKNOWN, csq_of
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log
from powerctl.runtime.settings import Section

NAME: Final = "org.freedesktop.ModemManager1"
PATH: Final = "/org/freedesktop/ModemManager1"
MODEM, SIGNAL, SIMPLE, SIM = f"{NAME}.Modem", f"{NAME}.Modem.Signal", f"{NAME}.Modem.Simple", f"{NAME}.Sim"
SIM_PIN: Final = 2
"""MM_MODEM_LOCK_SIM_PIN."""
CONNECTED: Final = 11
"""MM_MODEM_STATE_CONNECTED."""
LEAST_TRIES: Final = 2
"""A PIN is not tried when only this many tries, less one, are left: a blocked SIM needs a person on site."""
RATE_S: Final = 10
ANSWER_S: Final = 30.0
_TECHNOLOGIES: Final = ("Nr5g", "Lte", "Umts", "Gsm", "Cdma")

_log = log.get(__name__)


class ModemManagerSettings(Section):
    """The mobile network's modem, as ModemManager knows it."""

    apn: str = Field(default="", max_length=100)
    """Access point name. Empty: somebody else connects the modem."""
    pin_file: Path | None = None
    """File with the SIM's PIN, readable by this program's user only. Absent: the SIM has none."""


@dataclass(slots=True)
class ModemManager:
    """The first modem on the bus.

    Args:
        settings: How it is set up.
        address: Of the bus. None: the system's.
    """

    settings: ModemManagerSettings
    address: str | None = None
    _bus: MessageBus | None = None
    _rated: str = ""
    _wrong_pin: bool = False

    async def csq(self) -> int:
        """The signal in steps of AT+CSQ, 99 for not known; sets the modem up when it is not.

        Raises:
            RemoteError: There is no modem, or it does not answer.
            ConfigError: The PIN cannot be read or is wrong.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                path, interfaces = await self._modem()
                await self._set_up(path, interfaces[MODEM])
                return await self._signal(path, interfaces)
        except (OSError, EOFError, TimeoutError) as error:
            self._bus = None
            raise RemoteError(f"ModemManager does not answer: {error}") from error

    async def _modem(self) -> tuple[str, dict[str, dict[str, Variant]]]:
        found = await self._call(PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        for path, interfaces in sorted(found.items()):
            if MODEM in interfaces:
                return path, interfaces
        raise RemoteError("ModemManager knows no modem")

    async def _set_up(self, path: str, modem: dict[str, Variant]) -> None:
        if _value(modem, "UnlockRequired", 0) == SIM_PIN:
            await self._unlock(modem)
        if self.settings.apn and _value(modem, "State", CONNECTED) < CONNECTED:
            await self._call(path, SIMPLE, "Connect", "a{sv}", {"apn": Variant("s", self.settings.apn)})
            _log.info("modem_connected", apn=self.settings.apn)

    async def _unlock(self, modem: dict[str, Variant]) -> None:
        if self.settings.pin_file is None:
            raise ConfigError("uplink.modem_manager.pin_file", "is missing.", "The SIM asks for its PIN.")
        left = _value(modem, "UnlockRetries", {}).get(SIM_PIN, LEAST_TRIES)
        if self._wrong_pin or left < LEAST_TRIES:
            raise ConfigError(
                str(self.settings.pin_file), "holds a PIN that the SIM refused.", "Correct it; unlock the SIM by hand."
            )
        pin = secret_in(self.settings.pin_file)
        try:
            await self._call(_value(modem, "Sim", "/"), SIM, "SendPin", "s", pin)
        except RemoteError:
            # Never a second time by itself: three wrong ones block the SIM.
            self._wrong_pin = True
            raise

    async def _signal(self, path: str, interfaces: dict[str, dict[str, Variant]]) -> int:
        if self._rated != path and SIGNAL in interfaces:
            await self._call(path, SIGNAL, "Setup", "u", RATE_S)
            self._rated = path
        for technology in _TECHNOLOGIES:
            figures = _value(interfaces.get(SIGNAL, {}), technology, {})
            if "rssi" in figures:
                return csq_of(float(figures["rssi"].value))
        return UNKNOWN

    async def _call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        bus = await self._connected()
        answer = await bus.call(
            Message(
                destination=NAME, path=path, interface=interface, member=member, signature=signature, body=list(body)
            )
        )
        if answer is None or answer.message_type is not MessageType.METHOD_RETURN:
            # Not the body of the error: it may repeat what was sent, and a PIN is sent.
            raise RemoteError(f"ModemManager refuses {member}: {answer.error_name if answer else 'no answer'}")
        return answer.body[0] if answer.body else None

    async def _connected(self) -> MessageBus:
        if self._bus is None or not self._bus.connected:
            bus = MessageBus(bus_address=self.address, bus_type=BusType.SYSTEM)
            self._bus = await bus.connect()
        return self._bus

    def close(self) -> None:
        """Leave the bus."""
        if self._bus is not None:
            self._bus.disconnect()


def secret_in(path: Path) -> str:
    """The secret in a file that nobody else can read.

    Raises:
        ConfigError: It cannot be read, or others can read it.
    """
    try:
        others = os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        content = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), "cannot be read.", "Check its path and rights.") from error
    if others:
        raise ConfigError(str(path), "can be read by others.", f"Run `chmod 600 {path}`.")
    return content


def _value(properties: dict[str, Variant], name: str, otherwise: Any) -> Any:
    return properties[name].value if name in properties else otherwise
