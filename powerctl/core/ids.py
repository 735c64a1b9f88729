"""Identifiers as distinct types."""

from __future__ import annotations

import re
from typing import NewType

StationId = NewType("StationId", str)
"""Common name of the station's certificate; `[A-Za-z0-9][A-Za-z0-9-]{0,35}`."""

ConnectorId = NewType("ConnectorId", int)
"""1-based position at the station: 1 is the left one as a person stands in front of it."""

SessionId = NewType("SessionId", str)
"""Random UUID made by the station at plug-in."""

_STATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,35}")


def station_id(text: str) -> StationId:
    """`text` as a station id.

    Raises:
        ValueError: It is empty, longer than 36 characters, or has others than letters, digits and hyphens.
    """
    if not _STATION.fullmatch(text):
        raise ValueError(f"station id {text!r}: use 1 to 36 letters, digits and hyphens, starting with no hyphen")
    return StationId(text)
