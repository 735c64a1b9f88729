"""The uplink and a ModemManager that is played on a real D-Bus daemon of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from edge.uplink import modem_manager as names
from edge.uplink.modem_manager import ModemManager, ModemManagerSettings
from edge.uplink.signal import UNKNOWN
from powerctl.core.errors import ConfigError, RemoteError

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not on this machine"),
]

MODEM, SIM = "/org/freedesktop/ModemManager1/Modem/0", "/org/freedesktop/ModemManager1/SIM/0"


@dataclass
class Played:
    """ModemManager with one modem, as far as the uplink asks."""

    locked: bool = False
    state: int = 8
    tries: int = 3
    pin: str = "1234"
    rssi: float | None = -71.0
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    present: bool = True

    def handle(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL or not (message.path or "").startswith(names.PATH):
            return False
        self.calls.append((str(message.member), tuple(message.body)))
        match message.member:
            case "GetManagedObjects":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
            case "SendPin":
                if message.body[0] != self.pin:
                    self.tries -= 1
                    return Message.new_error(message, f"{names.NAME}.Error.MobileEquipment.IncorrectPassword", "1234?")
                self.locked = False
            case "Connect":
                self.state = names.CONNECTED
                return Message.new_method_return(message, "o", [f"{names.PATH}/Bearer/0"])
        return Message.new_method_return(message)

    def _objects(self) -> dict[str, Any]:
        if not self.present:
            return {}
        lte = {} if self.rssi is None else {"rssi": Variant("d", self.rssi)}
        modem = {
            "UnlockRequired": Variant("u", names.SIM_PIN if self.locked else 1),
            "UnlockRetries": Variant("a{uu}", {names.SIM_PIN: self.tries}),
            "State": Variant("i", self.state),
            "Sim": Variant("o", SIM),
        }
        return {MODEM: {names.MODEM: modem, names.SIGNAL: {"Lte": Variant("a{sv}", lte), "Gsm": Variant("a{sv}", {})}}}

    def times(self, member: str) -> int:
        """How often it was called."""
        return sum(name == member for name, _ in self.calls)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={tmp_path}/bus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()


@pytest.fixture
async def played(address: str) -> AsyncIterator[Played]:
    made = Played()
    bus = await MessageBus(bus_address=address).connect()
    bus.add_message_handler(made.handle)
    await bus.request_name(names.NAME)
    yield made
    bus.disconnect()


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    path = tmp_path / "sim.pin"
    path.write_text("1234\n")
    path.chmod(0o600)
    return path


def manager(address: str, **settings: Any) -> contextlib.closing[ModemManager]:
    return contextlib.closing(ModemManager(ModemManagerSettings(**settings), address))


@pytest.mark.parametrize(("rssi", "csq"), [(-71.0, 21), (-113.0, 0), (-40.0, 31), (None, UNKNOWN)])
async def test_it_tells_the_signal_in_steps(played: Played, address: str, rssi: float | None, csq: int) -> None:
    played.rssi = rssi
    with manager(address) as modem:
        assert await modem.csq() == csq
        await modem.csq()
    assert played.times("Setup") == 1
    assert played.times("Connect") == 0


async def test_it_unlocks_the_sim_and_connects_once(played: Played, address: str, pin: Path) -> None:
    played.locked = True
    with manager(address, apn="iot.example", pin_file=pin) as modem:
        await modem.csq()
        await modem.csq()
        assert (played.locked, played.times("SendPin"), played.times("Connect")) == (False, 1, 1)
        played.state = 8
        await modem.csq()
    assert ("Connect", ({"apn": Variant("s", "iot.example")},)) in played.calls
    assert played.times("Connect") == 2


async def test_a_wrong_pin_is_tried_once_and_told_without_it(played: Played, address: str, pin: Path) -> None:
    played.locked, played.pin = True, "9999"
    with manager(address, pin_file=pin) as modem:
        with pytest.raises(RemoteError) as refused:
            await modem.csq()
        assert "1234" not in str(refused.value)
        for _ in range(3):
            with pytest.raises(ConfigError):
                await modem.csq()
    assert played.times("SendPin") == 1


async def test_the_last_try_is_left_to_a_person(played: Played, address: str, pin: Path) -> None:
    played.locked, played.tries = True, 1
    with manager(address, pin_file=pin) as modem, pytest.raises(ConfigError):
        await modem.csq()
    assert played.times("SendPin") == 0


async def test_row_37_a_pin_that_others_can_read_is_not_used(played: Played, address: str, pin: Path) -> None:
    played.locked = True
    os.chmod(pin, 0o644)
    with manager(address, pin_file=pin) as modem, pytest.raises(ConfigError, match="chmod 600"):
        await modem.csq()
    assert played.times("SendPin") == 0


async def test_no_modem_and_no_manager_are_the_peers_fault(played: Played, address: str, tmp_path: Path) -> None:
    played.present = False
    with manager(address) as modem, pytest.raises(RemoteError):
        await modem.csq()
    with manager(f"unix:path={tmp_path}/none") as modem, pytest.raises(RemoteError):
        await modem.csq()
