"""What the station tells about itself: how its programs are, and the configuration that they run with."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from edge.uplink.disk import Backlog
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.record import Record
from powerctl.runtime import log
from powerctl.runtime.outbox import OutboxFull

TELL_EVERY_S: Final = 600.0
LOOK_EVERY_S: Final = 10.0
_SECRET: Final = re.compile(r"pass|secret|token|pin|credential", re.IGNORECASE)
_LONGEST: Final = 2_000

_log = log.get(__name__)


def values_of(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and JSON values of a settings file, without what may be a secret."""
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from values_of(value, f"{name}.")
        elif not _SECRET.search(key):
            yield name, json.dumps(value, default=str, sort_keys=True)[:_LONGEST]


def reported(config: Path) -> ConfigurationReported:
    """The configuration as the file says it now.

    Raises:
        OSError, ValueError: The file cannot be read.
    """
    values = dict(values_of(tomllib.loads(config.read_text())))
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return ConfigurationReported(digest, values)


@dataclass(slots=True)
class SelfReport:
    """Tells the cloud how the station is.

    Args:
        config: The station file: the cloud sees when somebody edits it.
        clock: Both clocks.
        append: Adds a record to the outbox.
        backlog: What waits for the cloud.
        certificate_end: When the certificate for the broker ends. None: not known.
        offset_s: Our clock ahead of its source. None: not known.
    """

    config: Path
    clock: Clock
    append: Callable[[Record], Awaitable[None]]
    backlog: Callable[[], Awaitable[Backlog]]
    certificate_end: Callable[[], datetime | None]
    offset_s: Callable[[], float | None]
    _digest: str = ""
    _end: datetime | None = None
    _tell_at: Monotonic | None = None

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Tell what has changed, and everything from time to time."""
        now = self.clock.monotonic()
        try:
            await self._configuration()
            end = await asyncio.to_thread(self.certificate_end)
            if self._tell_at is None or now >= self._tell_at or end != self._end:
                await self.append(Record(self.clock.utc(), await self._health(end)))
                self._tell_at, self._end = after(now, TELL_EVERY_S), end
        except OutboxFull as error:
            _log.warning("health_not_stored", reason=str(error))

    async def _configuration(self) -> None:
        try:
            found = await asyncio.to_thread(reported, self.config)
        except (OSError, ValueError) as error:
            _log.warning("configuration_not_read", reason=str(error))
            return
        if found.config_digest != self._digest:
            await self.append(Record(self.clock.utc(), found))
            self._digest, self._tell_at = found.config_digest, None

    async def _health(self, end: datetime | None) -> StationHealth:
        waiting = await self.backlog()
        return StationHealth(
            software_version=version("powerctl"),
            outbox_records=sum(waiting.depth.values()),
            outbox_oldest_time=waiting.oldest,
            certificate_end_time=end,
            config_digest=self._digest,
            clock_offset_s=self.offset_s(),
        )
