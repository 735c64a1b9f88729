"""The observer: a process of its own that listens on the CAN buses, the Modbus side and the database.

It is told where to listen by one JSON object on the command line, and reads lines of JSON on standard input:
`{"do": "note_write", "t": …}` is a write whose instant is known better than a poll can tell, `{"do": "event", …}` goes
into the report, `{"do": "report"}` ends it. It prints a JSON line with live values twice a second and the result last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from powerctl.app.demo.records import RecordsTap
from powerctl.app.demo.taps import Frame, ModbusReader, listen
from powerctl.app.demo.watch import (
    CapWatch,
    EnvelopeWatch,
    LatencyWatch,
    SlotReading,
    percentile,
    tolerance_w,
)

POLL_S: Final = 0.01
LIVE_S: Final = 0.5
SLOT_ADDRESS: Final = 40448
"""Slot 0 of model 64300; 32 registers."""
HEAD_ADDRESS: Final = 40070
"""Model 701, the first registers: W is the eleventh, its scale factor far behind."""
LEASE_S: Final = 3.0
MANAGER_LOST_SETTLE_S: Final = 5.0
METER_DISAGREES_W: Final = 1500.0
METER_DISAGREES_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """What the observer is told."""

    host: str
    hubs: tuple[int, ...]
    modbus_port: int
    rating_w: float
    settle_s: float
    fallback_ac_w: float
    """What the station may draw, AC, while the energy manager is silent."""
    auxiliary_w: float
    outbox: str
    database: str


@dataclass(slots=True)
class BusView:
    """What one bus says of its connector."""

    available_a: int = 0
    voltage_v: int = 0
    current_a: int = 0
    charging: bool = False
    locked: bool = False
    soc_percent: float | None = None
    request_a: int = 0
    reference: int = 100
    contactor_open: bool = True
    frames: int = 0
    peak_w: float = 0.0


@dataclass(slots=True)
class Observer:
    """Everything that is seen, and what follows from it."""

    settings: ObserverSettings
    cap: CapWatch = field(init=False)
    envelope: EnvelopeWatch = field(default_factory=EnvelopeWatch)
    latency: LatencyWatch = field(default_factory=LatencyWatch)
    buses: list[BusView] = field(init=False)
    violations: list[dict[str, Any]] = field(default_factory=list)
    ac_power_w: float | None = None
    manager_gone_at: float | None = None
    disagrees_since: float | None = None
    _over_open: bool = False
    _notes: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cap = CapWatch(self.settings.rating_w, self.settings.settle_s)
        self.buses = [BusView() for _ in self.settings.hubs]

    # --- CAN -----------------------------------------------------------------------------------------------------

    def frame(self, bus: int, frame: Frame) -> None:
        """A frame on the bus of connector `bus + 1`."""
        if len(frame.data) != 8:
            return
        view, data = self.buses[bus], frame.data
        view.frames += 1
        if frame.frame_id == 0x108:
            view.available_a = data[3]
            self.latency.frame(frame.at, bus, data[3])
        elif frame.frame_id == 0x109:
            self._status(frame.at, bus, data)
        elif frame.frame_id == 0x100:
            view.reference = data[6] or 100
        elif frame.frame_id == 0x102:
            view.request_a, view.contactor_open = data[3], bool(data[5] & 8)
            view.soc_percent = min(100.0, data[6] * 100 / view.reference)

    def _status(self, at: float, bus: int, data: bytes) -> None:
        view = self.buses[bus]
        view.voltage_v, view.current_a = int.from_bytes(data[1:3], "little"), data[3]
        view.charging, view.locked = bool(data[5] & 1), bool(data[5] & 4)
        view.peak_w = max(view.peak_w, float(view.voltage_v * view.current_a))
        if view.current_a > 1 and not view.locked:
            self.violate(at, "open_lock", f"connector {bus + 1} carries {view.current_a} A with an open lock")
        if self.manager_gone_at is not None:
            self._without_manager(at)

    def bus_power_w(self) -> float:
        """Lowest AC power that agrees with what the buses say (currents are whole amperes)."""
        dc = sum(view.voltage_v * max(0.0, view.current_a - 0.5) for view in self.buses if view.charging)
        return dc + self.settings.auxiliary_w if dc > 0 else 0.0

    # --- Modbus --------------------------------------------------------------------------------------------------

    def reading(self, reading: SlotReading) -> None:
        """One poll of the station."""
        self.manager_gone_at = None
        changed = self.cap.changed_limit(reading)
        cap_w, settle_s = self.cap.read(reading)
        self.cap.remember(reading)
        before = self.envelope.cap_w
        if before is None or cap_w != before:
            self.envelope.cap(reading.since, cap_w, settle_s)
            drawn = self.ac_power_w or 0.0
            if changed and before is not None and cap_w < before and drawn > cap_w + tolerance_w(cap_w):
                self.latency.decrease(self._accepted_at(reading))
        if reading.power_w is not None:
            self.power(reading.at, reading.power_w)

    def power(self, at: float, power_w: float) -> None:
        """A measurement at the grid connection."""
        self.ac_power_w = power_w
        over = self.envelope.power(at, power_w)
        if over > 0 and not self._over_open:
            self.violate(at, "over_cap", f"{power_w:.0f} W measured, {over:.0f} W over the envelope")
        self._over_open = over > 0
        self._cross_check(at, power_w)

    def _cross_check(self, at: float, power_w: float) -> None:
        if self.bus_power_w() - power_w <= METER_DISAGREES_W:
            self.disagrees_since = None
            return
        self.disagrees_since = self.disagrees_since or at
        if at - self.disagrees_since > METER_DISAGREES_S:
            self.violate(at, "meter", f"the buses carry {self.bus_power_w():.0f} W, the meter says {power_w:.0f} W")
            self.disagrees_since = None

    def no_answer(self, at: float) -> None:
        """The energy manager does not answer."""
        if self.manager_gone_at is None:
            self.manager_gone_at = at
            self.cap.manager_gone()

    def _without_manager(self, at: float) -> None:
        assert self.manager_gone_at is not None
        if at - self.manager_gone_at < LEASE_S + MANAGER_LOST_SETTLE_S:
            return
        allowed = self.settings.fallback_ac_w
        over = self.bus_power_w() - allowed - tolerance_w(allowed)
        if over > 0 and not self._over_open:
            self.violate(at, "over_fallback", f"{over:.0f} W over the commissioned share with no energy manager")
        self._over_open = over > 0

    def _accepted_at(self, reading: SlotReading) -> float:
        """The instant of the write: known from its author, else the earliest that the polls allow."""
        known = [note for note in self._notes if reading.since - 0.5 <= note <= reading.at]
        return max(known) if known else reading.since

    # --- Report --------------------------------------------------------------------------------------------------

    def note_write(self, at: float) -> None:
        """A write was acknowledged at `at`."""
        self._notes = [*self._notes[-15:], at]

    def violate(self, at: float, name: str, detail: str) -> None:
        """An invariant did not hold."""
        if len(self.violations) < 100:
            self.violations.append({"t": at, "name": name, "detail": detail})

    def live(self) -> dict[str, Any]:
        """What a screen shows."""
        return {
            "t": time.monotonic(),
            "cap_w": self.envelope.cap_w,
            "ac_power_w": self.ac_power_w,
            "manager": self.manager_gone_at is None,
            "connectors": [
                {
                    "power_w": view.voltage_v * view.current_a if view.charging else 0,
                    "available_a": view.available_a,
                    "current_a": view.current_a,
                    "voltage_v": view.voltage_v,
                    "soc_percent": view.soc_percent,
                    "charging": view.charging,
                    "peak_w": view.peak_w,
                }
                for view in self.buses
            ],
        }

    def result(self) -> dict[str, Any]:
        """The measured part of the report."""
        samples = self.latency.samples_ms
        if self.latency.missed:
            self.violate(
                time.monotonic(), "signal_lost", f"{self.latency.missed} limits did not reach a bus within a second"
            )
        return {
            "signal_to_can_ms": {
                "n": len(samples),
                "p50": _rounded(percentile(samples, 0.5)),
                "p99": _rounded(percentile(samples, 0.99)),
                "max": _rounded(max(samples, default=None)),
            },
            "overshoot_w": {
                "max": round(self.envelope.max_over_w, 1),
                "settle_ms": round(self.envelope.max_settle_ms, 1),
            },
            "violations": self.violations,
            "peak_w": [view.peak_w for view in self.buses],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


async def _watch_bus(observer: Observer, index: int) -> None:
    async for frame in listen(observer.settings.host, observer.settings.hubs[index]):
        observer.frame(index, frame)


async def _watch_modbus(observer: Observer) -> None:
    reader = ModbusReader(observer.settings.host, observer.settings.modbus_port)
    since = time.monotonic()
    while True:
        sent = time.monotonic()
        try:
            slot = await reader.read(SLOT_ADDRESS, 32)
            head = await reader.read(HEAD_ADDRESS, 11)
            observer.reading(_slot_reading(slot, head, since))
        except OSError:
            observer.no_answer(time.monotonic())
            await asyncio.sleep(0.1)
        since = sent
        await asyncio.sleep(max(0.0, POLL_S - (time.monotonic() - sent)))


def _slot_reading(slot: tuple[int, ...], head: tuple[int, ...], since: float) -> SlotReading:
    watts = head[10]
    return SlotReading(
        at=time.monotonic(),
        since=since,
        enabled=slot[21] == 1,
        limit_w=slot[0],
        mode=slot[20] if slot[20] != 0xFFFF else 0,
        heartbeat=slot[23],
        failsafe_w=slot[14],
        heartbeat_timeout_s=slot[15],
        # Model 701 counts generation as positive; a station only absorbs.
        power_w=None if watts == 0x8000 else -float(watts - 0x10000 if watts & 0x8000 else watts),
    )


async def _speak(observer: Observer) -> None:
    while True:
        _print({"live": observer.live()})
        await asyncio.sleep(LIVE_S)


async def _obey(observer: Observer) -> None:
    """Read orders from standard input until a report is asked for or the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        with contextlib.suppress(ValueError):
            order = json.loads(line)
            if order.get("do") == "report":
                return
            if order.get("do") == "note_write":
                observer.note_write(float(order["t"]))


async def observe(settings: ObserverSettings) -> dict[str, Any]:
    """Watch until a report is asked for; returns the report's measured part."""
    observer = Observer(settings)
    watching = [
        asyncio.create_task(_watch_modbus(observer), name="modbus"),
        asyncio.create_task(_speak(observer), name="speak"),
        *(asyncio.create_task(_watch_bus(observer, index), name=f"bus-{index}") for index in range(len(settings.hubs))),
    ]
    await _obey(observer)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    tap = RecordsTap(Path(settings.outbox), Path(settings.database))
    records = await asyncio.to_thread(tap.settled)
    return {**observer.result(), **records}


def _print(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Observe as the first argument says, a JSON object with the fields of `ObserverSettings`."""
    given = json.loads(sys.argv[1])
    settings = ObserverSettings(**{**given, "hubs": tuple(given["hubs"])})
    _print({"report": asyncio.run(observe(settings))})
    return 0


if __name__ == "__main__":
    sys.exit(main())
