"""A utility that commands one slot of the station over Modbus/TCP, told what to do by JSON lines on standard input.

Commands: `{"do": "limit", "w": 4200}`, `{"do": "emergency"}`, `{"do": "pause"}`, `{"do": "release"}`, `{"do": "cut"}`
(drops the connection and stays away), `{"do": "silence"}` (stays connected, sends no heartbeat) and `{"do": "mend"}`
(ends both, and repeats the standing command), `{"do": "prices", "per_kwh": [0.3, 0.05]}` (this hour's and the following
ones', through the schedule; an empty list ends them). It says on standard output what happened, as JSON lines with `t`
in seconds on the monotonic clock.

On every connection it writes its standing command once, 22 kW at first, then keeps the heartbeat (LPC-TS-030).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from powerctl.core.errors import RemoteError
from powerctl.runtime import service
from powerctl.signals.mailbox import Mode
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.vendor import SPEAKERS

RATING_W: Final = 22_000
MAX_COMMANDS: Final = 64
RETRY_S: Final = 0.5
TIMEOUT_S: Final = 2.0
MODES: Final = {"limit": Mode.CAP, "pause": Mode.PAUSE, "emergency": Mode.EMERGENCY, "release": Mode.CAP}
HOUR_S: Final = 3600
MOST_HOURS: Final = 48
"""What one request carries (FC 16: at most 123 registers)."""
MOST_PER_KWH: Final = 32.0
DSO: Final = dict(SPEAKERS)["DSO"]
NO_CAP: Final = 0xFFFF
LINK: Final = frozenset({"cut", "silence", "mend"})

Say = Callable[[Mapping[str, Any]], None]
"""Takes one event, without its time."""


@dataclass(frozen=True, slots=True)
class UtilitySettings:
    """Where the station is, and how the utility keeps in touch."""

    host: str = "127.0.0.1"
    port: int = 5020
    slot: int = 0
    heartbeat_s: float = 1.0
    first_limit_w: int = RATING_W


@dataclass(frozen=True, slots=True)
class Order:
    """What the utility wants of the station."""

    do: str
    limit_w: int
    enabled: bool = True

    @property
    def mode(self) -> Mode:
        """As written to the register."""
        return MODES[self.do]


def parse(line: str) -> Mapping[str, Any]:
    """The command in a line. Raises RemoteError: it is none."""
    try:
        command = json.loads(line)
    except ValueError as error:
        raise RemoteError(f"not JSON: {error}") from error
    if not isinstance(command, dict) or command.get("do") not in {*MODES, *LINK, "prices"}:
        raise RemoteError(f"unknown command: {line.strip()}")
    watts = command.get("w", 0)
    if command["do"] == "limit" and (not isinstance(watts, int) or not 0 <= watts < 0xFFFF):
        raise RemoteError("a limit needs w, whole watts from 0 to 65534")
    if command["do"] == "prices":
        _prices(command.get("per_kwh"))
    return command


def _prices(told: object) -> list[int]:
    """Thousandths per kilowatt hour, as 64303 takes them. Raises RemoteError: they are none."""
    if not isinstance(told, list) or len(told) > MOST_HOURS:
        raise RemoteError(f"prices need per_kwh, a list of at most {MOST_HOURS} numbers")
    if not all(isinstance(price, int | float) and abs(price) < MOST_PER_KWH for price in told):
        raise RemoteError(f"a price per kilowatt hour is a number between -{MOST_PER_KWH:g} and {MOST_PER_KWH:g}")
    return [round(price * 1000) & 0xFFFF for price in told]


class Utility:
    """The utility's side of one slot.

    Args:
        settings: Where and how.
        say: Takes what happens.
    """

    def __init__(self, settings: UtilitySettings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._order = Order("limit", settings.first_limit_w)
        self._written: Order | None = None
        self._client: AsyncModbusTcpClient | None = None
        self._writing = asyncio.Lock()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._silent = False
        self._beat = 0

    async def run(self, commands: asyncio.Queue[Mapping[str, Any]]) -> NoReturn:
        """Keep in touch with the station and obey `commands`, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_in_touch(), name="utility-link")
            while True:
                await self._obey(await commands.get())

    async def _obey(self, command: Mapping[str, Any]) -> None:
        if command["do"] in LINK:
            self._set_link(command["do"])
            if command["do"] == "mend":
                await self._resume()
            return
        if command["do"] == "prices":
            await self._try(partial(self._write_prices, _prices(command["per_kwh"])))
            return
        watts = command["w"] if command["do"] == "limit" else self._order.limit_w
        self._order = Order(command["do"], watts, enabled=command["do"] != "release")
        await self._try(self._write_order)

    async def _resume(self) -> None:
        """What a failsafe takes to end: a heartbeat, then a limit (LPC-TS-031)."""
        self._written = None
        if self._client is not None and self._client.connected and await self._try(self._write_heartbeat):
            await self._try(self._write_order)

    def _set_link(self, what: str) -> None:
        self._silent = what == "silence"
        if what == "cut":
            self._allowed.clear()
            if self._client is not None:
                self._client.close()
        else:
            self._allowed.set()
        self._say({"event": what})

    async def _keep_in_touch(self) -> NoReturn:
        while True:
            await self._allowed.wait()
            client = AsyncModbusTcpClient(
                self._settings.host, port=self._settings.port, timeout=TIMEOUT_S, retries=0, reconnect_delay=0
            )
            if await client.connect():
                self._client, self._written = client, None
                self._say({"event": "connected"})
                await self._try(self._write_order)
                await self._heartbeats(client)
                self._client = None
                self._say({"event": "disconnected"})
            client.close()
            await asyncio.sleep(RETRY_S)

    async def _heartbeats(self, client: AsyncModbusTcpClient) -> None:
        """Until the connection is lost."""
        while client.connected:
            if not self._silent and not await self._try(self._write_heartbeat):
                return
            await asyncio.sleep(self._settings.heartbeat_s)

    async def _try(self, action: Callable[[], Any]) -> bool:
        """Carry out `action` on the connection; False: it is lost."""
        try:
            async with self._writing:
                await action()
        except (ModbusException, ConnectionError) as error:
            self._say({"event": "lost", "why": str(error)})
            return False
        finally:
            _heed_cancellation()
        return True

    async def _write_heartbeat(self) -> None:
        self._beat = (self._beat + 1) % 0xFFFF
        await self._write("Hb", [self._beat])

    async def _write_order(self) -> None:
        order, before, sent = self._order, self._written, time.monotonic()
        if self._client is None:
            return
        ok = True
        if order.do == "limit":
            ok = await self._write("LimW", [order.limit_w])
        if before is None or (before.mode, before.enabled) != (order.mode, order.enabled):
            ok = ok and await self._write("Mode", [order.mode, int(order.enabled)])
        self._written = order if ok else None
        self._say({"event": "acknowledged" if ok else "refused", "do": order.do, "w": order.limit_w, "sent": sent})

    async def _write_prices(self, prices: Sequence[int]) -> None:
        """Through 64303: what it is about, then the points, then their adoption as a whole."""
        start = int(time.time()) // HOUR_S * HOUR_S
        head = [DSO, start >> 16, start & 0xFFFF, 0, HOUR_S, len(prices)]
        points = [word for price in prices for word in (NO_CAP, price)]
        ok = await self._write_at("64303.SchSrc", head)
        ok = ok and (not points or await self._write_at("64303.Pt.0.LimW", points))
        ok = ok and await self._write_at("64303.AdptReq", [1])
        self._say({"event": "acknowledged" if ok else "refused", "do": "prices", "hours": len(prices)})

    async def _write(self, point: str, values: list[int]) -> bool:
        return await self._write_at(f"64300.Src.{self._settings.slot}.{point}", values)

    async def _write_at(self, path: str, values: list[int]) -> bool:
        if self._client is None:
            return False
        address = REGISTER_MAP.by_path[path].address
        if len(values) == 1:
            response = await self._client.write_register(address, values[0])
        else:
            response = await self._client.write_registers(address, values)
        return not response.isError()


def _heed_cancellation() -> None:
    """Before Python 3.12 `wait_for`, which the client uses, loses a cancellation that arrives with the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def run_utility(settings: UtilitySettings) -> None:
    """The utility as a program: commands on standard input, events on standard output, until it is told to stop."""
    commands: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(MAX_COMMANDS)
    utility = Utility(settings, _say)
    await service.run_service("utility", utility.run(commands), _listen(commands))


def _say(event: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"t": time.monotonic(), **event}) + "\n")
        sys.stdout.flush()


async def _listen(commands: asyncio.Queue[Mapping[str, Any]]) -> NoReturn:
    """Standard input, line by line. Its end changes nothing."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            await commands.put(parse(line.decode(errors="replace")))
        except RemoteError as error:
            _say({"event": "rejected", "why": str(error)})
    await asyncio.Event().wait()
    raise AssertionError


def main(argv: Sequence[str] | None = None) -> int:
    """`powerctl utility`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="powerctl utility", description=__doc__.partition("\n")[0] if __doc__ else "")
    default = UtilitySettings()
    parser.add_argument("--host", default=default.host)
    parser.add_argument("--port", type=int, default=default.port)
    parser.add_argument("--slot", type=int, default=default.slot, choices=range(4))
    parser.add_argument("--heartbeat", type=float, default=default.heartbeat_s, metavar="S")
    parser.add_argument("--limit", type=int, default=default.first_limit_w, metavar="W", help="written on connecting")
    given = parser.parse_args(argv)
    settings = UtilitySettings(given.host, given.port, given.slot, given.heartbeat, given.limit)
    return service.main("utility", lambda: run_utility(settings))


if __name__ == "__main__":
    sys.exit(main())
