"""Gives the demo's stations their certificates as they come to them elsewhere: a token, a request, an answer."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edge.uplink.identity import Identity
from edge.uplink.registry import Registry
from edge.uplink.renewal import enrol
from powerctl.app.demo import neighbours
from powerctl.app.demo.files import STATION, Files
from powerctl.core.ids import station_id
from powerctl.runtime.clock import SystemClock

AT_ONCE: Final = 3
"""Enrolments; each waits for the disk."""


def enrol_all(files: Files) -> None:
    """Enrol our station and its neighbours at the cloud, which must be well.

    Raises:
        ConfigError: It refuses.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda name: _enrol(files, name), (STATION, *(one.station for one in neighbours.PLACES))):
            pass


def _enrol(files: Files, name: str) -> None:
    station = station_id(name)
    token, _ = files.tokens.enrolment(station, str(uuid.uuid4()))
    registry = Registry(files.web_url, None)
    enrol(station, Identity(files.identity(name)), registry, files.authority, token, SystemClock())
