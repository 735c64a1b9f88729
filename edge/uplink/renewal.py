"""Renews the station's certificate in time: asks, tries the new one, and goes back when the broker does not take it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from prometheus_client import Counter

from edge.uplink.identity import Identity, Pair, accepted, new_request
from edge.uplink.registry import Registry
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import StationId
from powerctl.runtime import log, metrics

LOOK_EVERY_S: Final = 5.0
TRIAL_S: Final = 300.0
"""How long the broker may refuse a new certificate: the cloud tells it of new ones within seconds."""
ASK_AGAIN_S: Final = 3600.0
"""After a failure. Thirty days are left for more attempts."""

_log = log.get(__name__)


@dataclass(slots=True)
class Renewal:
    """Keeps the station's certificate young.

    Args:
        station: Who we are.
        identity: Where key and certificate lie.
        registry: Who gives the next one.
        trusted: PEM file with the authorities that sign stations.
        clock: Both clocks.
        reconnect: Connects anew, with the files as they are now.
        alarm: Tells the cloud of something that may be an attack: its code, and what happened.
    """

    station: StationId
    identity: Identity
    registry: Registry
    trusted: Path
    clock: Clock
    reconnect: Callable[[], None]
    alarm: Callable[[str, str], Awaitable[None]]
    _connected: bool = False
    _trial_ends: Monotonic | None = None
    _ask_at: Monotonic | None = None
    _events: Counter = field(default_factory=lambda: metrics.counter("edge_uplink_renewals_total"))

    def connected(self, state: bool) -> None:
        """Note that the broker has taken our certificate, or that the connection is gone."""
        self._connected = state

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            try:
                await self.step()
            except OSError as error:
                _log.error("identity_not_written", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Do what is to be done now."""
        pair = await asyncio.to_thread(self.identity.load)
        if pair is not None:
            left = pair.certificate.not_valid_after_utc
            metrics.gauge("edge_uplink_certificate_end_timestamp_seconds").set(left.timestamp())
        if await asyncio.to_thread(lambda: self.identity.on_trial):
            await self._judge(pair)
        elif pair is not None and pair.is_due(self.clock.utc()) and self._may_ask():
            await self._renew(pair)

    def _may_ask(self) -> bool:
        return self._ask_at is None or self.clock.monotonic() >= self._ask_at

    async def _renew(self, present: Pair) -> None:
        self._ask_at = after(self.clock.monotonic(), ASK_AGAIN_S)
        try:
            fresh = await asyncio.to_thread(self._asked, present)
        except (RemoteError, ConfigError) as error:
            self._events.labels("refused").inc()
            _log.warning("renewal_failed", reason=str(error))
            return
        await asyncio.to_thread(self.identity.try_out, fresh)
        _log.info("certificate_on_trial", serial=f"{fresh.certificate.serial_number:x}")
        self._begin_trial()

    def _asked(self, present: Pair) -> Pair:
        key, asked = new_request(self.station)
        issued = self.registry.renew(present, asked)
        fresh = accepted(issued, key, self.station, authorities(self.trusted), self.clock.utc())
        return replace(fresh, permit_key=fresh.permit_key or present.permit_key)

    def _begin_trial(self) -> None:
        self._connected = False
        self._trial_ends = after(self.clock.monotonic(), TRIAL_S)
        self.reconnect()

    async def _judge(self, pair: Pair | None) -> None:
        """Keep the pair on trial, or go back, or wait."""
        if self._trial_ends is None and not self._connected:
            # The power was lost in a trial: it begins anew.
            self._begin_trial()
        elif self._connected:
            await asyncio.to_thread(self.identity.keep)
            self._trial_ends, self._ask_at = None, None
            self._events.labels("renewed").inc()
            _log.info("certificate_renewed", serial=f"{pair.certificate.serial_number:x}" if pair else "")
        elif self._trial_ends is not None and self.clock.monotonic() >= self._trial_ends:
            await asyncio.to_thread(self.identity.give_up)
            self._trial_ends = None
            self._ask_at = after(self.clock.monotonic(), ASK_AGAIN_S)
            self._events.labels("rolled_back").inc()
            _log.error("certificate_rolled_back", reason="the broker did not take the new one")
            self.reconnect()
            await self.alarm("certificate_rolled_back", "The broker did not take the new certificate.")


def authorities(path: Path) -> list[x509.Certificate]:
    """The authorities in a PEM file.

    Raises:
        ConfigError: There are none.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(os.fspath(path), f"holds no certificates: {error}.", "Name a PEM file.") from error


def enrol(station: StationId, identity: Identity, registry: Registry, trusted: Path, token: str, clock: Clock) -> Pair:
    """Get the station's first certificate for a token.

    Raises:
        ConfigError: The cloud refuses, or answers what we do not accept.
    """
    key, asked = new_request(station)
    try:
        pair = accepted(registry.enrol(token, asked), key, station, authorities(trusted), clock.utc())
        identity.install(pair)
    except RemoteError as error:
        raise ConfigError(
            "the enrolment", f"failed: {error}.", "Ask for a new token, and check the address."
        ) from error
    except OSError as error:
        raise ConfigError("uplink.identity.folder", f"cannot be written: {error}.", "Give the rights.") from error
    return pair
