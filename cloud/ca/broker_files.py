"""Tells the broker whose certificates count, and ends the connections of those that no longer do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509

from cloud.ca.settings import CaSettings
from cloud.ingest.ports import StoreUnavailable
from cloud.store import certificates
from cloud.store.certificates import StationCertificate
from cloud.store.store import Store
from powerctl.core.ids import StationId
from powerctl.runtime import log
from powerctl.runtime.pki import Authority, revocation_list
from powerctl.wire import broker_access

PAUSE_S: Final = 0.3
"""However many enrol at once, the broker reads its files no more often."""
LOOK_EVERY_S: Final = 5.0
"""A revocation is effective within a minute wherever it was made; this is most of it."""
LIST_EVERY: Final = timedelta(days=1)
"""A list of revoked certificates is good for a week, and brokers refuse everybody when it is older."""
_STILL_LIVE: Final = timedelta(minutes=10)
"""After a restart, connections of whoever was revoked within so long are ended again."""
_SETTLE_S: Final = 0.5

_log = log.get(__name__)


@dataclass(slots=True)
class BrokerFiles:
    """Keeps the broker's files as the database says.

    Args:
        settings: Which files, and whose process.
        authority: Signs the list of revoked certificates.
        store: Who was enrolled and revoked.
        ingest: Subject of the cloud's own certificate, as the broker reads it.
        end: Ends the live connection of a station.
        changed: Set when this process has changed something; what others do is seen at the next look.
    """

    settings: CaSettings
    authority: Authority
    store: Store
    ingest: str
    end: Callable[[StationId], Awaitable[None]]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _written: tuple[frozenset[str], frozenset[str]] | None = None
    _list_time: datetime | None = None
    _kicked: set[str] = field(default_factory=set)

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            self.changed.clear()
            try:
                await self.refresh()
            except (StoreUnavailable, OSError) as error:
                _log.error("broker_files_not_written", reason=str(error))
            await asyncio.sleep(PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), LOOK_EVERY_S)

    async def refresh(self) -> None:
        """Write what has changed, tell the broker, and end connections of the newly revoked."""
        now = self.store.clock.utc()
        async with self.store.database.read() as connection:
            known = await certificates.living(connection, now)
        valid = frozenset(one.serial for one in known if one.is_valid(now))
        revoked = frozenset(one.serial for one in known if one.revoke_time is not None)
        aged = self._list_time is None or now - self._list_time >= LIST_EVERY
        if (valid, revoked) != self._written or aged:
            await asyncio.to_thread(self._write, known, valid)
            self._written, self._list_time = (valid, revoked), now
        await self._end_revoked(known, valid, now)

    async def _end_revoked(self, known: Sequence[StationCertificate], valid: frozenset[str], now: datetime) -> None:
        good = {one.station for one in known if one.serial in valid}
        fresh = [
            one
            for one in known
            if one.revoke_time is not None and one.serial not in self._kicked and now - one.revoke_time < _STILL_LIVE
        ]
        self._kicked |= {one.serial for one in fresh}
        stations = {one.station for one in fresh} - good
        if stations:
            # The broker must have read the files, or the station would come back at once.
            await asyncio.sleep(_SETTLE_S)
        for station in sorted(stations):
            await self.end(station)
            _log.warning("station_connection_ended", station=station)

    def _write(self, known: Sequence[StationCertificate], valid: frozenset[str]) -> None:
        if self.settings.broker_users is not None:
            users = [broker_access.cloud(self.ingest)]
            users += [broker_access.station(_subject(one), one.station) for one in known if one.serial in valid]
            _replace(self.settings.broker_users, json.dumps({"users": users}, indent=2).encode())
        if self.settings.broker_revoked is not None:
            revoked = {int(one.serial, 16): one.revoke_time for one in known if one.revoke_time is not None}
            _replace(self.settings.broker_revoked, revocation_list(self.authority, revoked))
        _reload(self.settings.broker_pid)
        _log.info("broker_files_written", valid=len(valid))


def _subject(certificate: StationCertificate) -> str:
    return x509.load_pem_x509_certificate(certificate.pem.encode()).subject.rfc4514_string()


def _replace(path: Path, content: bytes) -> None:
    """Write `path` so that nobody reads half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    os.replace(fresh, path)


def _reload(pid_file: Path | None) -> None:
    """Let the broker read its files again. One that is not running reads them when it starts."""
    try:
        number = int(pid_file.read_text()) if pid_file is not None else 0
        if number > 1:
            os.kill(number, signal.SIGHUP)
    except (OSError, ValueError) as error:
        _log.error("broker_not_told", reason=str(error))
