"""The shells that bring measurements: a meter, a utility's terminal, contacts, and the frequency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn, Protocol

from powerctl.core.clock import Clock
from powerctl.core.errors import RemoteError
from powerctl.core.units import Power
from powerctl.runtime import log
from powerctl.runtime.metrics import counter, gauge
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.lpc import State
from powerctl.signals.sources.contact import ContactSource
from powerctl.signals.sources.frequency import FrequencySource
from powerctl.signals.sources.modbus_client import RegisterReader, find_meter
from powerctl.signals.sources.polled_utility import Answer, Terminal, answered, is_due, taken
from powerctl.signals.sources.registers import METER_MODELS, sunspec_reading
from powerctl.signals.sources.settings import MeterSettings, TerminalSettings
from powerctl.signals.sources.site import MeterReading, SiteSource

CONTACT_PERIOD_S: Final = 0.05
RETRY_S: Final = 1.0
MAX_LINE: Final = 64

_log = log.get(__name__)

Speak = Callable[[], None]
"""Has the state arbitrated anew, and told."""
Submit = Callable[[int, dict[str, int], Authority], State | None]
"""Writes to a slot; the slot's state, or None if it was not taken."""


class Watch:
    """Tells when a source answers and when it does not: metrics for each time, the log for each change."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._well: bool | None = None

    def well(self) -> None:
        """It has answered."""
        self._turn(well=True)

    def broken(self, error: Exception) -> None:
        """It has not, or what it said cannot be taken."""
        counter("powerctl_source_errors_total").labels(self._source).inc()
        self._turn(well=False, why=str(error))

    def _turn(self, *, well: bool, why: str = "") -> None:
        gauge("powerctl_source_well").labels(self._source).set(well)
        if self._well is not well:
            self._well = well
            if well:
                _log.info("grid_source_answers", source=self._source)
            else:
                _log.warning("grid_source_fails", source=self._source, why=why)


class Meter:
    """The grid meter, read in turns."""

    def __init__(self, settings: MeterSettings, source: SiteSource, speak: Speak, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._speak = speak
        self._clock = clock
        self._reader = RegisterReader(settings.host, settings.port, settings.unit)
        self._place: tuple[int, int] | None = None
        self._watch = Watch("meter")

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        try:
            while True:
                await self._turn()
                await asyncio.sleep(self._settings.interval_s)
        finally:
            self._reader.close()

    async def _turn(self) -> None:
        try:
            reading = await (self._sunspec() if self._settings.power is None else self._listed())
        except RemoteError as error:
            self._place = None
            self._watch.broken(error)
            return
        self._watch.well()
        self._source.metered(reading, self._clock.monotonic())
        self._speak()

    async def _sunspec(self) -> MeterReading:
        if self._place is None:
            self._place = await find_meter(self._reader)
        address, model = self._place
        words = await self._reader.read(address, METER_MODELS[model].length)
        if words[0] != model:
            raise RemoteError(f"model {model} is no longer where it was")
        return sunspec_reading(model, words, 1 if self._settings.drawn == "positive" else -1)

    async def _listed(self) -> MeterReading:
        settings = self._settings
        if settings.power is None:
            raise AssertionError
        power = Power(await self._reader.value(settings.power.register()))
        if settings.currents is None:
            return MeterReading(power)
        first, second, third = [await self._reader.value(one.register()) for one in settings.currents]
        return MeterReading(power, (first, second, third))


class PolledTerminal:
    """A utility's terminal, read in turns; what it says is written to its slot."""

    def __init__(self, settings: TerminalSettings, submit: Submit, unit: float) -> None:
        self._settings = settings
        self._submit = submit
        self._unit = unit
        self._reader = RegisterReader(settings.host, settings.port, settings.unit)
        self._terminal = Terminal()
        self._authority = Authority(Channel.MODBUS_TCP, f"{settings.host}:{settings.port}")
        self._watch = Watch("utility")

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        try:
            while True:
                await self._turn()
                await asyncio.sleep(self._settings.interval_s)
        finally:
            self._reader.close()

    async def _turn(self) -> None:
        try:
            moved, writes = answered(self._terminal, await self._answer(), self._unit)
        except RemoteError as error:
            self._watch.broken(error)
            return
        self._watch.well()
        self._terminal = moved
        if not writes.heartbeat:
            return
        state = self._submit(self._settings.slot, writes.heartbeat, self._authority)
        if state is not None and is_due(moved, writes.command, state):
            self._submit(self._settings.slot, writes.command, self._authority)
            self._terminal = taken(moved, writes.command)

    async def _answer(self) -> Answer:
        settings, reader = self._settings, self._reader
        limit_w = await reader.value(settings.limit.register())
        enabled = settings.enable is None or await reader.value(settings.enable.register()) != 0
        beat = None if settings.heartbeat is None else int(await reader.value(settings.heartbeat.register()))
        return Answer(limit_w, enabled, beat)


class ContactPort(Protocol):
    """Digital inputs of the station."""

    async def closed(self) -> Sequence[bool]:
        """For each contact, whether it dims. Raises RemoteError: an input cannot be read."""
        ...


class FileContacts:
    """Digital inputs as Linux shows them: one file each, with 0 or 1."""

    def __init__(self, paths: Sequence[Path], closed: int) -> None:
        self._paths = tuple(paths)
        self._closed = str(closed)

    async def closed(self) -> Sequence[bool]:
        """See `ContactPort`."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> tuple[bool, ...]:
        try:
            texts = [path.read_text()[:4].strip() for path in self._paths]
        except (OSError, UnicodeDecodeError) as error:
            raise RemoteError(f"contact: {error}") from error
        if not set(texts) <= {"0", "1"}:
            raise RemoteError(f"contact: {texts} instead of 0 or 1")
        return tuple(text == self._closed for text in texts)


async def watch_contacts(port: ContactPort, source: ContactSource, speak: Speak, clock: Clock) -> NoReturn:
    """Read the contacts until cancelled."""
    watch = Watch("contact")
    while True:
        try:
            closed = await port.closed()
        except RemoteError as error:
            watch.broken(error)
        else:
            watch.well()
            if source.observe(closed, clock.monotonic()):
                speak()
        await asyncio.sleep(CONTACT_PERIOD_S)


class FrequencyPort(Protocol):
    """A local source of frequency, at least ten samples per second."""

    async def sample(self) -> float:
        """The next sample, hertz, as soon as it is measured. Raises RemoteError: there is none."""
        ...


class SocketFrequency:
    """Samples from a program on this machine: one number per line on a Unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def sample(self) -> float:
        """See `FrequencyPort`."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(self._path, limit=MAX_LINE)
            line = await self._streams[0].readline()
            if not line:
                raise RemoteError("frequency: the program has hung up")
            return float(line)
        except (OSError, ValueError) as error:
            self.close()
            raise RemoteError(f"frequency: {error}") from error
        except RemoteError:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection. Does nothing when there is none."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def watch_frequency(port: FrequencyPort, source: FrequencySource, speak: Speak, clock: Clock) -> NoReturn:
    """Take samples until cancelled; a cap is told in the turn of the loop in which its sample came."""
    watch = Watch("frequency")
    while True:
        try:
            hz = await port.sample()
        except RemoteError as error:
            watch.broken(error)
            await asyncio.sleep(RETRY_S)
            continue
        try:
            if source.sampled(hz, clock.monotonic()):
                speak()
        except RemoteError as error:
            watch.broken(error)
        else:
            watch.well()
