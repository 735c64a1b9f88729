"""Looks for a newer release at start and at least once a day, and fetches what is signed."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urljoin

from edge.update.bundle import verify
from edge.update.manifest import MAX_BYTES, Manifest, Refused
from edge.update.settings import UpdateSettings
from edge.update.slots import Slots
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log, metrics
from powerctl.runtime.backoff import full_jitter

EVERY_S: Final = 20 * 3600.0
SPREAD_S: Final = 3 * 3600.0
"""A check is 20 to 23 hours after the one before, so that a fleet does not ask at once: never more than a day."""
RETRY_BASE_S: Final = 60.0
RETRY_CAP_S: Final = 3600.0
LOOK_EVERY_S: Final = 30.0
INCOMING: Final = "incoming.bundle"
_TIMEOUT_S: Final = 30.0
_MAX_INDEX: Final = 64 * 1024
_BLOCK: Final = 256 * 1024

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """The newest release that there is."""

    number: int
    url: str


@dataclass(slots=True)
class Checker:
    """Asks for updates.

    Args:
        settings: Where, and whom to trust.
        clock: Both clocks.
        report: Told what has happened: a code, and a sentence.
        ask: What is on offer; blocking, raises RemoteError.
        fetch: Fetches an offer into a file; blocking, raises RemoteError.
    """

    settings: UpdateSettings
    clock: Clock
    report: Callable[[str, str], Awaitable[None]]
    ask: Callable[[UpdateSettings], Offer] = field(default_factory=lambda: ask_index)
    fetch: Callable[[UpdateSettings, Offer, Path], None] = field(default_factory=lambda: fetch_offer)
    random: Callable[[], float] = random.random
    _check_at: Monotonic | None = None
    _failures: int = 0
    _fetched: int = 0

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Check when it is time."""
        now = self.clock.monotonic()
        if self._check_at is not None and now < self._check_at:
            return
        try:
            await self._check()
        except (RemoteError, ConfigError, OSError) as error:
            wait = full_jitter(self._failures, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=self.random)
            self._failures += 1
            metrics.counter("edge_update_checks_total").labels("failed").inc()
            _log.warning("update_check_failed", reason=str(error), retry_s=round(wait))
        else:
            wait, self._failures = EVERY_S + SPREAD_S * self.random(), 0
            metrics.counter("edge_update_checks_total").labels("answered").inc()
        self._check_at = after(now, wait)

    async def _check(self) -> None:
        offer = await asyncio.to_thread(self.ask, self.settings)
        if offer.number <= max(self._fetched, await asyncio.to_thread(self._present)):
            return
        try:
            manifest = await asyncio.to_thread(self._bring, offer)
        except Refused as error:
            await self.report("update_rejected", str(error))
            raise
        self._fetched = manifest.number
        await self.report("update_available", f"release {manifest.number} ({manifest.version}) is fetched and verified")

    def _present(self) -> int:
        slots = Slots(self.settings.root)
        state = slots.state()
        manifests = (slots.manifest(slot) for slot in (state.good, state.trial) if slot is not None)
        return max((manifest.number for manifest in manifests if manifest is not None), default=0)

    def _bring(self, offer: Offer) -> Manifest:
        incoming = self.settings.root / INCOMING
        fresh = incoming.with_suffix(".part")
        try:
            self.fetch(self.settings, offer, fresh)
            manifest = verify(fresh, self.settings.keys)
            fresh.replace(incoming)
        finally:
            fresh.unlink(missing_ok=True)
        return manifest


def ask_index(settings: UpdateSettings) -> Offer:
    """What the index offers: JSON with `number`, and `url`, which may be relative. Raises RemoteError."""
    index = settings.index or ""
    try:
        with _open(settings, index) as response:
            found = json.loads(response.read(_MAX_INDEX))
        offer = Offer(int(found["number"]), urljoin(index, str(found["url"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RemoteError(f"{index} offers nothing that can be read: {error}") from error
    if offer.url.split(":")[0] != index.split(":")[0]:
        raise RemoteError(f"{index} leads to another protocol")
    return offer


def fetch_offer(settings: UpdateSettings, offer: Offer, target: Path) -> None:
    """Fetch the bundle; no more than a bundle may have. Raises RemoteError, OSError."""
    size = 0
    with target.open("wb") as sink:
        try:
            with _open(settings, offer.url) as response:
                while block := response.read(_BLOCK):
                    size += len(block)
                    if size > MAX_BYTES:
                        raise RemoteError(f"{offer.url} does not end")
                    sink.write(block)
        except ValueError as error:
            raise RemoteError(f"{offer.url} does not answer") from error


def _open(settings: UpdateSettings, url: str) -> HTTPResponse:
    context = None
    if url.startswith("https:"):
        context = ssl.create_default_context(cafile=str(settings.ca) if settings.ca else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    response: HTTPResponse = urllib.request.urlopen(url, timeout=_TIMEOUT_S, context=context)  # noqa: S310 - settings take http(s) only
    return response
