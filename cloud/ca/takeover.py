"""Ends a station's connection as MQTT lets it be ended from outside: a second connection of the same client."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Final

from powerctl.core.ids import StationId
from powerctl.runtime.mqtt import MqttLink, MqttSettings, Terms
from powerctl.runtime.pki import Authority, issue

WITHIN_S: Final = 10.0
_LIFE_DAYS: Final = 1 / 144
"""Ten minutes: nobody else ever sees the certificate."""


async def take_over(broker: MqttSettings, authority: Authority, station: StationId) -> None:
    """Connect once in the name of `station`, which ends its connection (MQTT 3.1.1, 3.1.4-2)."""
    with tempfile.TemporaryDirectory() as folder:
        signer = Authority(Path(folder), authority.certificate, authority.key)
        files = await asyncio.to_thread(issue, signer, station, client=True, days=_LIFE_DAYS)
        files = files.model_copy(update={"ca": broker.tls.ca})
        settings = broker.model_copy(update={"tls": files})
        over = asyncio.Event()
        terms = Terms(station, [], lambda _: None, on_state=lambda state: over.set() if state else None)
        link = MqttLink(settings, terms, setting="cloud.mqtt", on_attempt=lambda _: over.set())
        running = asyncio.create_task(link.run())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), WITHIN_S)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
