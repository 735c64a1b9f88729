"""The vehicle's side of the plant link: a TCP server for one station, newline-delimited JSON objects.

Station to plant: `d1`, `d2` (0/1), `v_src` (V), `i` (A), any subset. Plant to station: `k`, `prox`, `contactor` (0/1)
and `v_inlet` (V). A station that comes back replaces the connection that it had.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from edge.sim.vehicle import Event, Supply, Vehicle, Wires
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log

MAX_LINE: Final = 4096
MAX_UNSENT: Final = 64 * 1024
SILENCE_S: Final = 0.5
"""With d1 on, a station that says nothing for so long has gone: d1 and d2 carry no current any more."""

_OFF: Final = Wires(d1=False, d2=False)
_DEAD: Final = Supply(0.0, 0.0)
_log = log.get(__name__)


def events_from_line(line: bytes, wires: Wires, supply: Supply) -> tuple[Wires, Supply]:
    """What the lines and the supply are after `line`; what it does not name stays.

    Raises:
        RemoteError: No JSON object, or a value of the wrong kind.
    """
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RemoteError("the line is not JSON") from error
    if not isinstance(values, dict):
        raise RemoteError("the line is no JSON object")
    numbers = {key: _number(key, values[key]) for key in ("d1", "d2", "v_src", "i") if key in values}
    return (
        Wires(bool(numbers.get("d1", wires.d1)), bool(numbers.get("d2", wires.d2))),
        Supply(numbers.get("v_src", supply.voltage_v), numbers.get("i", supply.current_a)),
    )


def _number(key: str, value: Any) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise RemoteError(f"{key}: {value!r} is no number"[:100])


def line_of(vehicle: Vehicle) -> bytes:
    """The vehicle's lines as the station reads them."""
    values = {
        "k": int(vehicle.k),
        "prox": int(vehicle.plugged),
        "contactor": int(vehicle.contactor),
        "v_inlet": round(vehicle.inlet_v, 2),
    }
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


class PlantServer:
    """Where the station connects.

    Args:
        on_event: Called on the event loop with what the station does to the vehicle.
    """

    def __init__(self, host: str, port: int, on_event: Callable[[Event], None]) -> None:
        self._host = host
        self._port = port
        self._on_event = on_event
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._wires = _OFF
        self._supply = _DEAD
        self._heard_at = 0.0

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.sockets[0].getsockname()[1] if self._server else self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: The address cannot be used.
        """
        try:
            self._server = await asyncio.start_server(self._accept, self._host, self._port, limit=MAX_LINE)
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise ConfigError(
                "vehicle.plant", f"{where}: {error.strerror or error}.", "Choose another with --plant."
            ) from error

    async def close(self) -> None:
        """Stop listening and end the connection."""
        if self._server is not None:
            self._server.close()
        self._drop()
        if self._talks:
            await asyncio.wait(self._talks, timeout=1.0)

    def send(self, vehicle: Vehicle) -> None:
        """Tell the station, if there is one."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self._drop()
            return
        writer.write(line_of(vehicle))

    def watch(self, now: float) -> None:
        """Notice a station that has fallen silent with d1 on."""
        if self._wires.d1 and now - self._heard_at > SILENCE_S:
            _log.warning("station_silent")
            self._dark()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def _dark(self) -> None:
        self._apply(_OFF, _DEAD)

    def _apply(self, wires: Wires, supply: Supply) -> None:
        changed, self._wires, self._supply = wires != self._wires, wires, supply
        self._on_event(supply)
        if changed:
            self._on_event(wires)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(self._converse(reader, writer), name="plant")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._drop()
        self._writer = writer
        self._dark()
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _log.info("station_connected")
        with contextlib.suppress(OSError, ValueError):  # ValueError: a line beyond the limit
            while line := await reader.readline():
                self._take(line)
        writer.transport.abort()
        if self._writer is writer:
            self._writer = None
            _log.info("station_lost")
            # The wires are there for a moment longer: the watch decides, as the coils of a contactor would.
            self._supply = replace(self._supply, current_a=0.0)
            self._on_event(self._supply)

    def _take(self, line: bytes) -> None:
        try:
            wires, supply = events_from_line(line, self._wires, self._supply)
        except RemoteError as error:
            _log.debug("plant_line_rejected", reason=str(error))
            return
        self._heard_at = asyncio.get_running_loop().time()
        self._apply(wires, supply)
